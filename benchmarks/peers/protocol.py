"""How a contestant in Python answers the lines that it is sent on standard input."""
import json
import resource
import sys
import time


def read_task(task):
    """Parameters by name, and the batches, as numpy arrays over one copy of the files."""
    import numpy as np

    def product(shape):
        n = 1
        for size in shape:
            n *= size
        return n

    folder = task["folder"]
    numbers = np.fromfile(folder + "/parameters.bin", dtype=np.float32)
    parameters, at = {}, 0
    for spec in task["parameters"]:
        size = product(spec["shape"])
        parameters[spec["name"]] = numbers[at : at + size].reshape(spec["shape"]).copy()
        at += size
    def rows(name, whole, sample):
        values = np.fromfile("%s/%s.bin" % (folder, name), dtype=np.int32 if whole else np.float32)
        return values.reshape([-1, task["batch"]] + sample)

    source, target = task["model"]["input"], task["target"]
    inputs = rows("inputs", "indices" in source, source["shape"])
    targets = rows("targets", "classes" in target, target["shape"])
    return parameters, [(inputs[i].copy(), targets[i].copy()) for i in range(task["batches"])]


def is_random(layers):
    """Is there dropout?"""
    return any(
        layer["kind"] == "dropout" or is_random(layer.get("branch", [])) or is_random(layer.get("shortcut", []))
        for layer in layers
    )


class Absent(Exception):
    """It cannot take part: {"cannot": …} or {"needs": …, "remedy": …}."""

    def __init__(self, answer):
        super().__init__(str(answer))
        self.answer = answer


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def take_turn(step, milliseconds):
    started = time.perf_counter()
    steps, block = 0, 1
    while True:
        for _ in range(block):
            step()
        steps += block
        elapsed = 1000 * (time.perf_counter() - started)
        if elapsed >= milliseconds:
            return {"steps": steps, "milliseconds": elapsed}
        if elapsed / steps * block < milliseconds / 50:
            block *= 2


def begin(work, kind):
    """What is said of a task that is ready; the first step is taken where its value is compared with others'."""
    reply = {key: work[key] for key in ("engine", "differs") if key in work}
    if kind not in ("train", "predict"):
        return reply
    value = work["loss"]() if "loss" in work else None
    started = time.perf_counter()
    first = work["step"]()
    reply["firstStep"] = 1000 * (time.perf_counter() - started)
    reply["value"] = first if value is None else value
    return reply


def serve(prepare):
    """
    prepare(task, threads) gives {"engine": …, "step": function that gives the loss, or the first element of the output, "differs": … or absent,
    "loss": where a step is random, a function that gives the first batch's loss without what makes it so}.
    """
    # What libraries print goes to stderr; the replies alone to stdout.
    out, sys.stdout = sys.stdout, sys.stderr
    work = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request["do"]
        if do == "prepare":
            try:
                work = prepare(request["task"], request["threads"])
                reply = begin(work, request["task"]["kind"])
            except Absent as absent:
                reply = absent.answer
        elif do == "turn":
            reply = take_turn(work["step"], request["milliseconds"])
        elif do == "steps":
            started = time.perf_counter()
            for _ in range(request["count"]):
                work["step"]()
            reply = {"steps": request["count"], "milliseconds": 1000 * (time.perf_counter() - started)}
        else:
            reply = {"resident": resident(), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        out.write(json.dumps({"reply": reply}) + "\n")
        out.flush()
