import { describe, expect, it } from "vitest";
import { manualSeed } from "@ermine/core";
import type { FitOptions } from "../src/index.js";
import { checkpoint, readCheckpoint } from "../src/checkpoint/node.js";
import { Disk, folder } from "./disk.js";
import { refusal } from "./refusal.js";
import { comparable, recorder, uninterrupted } from "./resumed.js";
import { checkpoints, data, ending, make, options, saves, train } from "./checkpointedTraining.js";

describe("checkpoint", () => {
  it("writes after each epoch and at the end, keeps the newest, and the same program goes on", async () => {
    const disk = new Disk();
    const { result } = await uninterrupted(
      make,
      data,
      options(() => [recorder()]),
    );
    expect((await train(disk, { end: 8 })).history.stopped).toBe("interrupted");
    expect(checkpoints(disk)).toEqual(["update-000000006.safetensors", "update-000000008.safetensors"]);
    expect((await train(disk, { end: 5 })).history.stopped).toBe("interrupted");
    expect(checkpoints(disk)).toEqual(["update-000000012.safetensors", "update-000000013.safetensors"]);
    const { trainer, history } = await train(disk, { save: { keep: 3 } });
    expect(history.stopped).toBe("finished");
    const without = (it: { host: { callbacks: { name: string }[] } }) => ({
      ...it,
      host: { ...it.host, callbacks: it.host.callbacks.filter(({ name }) => name === "recorder") },
    });
    expect(without(comparable(await trainer.snapshot()) as never)).toEqual({
      variables: (result as { variables: unknown }).variables,
      host: (result as { host: unknown }).host,
    });
    const operations = disk.operations.length;
    const again = await train(disk);
    expect([again.history, again.trainer.step]).toEqual([history, 18]);
    expect(disk.operations.slice(operations).filter((name) => name.startsWith("create update"))).toEqual([]);
  });

  it.each([
    [{ updates: 4 }, [4, 8, 12, 16, 18]],
    [{ epochs: 2 }, [12, 18]],
    [{ seconds: 1e-9 }, Array.from({ length: 18 }, (_, i) => i + 1)],
    [{ seconds: 1e6 }, [18]],
  ])("writes every %o", async (every, updates) => {
    const disk = new Disk();
    await train(disk, { save: { every, keep: 99 } });
    expect(checkpoints(disk).map((name) => Number(name.slice(7, -12)))).toEqual(updates);
  });

  it("keeps the best epoch, over interruptions too", async () => {
    const disk = new Disk();
    await train(disk, { save: { best: "valLoss" }, end: 8 });
    await train(disk, { save: { best: "valLoss" }, end: 3 });
    const { history } = await train(disk, { save: { best: { monitor: "valLoss", mode: "min" } } });
    const losses = history.epochs.map(({ valLoss }) => valLoss!);
    const best = await readCheckpoint(folder, { fileSystem: disk, which: "best" });
    expect(best.host.history.epochs.length - 1).toBe(losses.indexOf(Math.min(...losses)));
  });

  it("what is later than a checkpoint that training goes on from is not taken for the newest", async () => {
    const disk = new Disk();
    await train(disk, { save: { keep: 9 } });
    expect(checkpoints(disk).map((name) => Number(name.slice(7, -12)))).toEqual([6, 12, 18]);
    // Damaged ones that were more than are kept now; and those that somebody goes back from.
    for (const update of ["12", "18"]) disk.file(`update-0000000${update}.safetensors`)[3000]! ^= 1;
    const { notices } = await train(disk, { save: { keep: 1, every: { updates: 2 } }, end: 2 });
    expect(notices.filter((text) => text.includes("SHA-256"))).toHaveLength(2);
    expect(checkpoints(disk)).toEqual(["update-000000008.safetensors"]);
    // A damaged one that is before the first new one: it is not among those that are kept.
    await train(disk, { save: { keep: 9, every: { updates: 1 } }, end: 2 });
    disk.file("update-000000010.safetensors")[3000]! ^= 1;
    await train(disk, { save: { keep: 2, every: { updates: 3 } }, end: 3 });
    expect(checkpoints(disk)).toEqual(["update-000000009.safetensors", "update-000000012.safetensors"]);
    await train(disk, { save: { keep: 9, every: { updates: 2 } } });
    const resume = await readCheckpoint(folder, { fileSystem: disk, which: "update-000000014.safetensors" });
    manualSeed(5);
    const back = [ending(2), saves(disk, { keep: 2, every: { updates: 2 } })];
    await make().fit(data(), { ...options(() => [])(), callbacks: back, resume } as FitOptions<never, never>);
    expect(checkpoints(disk)).toEqual(["update-000000014.safetensors", "update-000000016.safetensors"]);
    expect((await readCheckpoint(folder, { fileSystem: disk })).host.update).toBe(16);
  });

  it("a folder of another training is not written into", async () => {
    const disk = new Disk();
    await train(disk);
    const before = disk.names;
    const error = await refusal(() => train(disk, { fit: { resume: undefined } }));
    expect(error.message).toMatch(/There are checkpoints of a training in the folder runs\/test, which this one does not resume/);
    expect(disk.names).toEqual(before);
  });

  it("damaged ones are passed over with a notice; where all are damaged, nothing begins anew", async () => {
    const disk = new Disk();
    await train(disk, { end: 8 });
    // Of an element.
    const file = disk.file("update-000000008.safetensors");
    file[file.length - 100]! ^= 4;
    const { notices, history } = await train(disk);
    expect(notices).toEqual([
      expect.stringMatching(/update-000000008.safetensors: Its SHA-256 .* Training goes on from update-000000006/),
    ]);
    expect(history.stopped).toBe("finished");
    for (const name of checkpoints(disk)) disk.put(name, disk.file(name).slice(0, 100));
    const error = await refusal(() => train(disk));
    expect(error.message).toMatch(/None of the 2 checkpoints in runs\/test can be read/);
    expect((await refusal(() => readCheckpoint(folder, { fileSystem: disk }))).message).toMatch(/None of the 2/);
  });

  it("readCheckpoint says what is not there, and leads out of no folder", async () => {
    const disk = new Disk();
    expect((await refusal(() => readCheckpoint(folder, { fileSystem: disk }))).message).toMatch(
      /There is no checkpoint in runs\/test/,
    );
    await train(disk);
    expect((await readCheckpoint(folder, { fileSystem: disk, which: "update-000000018.safetensors" })).host.update).toBe(18);
    const best = await refusal(() => readCheckpoint(folder, { fileSystem: disk, which: "best" }));
    expect([best.code, best.message]).toEqual([
      "ERMINE_DATA",
      expect.stringMatching(/no best checkpoint in runs\/test.*best: "valLoss"/),
    ]);
    for (const which of ["../secret", "update-1.safetensors", "/etc/passwd", "update-00000000a.safetensors"])
      expect((await refusal(() => readCheckpoint(folder, { fileSystem: disk, which }))).message).toMatch(/which is "latest"/);
  });

  it.each([
    [{ folder: "" }, /folder is the path/],
    [{ folder: 5 }, /folder is the path/],
    [{ keep: 0 }, /keep is a whole number/],
    [{ every: {} }, /every is \{ epochs \}/],
    [{ every: { updates: 0.5 } }, /every is/],
    [{ every: { steps: 5 } }, /no option "steps"/],
    [{ best: { mode: "min" } }, /best is the log/],
    [{ best: { monitor: "valLoss", mod: "min" } }, /no option "mod".*"mode"/],
    [{ every: { epochs: undefined } }, /every is \{ epochs \}/],
    [{ best: { monitor: "valLoss", mode: "up" } }, /mode is one of/],
    [{ path: "a" }, /no option "path"/],
  ])("refuses %o", async (wrong, message) => {
    const error = await refusal(() => checkpoint({ folder, fileSystem: new Disk(), ...(wrong as object) } as never));
    expect(error.message).toMatch(message);
  });
});
