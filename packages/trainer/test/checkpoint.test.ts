import { describe, expect, it } from "vitest";
import { crossEntropy, ErmineError, manualSeed } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { readSafetensors } from "@ermine/formats";
import {
  adamw,
  dataset,
  earlyStopping,
  exponentialAverage,
  Trainer,
  type Callback,
  type FitOptions,
  type SavedState,
  type TrainingSnapshot,
} from "../src/index.js";
import { decodeCheckpoint, encodeCheckpoint, modelState, verifyResume, type CheckpointCallback } from "../src/checkpoint.js";
import { checkpoint, readCheckpoint, type CheckpointOptions, type ProcessTable } from "../src/checkpoint/node.js";
import { Disk, folder, type DiskOptions } from "./disk.js";
import { refusal } from "./refusal.js";
import { comparable, interrupted, recorder, uninterrupted, type Options } from "./resumed.js";

const count = 22;
const x = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * 1.3));
const y = Int32Array.from({ length: count }, (_, i) => (i * 7) % 2);
const data = () => dataset({ inputs: { data: x, shape: [count, 3] }, targets: y });
const make = (precision: "float32" | "float64" = "float64"): Trainer => {
  const model = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new ReLU(), new Dropout(0.3), new Linear(4, 2));
  return new Trainer({
    model,
    loss: crossEntropy,
    optimizer: exponentialAverage(adamw()),
    backend: reference({ precision }),
    seed: 4,
  });
};
const options =
  (
    callbacks: () => readonly Callback<"valLoss">[] = () => [recorder(), earlyStopping({ monitor: "valLoss", patience: 9 })],
  ): Options =>
  () =>
    ({ epochs: 3, batchSize: 4, validation: data(), notice: () => undefined, callbacks: callbacks() }) as ReturnType<Options>;

/** A snapshot in the middle of the second epoch. */
async function someSnapshot(): Promise<TrainingSnapshot> {
  const disk = new Disk();
  manualSeed(1);
  await make().fit(data(), {
    ...options()(),
    callbacks: [...options()().callbacks!, ending(9), checkpoint({ folder, fileSystem: disk })],
  } as FitOptions<never, never>);
  return readCheckpoint(folder, { fileSystem: disk });
}
const ending = (updates: number): Callback => {
  let seen = 0;
  return { name: "ending", state: () => null, onStep: (_, control) => void (++seen === updates && control.interrupt()) };
};

describe("a checkpoint's bytes", () => {
  it.each(["float32", "float64"] as const)(
    "hold all of a training, in %s: what goes through them has the same bits",
    async (precision) => {
      const { result } = await uninterrupted(() => make(precision), data, options());
      const through = async (snapshot: TrainingSnapshot): Promise<TrainingSnapshot> => {
        const { parts, byteLength } = await encodeCheckpoint(snapshot);
        expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(byteLength);
        const read = await decodeCheckpoint(parts[0]!);
        expect(comparable(read)).toEqual(comparable(snapshot));
        expect(read.settings).toEqual(snapshot.settings);
        return read;
      };
      expect(await interrupted(() => make(precision), data, options(), [2, 4, 5], through)).toEqual(result);
    },
  );

  it("are a safetensors file, whose model other programs read", async () => {
    const snapshot = await someSnapshot();
    const { parts } = await encodeCheckpoint(snapshot);
    const { tensors } = readSafetensors(parts[0]!);
    const weight = tensors.get("model.0.weight")!;
    expect([weight.dtype, weight.shape]).toEqual(["F64", [4, 3]]);
    expect(tensors.has("optimizer.0.weight.average")).toBe(true);
    const { model } = make();
    expect(model.loadStateDict(modelState(snapshot))).toBeDefined();
    expect((await model.stateDict())["0.weight"]!.data).toEqual(weight.elements());
  });

  it("are read from whatever holds them: a Buffer as readFile gives it, an ArrayBuffer, a view, shared memory", async () => {
    const snapshot = await someSnapshot();
    const file = (await encodeCheckpoint(snapshot)).parts[0]!;
    const shifted = Buffer.concat([Buffer.of(1, 2, 3), file]).subarray(3);
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    const buffer = file.slice().buffer;
    for (const bytes of [Buffer.from(file), shifted, buffer, new DataView(buffer), shared, shared.buffer, file.subarray()])
      expect(comparable(await decodeCheckpoint(bytes))).toEqual(comparable(snapshot));
    for (const wrong of [undefined, null, "a.safetensors", 5, {}, [1], Promise.resolve(file)])
      expect((await refusal(() => decodeCheckpoint(wrong as never))).code).toBe("ERMINE_USAGE");
  });

  it("equal snapshots are equal bytes", async () => {
    const snapshot = await someSnapshot();
    expect((await encodeCheckpoint(snapshot)).parts).toEqual((await encodeCheckpoint(snapshot)).parts);
  });

  it("states of callbacks come back as they were, whatever they hold", async () => {
    const snapshot = await someSnapshot();
    const odd = JSON.parse('{ "__proto__": { "polluted": 1 }, "$number": "NaN", "constructor": 1, "": [] }') as SavedState;
    const state: SavedState = {
      numbers: [NaN, Infinity, -Infinity, -0, 0, 1e-320, 2 ** 53, 0.1],
      texts: ["", "\u0000\ud83d\ude00\u2028", '"sha256":"'],
      odd,
      arrays: [
        new Float32Array([1, NaN]),
        new Float64Array([-0]),
        new Int32Array([-1]),
        new Uint8Array([0, 255]),
        new Float32Array(0),
      ],
      nothing: [null, true, [], {}],
    };
    const whole = { ...snapshot, host: { ...snapshot.host, callbacks: [{ name: "odd", state }] } };
    const read = await decodeCheckpoint((await encodeCheckpoint(whole)).parts[0]!);
    expect(read.host.callbacks).toEqual([{ name: "odd", state }]);
    expect(Object.is((read.host.callbacks[0]!.state as { numbers: number[] }).numbers[3], -0)).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("every byte that is flipped is found, and every length that is cut", async () => {
    const whole = (await encodeCheckpoint(await someSnapshot())).parts[0]!;
    expect(whole.length).toBeGreaterThan(4000);
    const kept = whole.slice();
    // Each byte with one bit; in turns of eight bits.
    for (let i = 0; i < whole.length; i++) {
      whole[i]! ^= 1 << (i % 8);
      const error = await refusal(() => decodeCheckpoint(whole));
      expect(error.code, `byte ${i}`).toMatch(/ERMINE_(DATA|UNSUPPORTED)/);
      whole[i]! ^= 1 << (i % 8);
    }
    expect(whole).toEqual(kept);
    for (let length = 0; length < whole.length; length += length < 600 ? 1 : 13)
      await refusal(() => decodeCheckpoint(whole.slice(0, length)));
    await refusal(() => decodeCheckpoint(Uint8Array.from([...whole, 0])));
    await decodeCheckpoint(whole);
  }, 120_000);

  it("refuses to write, or to take the model of, what only looks like a snapshot", async () => {
    const { variables, host, settings } = await someSnapshot();
    const refused = async (wrong: object): Promise<string> => (await refusal(() => encodeCheckpoint(wrong as never))).message;
    expect(await refused({ variables, host: {}, settings })).toMatch(/says of batch is missing.*trainer\.snapshot\(\)/);
    expect(await refused({ variables, host: { ...host, history: undefined }, settings })).toMatch(/says of history is missing/);
    for (const wrong of [[1], [{}], [variables[0], variables[0]], [{ ...variables[0], role: "weight" }]]) {
      expect(await refused({ variables: wrong, host, settings })).toMatch(/says of variables is missing/);
      expect((await refusal(() => modelState({ variables: wrong as never }))).message).toMatch(/modelState takes a snapshot/);
    }
  });

  it.each([undefined, {}, 5])("refuses to write %s", async (wrong) => {
    expect((await refusal(() => encodeCheckpoint(wrong as never))).message).toMatch(/is restored from a snapshot/);
  });
});

const saves = (disk: Disk, more: Partial<CheckpointOptions<"valLoss">> = {}): CheckpointCallback<"valLoss"> =>
  checkpoint<"valLoss">({ folder, fileSystem: disk, ...more });

/** Trains with checkpoints on a disk, from the newest one where there is one. */
async function train(
  disk: Disk,
  more: { save?: Partial<CheckpointOptions<"valLoss">>; end?: number; fit?: Partial<FitOptions<never, never>> } = {},
) {
  manualSeed(disk.names.length === 0 ? 1 : 99);
  const trainer = make();
  const save = saves(disk, more.save);
  const notices: string[] = [];
  const callbacks = [recorder(), ...(more.end === undefined ? [] : [ending(more.end)]), save];
  const history = await trainer.fit(data(), {
    ...options(() => [])(),
    notice: (text: string) => void notices.push(text),
    callbacks,
    resume: save,
    ...more.fit,
  } as FitOptions<never, never>);
  return { trainer, history, notices };
}
const checkpoints = (disk: Disk): string[] => disk.names.filter((name) => name !== "lock.json");

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

describe("faults of the file system", () => {
  /** The operations of a training that writes four checkpoints. */
  const run = (disk: Disk) => train(disk, { save: { every: { updates: 5 } } });

  it.each([
    ["ENOSPC", { code: "ENOSPC" }, false],
    ["EIO", { code: "EIO" }, false],
    ["EROFS from then on", { code: "EROFS" }, true],
    ["a short write", { shortTo: 1 }, false],
    ["a write of nothing", { shortTo: 0 }, false],
  ] as const)(
    "%s at every operation: named, the one before it is there, and training is not lost",
    async (_, what, lasts) => {
      const clean = new Disk();
      await run(clean);
      for (let at = 0; at < clean.operations.length; at++) {
        const disk = new Disk();
        disk.fault = { at, what, lasts };
        let thrown: unknown;
        let notices: string[] = [];
        try {
          ({ notices } = await run(disk));
        } catch (error) {
          thrown = error;
        }
        const place = `${clean.operations[at]} (${at})`;
        if (thrown !== undefined) {
          if (!(thrown instanceof ErmineError)) throw new Error(`${place}: ${String(thrown)}`, { cause: thrown });
          expect(thrown.message, place).toMatch(/runs\/test/);
          expect(thrown.code, place).toBe("ERMINE_FILE");
        }
        for (const notice of notices) expect(notice, place).toMatch(/ermine: .*pretended|Training goes on/);
        disk.fault = undefined;
        // What is there can be read, and training ends where it would have.
        const resumed = await run(disk);
        expect(resumed.trainer.step, place).toBe(18);
        expect(
          disk.names.filter((name) => name.endsWith(".part")),
          place,
        ).toEqual([]);
      }
    },
    240_000,
  );

  it("a folder that cannot be flushed is told apart: the checkpoint is there, and may not survive a power cut", async () => {
    const clean = new Disk();
    await run(clean);
    const at = clean.operations.indexOf(`syncFolder ${folder}`);
    const disk = new Disk();
    disk.fault = { at, what: { code: "EIO" } };
    const { notices } = await run(disk);
    expect(notices).toEqual([
      expect.stringMatching(
        /update-000000005.safetensors was written, but whether it would survive a power cut is not known: EIO/,
      ),
    ]);
    // At the end too: the checkpoint is there.
    const never = new Disk();
    const syncFolder = never.syncFolder.bind(never);
    never.syncFolder = (path) =>
      path === folder ? Promise.reject(Object.assign(new Error("EINVAL: pretended"), { code: "EINVAL" })) : syncFolder(path);
    const unflushed = await run(never);
    expect(unflushed.history.stopped).toBe("finished");
    expect(unflushed.notices).toHaveLength(4);
    expect((await readCheckpoint(folder, { fileSystem: never })).host.update).toBe(18);
    for (const update of [15, 18]) {
      const which = `update-${String(update).padStart(9, "0")}.safetensors`;
      expect((await readCheckpoint(folder, { fileSystem: disk, which })).host.update).toBe(update);
    }
  });

  it("a folder that cannot be written is told before the first step", async () => {
    const disk = new Disk();
    disk.fault = { at: 0, what: { code: "EROFS" }, lasts: true };
    const trainer = make();
    const save = saves(disk);
    const error = await refusal(() =>
      trainer.fit(data(), { ...options(() => [])(), callbacks: [save], resume: save } as FitOptions<never, never>),
    );
    expect([error.code, error.message]).toEqual(["ERMINE_FILE", expect.stringMatching(/read-only: take a folder elsewhere/)]);
    expect(trainer.step).toBe(0);
  });

  it("where the last checkpoint fails, fit says that the trainer has it all, and it has", async () => {
    const disk = new Disk();
    const trainer = make();
    const save = saves(disk, { every: { updates: 6 } });
    const full: Callback = {
      name: "full",
      state: () => null,
      async onStep({ step }) {
        if (step !== 7) return;
        // That of update 6 is being written.
        while (disk.operations.filter((operation) => operation === `syncFolder ${folder}`).length < 1)
          await new Promise((done) => setTimeout(done, 1));
        disk.fault = { at: 0, what: { code: "ENOSPC" }, lasts: true };
      },
    };
    const notices: string[] = [];
    const run = {
      ...options(() => [])(),
      notice: (text: string) => void notices.push(text),
      callbacks: [full, save],
      resume: save,
    } as FitOptions<never, never>;
    const error = await refusal(() => trainer.fit(data(), run));
    expect(error.message).toMatch(/The end of the training is not kept: .*no room left.* The trainer has all of it/);
    expect(notices.length).toBeGreaterThan(0);
    expect((await trainer.snapshot()).host.update).toBe(18);
    expect((await readCheckpoint(folder, { fileSystem: ((disk.fault = undefined), disk) })).host.update).toBe(6);
  });
});

/** The best value of valLoss that the newest checkpoint knows, and that of best.safetensors. */
async function bestOf(disk: Disk): Promise<{ known: number | null; saved: number | null }> {
  const bestIn = ({ host }: TrainingSnapshot): number | null =>
    (host.callbacks.find(({ name }) => name === "checkpoint")!.state as { best: number | null }).best;
  const quiet = { fileSystem: disk, notice: () => undefined };
  const known = bestIn(await readCheckpoint(folder, quiet));
  const hasBest = disk.names.includes("best.safetensors");
  return { known, saved: hasBest ? bestIn(await readCheckpoint(folder, { ...quiet, which: "best" })) : null };
}

describe("the best epoch", () => {
  const save = { best: "valLoss" } as const;
  it("is on the disk when the newest checkpoint says so, wherever the power goes", async () => {
    const states: Disk[] = [];
    const disk = new Disk();
    disk.before = () => void states.push(...disk.afterCrash());
    await train(disk, { save });
    let seen = 0;
    for (const state of states) {
      if (!state.names.some((name) => /^update-\d+\.safetensors$/.test(name))) continue;
      const { known, saved } = await bestOf(state);
      if (known === null) continue;
      seen++;
      expect(saved === null ? Infinity : saved).toBeLessThanOrEqual(known);
    }
    expect(seen).toBeGreaterThan(20);
  }, 120_000);

  it("is written with the next checkpoint where it could not be at first", async () => {
    const disk = new Disk();
    let refusals = 1;
    const create = disk.create.bind(disk);
    disk.create = (path, isNew) =>
      path.includes("best") && refusals-- > 0
        ? Promise.reject(Object.assign(new Error("ENOSPC: pretended"), { code: "ENOSPC" }))
        : create(path, isNew);
    const { notices, history } = await train(disk, { save: { ...save, every: { updates: 1 } } });
    expect(notices).toEqual([expect.stringMatching(/best.safetensors was not written: ENOSPC.*Training goes on/)]);
    const losses = history.epochs.map(({ valLoss }) => valLoss!);
    expect(await bestOf(disk)).toEqual({ known: Math.min(...losses), saved: Math.min(...losses) });
  });
});

describe("a power cut", () => {
  /**
   * Lets the power go before every operation of a training, in every state that the disk may have then.
   *
   * @returns the states that were looked at, and those in which a checkpoint that was said to be there is lost or anything is damaged
   */
  async function crashes(diskOptions: DiskOptions): Promise<{ states: number; violations: number }> {
    let states = 0;
    const found: { disk: Disk; written: number }[] = [];
    const disk = new Disk(diskOptions);
    disk.before = (number) => {
      // The folder's sync ends a write: what comes after it relies on it. At the end it is written after the update and after the epoch.
      const writes = disk.operations.slice(0, number).filter((operation) => operation === `syncFolder ${folder}`).length;
      for (const state of disk.afterCrash()) found.push({ disk: state, written: [0, 9, 18, 18][writes]! });
    };
    await train(disk, { save: { every: { updates: 9 }, keep: 1 } });
    let violations = 0;
    for (const { disk: state, written: promised } of found) {
      states++;
      try {
        const latest = await readCheckpoint(folder, { fileSystem: state, notice: () => undefined });
        if (latest.host.update < promised) violations++;
      } catch (error) {
        // None was promised yet, and none is there.
        if (promised > 0 || !/There is no checkpoint/.test((error as Error).message)) violations++;
      }
    }
    return { states, violations };
  }

  it("loses no checkpoint that was written, at any operation, in any state of the disk", async () => {
    const { states, violations } = await crashes({});
    expect(states).toBeGreaterThan(60);
    expect(violations).toBe(0);
  }, 120_000);

  it(
    "would, without the flush of the file",
    async () => expect((await crashes({ withoutFileSync: true })).violations).toBeGreaterThan(0),
    120_000,
  );
  it(
    "would, without the flush of the folder",
    async () => expect((await crashes({ withoutFolderSync: true })).violations).toBeGreaterThan(0),
    120_000,
  );
});

describe("a folder has one training at a time", () => {
  const table = (pid: number, alive: Readonly<Record<number, string>>, host = "here"): ProcessTable => ({
    pid,
    host,
    startOf: (other) => alive[other],
  });
  const lockOf = (pid: number, started: string, host = "here"): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ pid, started, host }));

  it("the lock is there while it trains, and goes however it ends", async () => {
    const disk = new Disk({ processes: table(1, { 1: "a" }) });
    let seen: string[] = [];
    const looking: Callback = { name: "looking", state: () => null, onStep: () => void (seen = disk.names) };
    const save = saves(disk);
    await make().fit(data(), { ...options(() => [])(), callbacks: [looking, save] } as FitOptions<never, never>);
    expect(seen).toContain("lock.json");
    expect(disk.names).not.toContain("lock.json");
    const failing: Callback = {
      name: "failing",
      onStep: () => {
        throw new Error("mine");
      },
    };
    const other = new Disk({ processes: table(1, { 1: "a" }) });
    await expect(
      make().fit(data(), { ...options(() => [])(), callbacks: [failing, saves(other)] } as FitOptions<never, never>),
    ).rejects.toThrow("mine");
    expect(other.names).toEqual([]);
  });

  it.each([
    ["another process", { 1: "a", 2: "b" }, lockOf(2, "b"), /in use by process 2: one training/],
    ["this process", { 1: "a" }, lockOf(1, "a"), /in use by another training of this process/],
    ["another machine", { 1: "a" }, lockOf(7, "c", "there"), /in use by process 7 on there.*remove runs\/test\/lock.json/],
  ])("is refused where %s has it", async (_, alive, lock, message) => {
    const disk = new Disk({ processes: table(1, alive as never) });
    disk.put("lock.json", lock);
    const error = await refusal(() => train(disk));
    expect([error.code, error.message]).toEqual(["ERMINE_USAGE", expect.stringMatching(message)]);
    expect(disk.names).toEqual(["lock.json"]);
  });

  it.each([
    ["is gone", { 1: "a" }, lockOf(2, "b")],
    ["has another process's number", { 1: "a", 2: "later" }, lockOf(2, "b")],
    ["left half of it", { 1: "a" }, new Uint8Array([0x7b])],
    ["left nothing in it", { 1: "a" }, new Uint8Array(0)],
  ])("that of a process which %s is taken over", async (_, alive, lock) => {
    const disk = new Disk({ processes: table(1, alive as never) });
    disk.put("lock.json", lock);
    await train(disk);
    expect(disk.names).not.toContain("lock.json");
    expect(checkpoints(disk).length).toBeGreaterThan(0);
  });

  it("of several that find a lock of one that is gone, one gets it", async () => {
    const alive = { 1: "a", 2: "b", 3: "c" };
    for (let round = 0; round < 10; round++) {
      const disk = new Disk({});
      disk.put("lock.json", lockOf(9, "gone"));
      const asProcess = (pid: number): Disk =>
        new Proxy(disk, {
          get: (target, key) => {
            if (key === "processes") return table(pid, alive);
            const member = Reflect.get(target, key, target) as unknown;
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
      let inside = 0;
      let most = 0;
      const entering = (): Callback => ({
        name: "entering",
        state: () => null,
        async onTrainBegin() {
          most = Math.max(most, ++inside);
          await new Promise((done) => setTimeout(done, 5));
        },
        release: () => undefined,
        onTrainEnd: () => void inside--,
      });
      const results = await Promise.allSettled(
        [1, 2, 3].map((pid) => {
          const save = saves(asProcess(pid));
          return make().fit(data(), {
            ...options(() => [])(),
            epochs: 1,
            callbacks: [save, entering()],
            resume: save,
          } as FitOptions<never, never>);
        }),
      );
      expect(most).toBe(1);
      expect(results.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(1);
    }
  }, 60_000);
});

describe("verifyResume", () => {
  it("says how much was the same, and puts the trainer back", async () => {
    const trainer = make();
    const before = comparable(await trainer.snapshot());
    const report = await verifyResume(trainer, data(), 7, { batchSize: 4, callbacks: () => [recorder()] });
    expect(report).toEqual({ updates: 14, variables: expect.any(Number) as number });
    expect(comparable(await trainer.snapshot())).toEqual(before);
  });

  it("finds a layer that counts by itself, data that change, and a callback that forgets", async () => {
    let calls = 0;
    const data2 = {
      resume: "seek",
      length: count,
      columns: data().columns,
      *batches(request: never) {
        calls++;
        for (const batch of data().batches({ ...(request as object), seed: calls } as never)) yield batch;
      },
    } as const;
    expect((await refusal(() => verifyResume(make(), data2 as never, 3, { batchSize: 4 }))).message).toMatch(
      /after it was resumed .* kept outside|other samples/,
    );
    let told = 0;
    const forgetting: Callback = { name: "forgetting", state: () => told, onStep: () => void told++ };
    expect(
      (await refusal(() => verifyResume(make(), data(), 3, { batchSize: 4, callbacks: () => [forgetting] }))).message,
    ).toMatch(/callbacks is .*A callback keeps what/);
  });

  it("refuses what it cannot prove", async () => {
    expect((await refusal(() => verifyResume(make(), data(), 0))).message).toMatch(/updates is a whole number/);
    expect((await refusal(() => verifyResume(make(), data(), 100, { epochs: 1 }))).message).toMatch(/ended before it had taken/);
    expect((await refusal(() => verifyResume(make(), data(), 1, { signal: undefined } as never))).message).toMatch(
      /no option "signal"/,
    );
  });
});
