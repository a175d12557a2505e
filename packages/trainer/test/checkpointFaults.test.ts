/** Checkpoints on a disk that fails: errors of any operation, and power cuts. */
import { describe, expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import type { Callback, FitOptions, TrainingSnapshot } from "../src/index.js";
import { readCheckpoint } from "../src/checkpoint/node.js";
import { Disk, folder, type DiskOptions } from "./disk.js";
import { refusal } from "./refusal.js";
import { data, make, options, saves, train } from "./checkpointedTraining.js";

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
        // The remaining checkpoints can be read, and training ends at the same step.
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
    let comparedStates = 0;
    for (const state of states) {
      if (!state.names.some((name) => /^update-\d+\.safetensors$/.test(name))) continue;
      const { known, saved } = await bestOf(state);
      if (known === null) continue;
      comparedStates++;
      expect(saved === null ? Infinity : saved).toBeLessThanOrEqual(known);
    }
    expect(comparedStates).toBeGreaterThan(20);
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
    const diskStates: { disk: Disk; written: number }[] = [];
    const disk = new Disk(diskOptions);
    disk.before = (number) => {
      // The folder's sync ends a write: what comes after it relies on it. At the end it is written after the update and after the epoch.
      const writes = disk.operations.slice(0, number).filter((operation) => operation === `syncFolder ${folder}`).length;
      for (const state of disk.afterCrash()) diskStates.push({ disk: state, written: [0, 9, 18, 18][writes]! });
    };
    await train(disk, { save: { every: { updates: 9 }, keep: 1 } });
    let violations = 0;
    for (const { disk: state, written: promised } of diskStates) {
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
