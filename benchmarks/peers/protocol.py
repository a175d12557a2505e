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
    model, batch = task["model"], task["batch"]
    if model["kind"] == "mlp":
        sample = [model["sizes"][0]]
    elif model["kind"] == "cnn":
        sample = [1, model["side"], model["side"]]
    else:
        sample = [model["length"], model["width"]]
    inputs = np.fromfile(folder + "/inputs.bin", dtype=np.float32).reshape([-1, batch] + sample)
    labels = np.fromfile(folder + "/labels.bin", dtype=np.int32).reshape([-1, batch])
    return parameters, [(inputs[i].copy(), labels[i].copy()) for i in range(task["batches"])]


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


def serve(prepare):
    """prepare(task, threads) gives {"engine": …, "step": function that gives the loss, "differs": … or absent}."""
    # What libraries print goes to stderr; the replies alone to stdout.
    out, sys.stdout = sys.stdout, sys.stderr
    work = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request["do"]
        if do == "prepare":
            try:
                work = prepare(request["task"], request["threads"])
                reply = {key: value for key, value in work.items() if key != "step"}
                if request["task"]["kind"] == "train":
                    reply["loss"] = work["step"]()
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
