/** Checkpoints in two slots, as browsers keep them. */
import { describe, expect, it } from "vitest";
import { crossEntropy, ErmineError, manualSeed } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, exponentialAverage, Trainer, type Callback, type FitOptions } from "../src/index.js";
import {
  checkpoint,
  listRuns,
  readCheckpoint,
  removeCheckpoints,
  type CheckpointOptions,
  type CheckpointStorage,
} from "../src/checkpoint/browser.js";
import { SlotStore } from "../src/checkpoint/slots/slotStore.js";
import { encodeCheckpoint } from "../src/checkpoint.js";
import { refusal } from "./refusal.js";
import { comparable, recorder, uninterrupted, type Options } from "./resumed.js";
import { SlotMemory } from "./slotStorage.js";

const count = 22;
const x = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * 1.3));
const y = Int32Array.from({ length: count }, (_, i) => (i * 7) % 2);
const data = () => dataset({ inputs: { data: x, shape: [count, 3] }, targets: y });
const make = (): Trainer => {
  const model = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new ReLU(), new Dropout(0.3), new Linear(4, 2));
  return new Trainer({ model, loss: crossEntropy, optimizer: exponentialAverage(adamw()), backend: reference(), seed: 4 });
};
const options: Options = () =>
  ({ epochs: 3, batchSize: 4, validation: data(), notice: () => undefined, callbacks: [recorder()] }) as ReturnType<Options>;
const ending = (updates: number): Callback => {
  let updatesTaken = 0;
  return { name: "ending", state: () => null, onStep: (_, control) => void (++updatesTaken === updates && control.interrupt()) };
};
const run = "digits";

/** Trains with checkpoints in a storage, from the newest one where there is one. */
async function train(
  storage: CheckpointStorage,
  more: { save?: Partial<CheckpointOptions<"valLoss">>; end?: number; fit?: Partial<FitOptions<never, never>> } = {},
) {
  manualSeed((await listRuns({ storage })).length === 0 ? 1 : 99);
  const trainer = make();
  const save = checkpoint<"valLoss">({ run, storage, every: { updates: 5 }, ...more.save });
  const notices: string[] = [];
  const callbacks = [recorder(), ...(more.end === undefined ? [] : [ending(more.end)]), save];
  const history = await trainer.fit(data(), {
    ...options(),
    notice: (text: string) => void notices.push(text),
    callbacks,
    resume: save,
    ...more.fit,
  } as FitOptions<never, never>);
  return { trainer, history, notices };
}
const updateIn = async (storage: CheckpointStorage): Promise<number> =>
  (await readCheckpoint(run, { storage, notice: () => undefined })).host.update;

/** Slots of a training after 10 and after 13 updates. */
async function twoSlots(): Promise<SlotMemory> {
  const storage = new SlotMemory();
  await train(storage, { end: 13 });
  expect([...storage.files.keys()]).toEqual(["digits/latest-0", "digits/latest-1"]);
  return storage;
}
const newer = "digits/latest-0";

describe("slots", () => {
  it("a training that is interrupted goes on with the bits of one that was not, its recorder included", async () => {
    const { result } = await uninterrupted(make, data, options);
    const storage = new SlotMemory();
    for (const end of [3, 4, 6]) expect((await train(storage, { end })).history.stopped).toBe("interrupted");
    const { trainer, history } = await train(storage);
    expect(history.stopped).toBe("finished");
    const ofRecorder = (it: unknown) => {
      const { variables, host } = it as { variables: unknown; host: { callbacks: { name: string }[] } };
      return { variables, host: { ...host, callbacks: host.callbacks.filter(({ name }) => name === "recorder") } };
    };
    expect(ofRecorder(comparable(await trainer.snapshot()))).toEqual(ofRecorder(result));
    // A finished one returns at once.
    const again = await train(storage);
    expect([again.history, again.trainer.step, again.notices]).toEqual([history, 18, []]);
  });

  it("whatever ends the page, at any operation: the last checkpoint is there, or the one before it", async () => {
    const crashes = async (storage: SlotMemory, updates: number): Promise<{ states: number; violations: number }> => {
      const slotStates: { state: SlotMemory; writes: number }[] = [];
      let writes = 0;
      const write = storage.write.bind(storage);
      storage.write = async (...args) => {
        await write(...args);
        writes++;
      };
      storage.before = () => {
        for (const state of storage.afterEnd()) slotStates.push({ state, writes });
      };
      const snapshot = await make().snapshot();
      const store = new SlotStore(run, [storage]);
      await store.open();
      for (let update = 1; update <= updates; update++) {
        const file = await encodeCheckpoint({ ...snapshot, host: { ...snapshot.host, update } });
        await store.write(update, file);
      }
      let violations = 0;
      for (const { state, writes: done } of slotStates) {
        try {
          if ((await updateIn(state)) < done) violations++;
        } catch (error) {
          if (done > 0 || !/There is no checkpoint/.test((error as Error).message)) violations++;
        }
      }
      return { states: slotStates.length, violations };
    };
    const { states, violations } = await crashes(new SlotMemory(), 4);
    expect(states).toBeGreaterThan(60);
    expect(violations).toBe(0);
    expect((await crashes(new SlotMemory(false), 2)).violations).toBeGreaterThan(0);
  }, 120_000);

  it("every byte that is flipped is found, and every length that is cut: the other slot is taken, with a notice", async () => {
    const storage = await twoSlots();
    const slotBytes = storage.bytes(newer);
    expect(await updateIn(storage)).toBe(13);
    const fallsBack = async (bytes: Uint8Array, what: string): Promise<void> => {
      const notices: string[] = [];
      storage.put(newer, bytes);
      const { host } = await readCheckpoint(run, { storage, notice: (text) => void notices.push(text) });
      expect([host.update, notices], what).toEqual([
        10,
        [expect.stringMatching(/the run "digits" (is damaged|was not written)/)],
      ]);
    };
    // All of the header, and of what follows a sample: decodeCheckpoint's test has each byte of a checkpoint.
    for (let at = 0; at < slotBytes.length; at += at < 64 ? 1 : 97) {
      const bytes = slotBytes.slice();
      bytes[at]! ^= 1 << (at % 8);
      await fallsBack(bytes, `byte ${at}`);
    }
    for (let length = 0; length < slotBytes.length; length += length < 64 ? 1 : 97)
      await fallsBack(slotBytes.slice(0, length), `length ${length}`);
    await fallsBack(Uint8Array.from([...slotBytes, 0]), "a byte more");
  }, 120_000);

  it("where both are damaged nothing begins anew, and where the first was never written to its end a training begins", async () => {
    const storage = await twoSlots();
    for (const name of storage.files.keys()) storage.bytes(name)[100]! ^= 1;
    const error = await refusal(() => train(storage));
    expect([error.code, error.message]).toEqual([
      "ERMINE_DATA",
      expect.stringMatching(/None of the checkpoints of the run "digits" can be read.*removeCheckpoints\("digits"\)/),
    ]);
    await removeCheckpoints(run, { storage });
    storage.put(newer, new Uint8Array(2000));
    expect((await train(storage)).history.stopped).toBe("finished");
  });

  it("a second training in a run says so, and the run is free when the first has ended, however", async () => {
    const storage = new SlotMemory();
    let second: ErmineError | undefined;
    const looking: Callback = {
      name: "looking",
      state: () => null,
      async onStep({ step }) {
        if (step === 1) second = await refusal(() => train(storage));
        if (step === 6) throw new Error("mine");
      },
    };
    const save = checkpoint({ run, storage });
    await expect(make().fit(data(), { ...options(), callbacks: [looking, save] } as FitOptions<never, never>)).rejects.toThrow(
      "mine",
    );
    expect([second?.code, second?.message]).toEqual(["ERMINE_USAGE", expect.stringMatching(/in use by another tab or worker/)]);
    expect((await refusal(() => removeCheckpointsOf(storage))).message).toMatch(/in use/);
    expect((await train(storage)).history.stopped).toBe("finished");
  });
  /** While somebody has it. */
  async function removeCheckpointsOf(storage: SlotMemory): Promise<void> {
    const unlock = await storage.lock(run);
    try {
      await removeCheckpoints(run, { storage });
    } finally {
      unlock!();
    }
  }

  it("without room: a notice, the one before it is there, and at the end an error; the trainer has it all", async () => {
    const storage = new SlotMemory();
    const full: Callback = {
      name: "full",
      state: () => null,
      async onStep({ step }) {
        if (step !== 12) return;
        while ((await updateIn(storage)) < 10) await new Promise((done) => setTimeout(done, 1));
        storage.refusal = Object.assign(new Error("no room"), { name: "QuotaExceededError" });
      },
    };
    const trainer = make();
    const save = checkpoint({ run, storage, every: { updates: 5 } });
    const notices: string[] = [];
    const fit = { ...options(), notice: (text: string) => void notices.push(text), callbacks: [full, save], resume: save };
    const error = await refusal(() => trainer.fit(data(), fit as FitOptions<never, never>));
    expect([error.code, error.message]).toEqual([
      "ERMINE_FILE",
      expect.stringMatching(
        /end of the training is not kept: A checkpoint of the run "digits" .*QuotaExceededError: no room\. .*no more room.* as a download/,
      ),
    ]);
    expect(notices[0]).toMatch(/Training goes on, and the next checkpoint is tried/);
    expect((await trainer.snapshot()).host.update).toBe(18);
    expect(await updateIn(storage)).toBe(10);
    storage.refusal = undefined;
    expect((await train(storage, { fit: { callbacks: [] } })).history.stopped).toBe("finished");
  });

  it("keeps the best epoch, and runs by name", async () => {
    const storage = new SlotMemory();
    await train(storage, { save: { best: "valLoss" }, end: 8 });
    const { history } = await train(storage, { save: { best: "valLoss" } });
    const losses = history.epochs.map(({ valLoss }) => valLoss!);
    const best = await readCheckpoint(run, { storage, which: "best" });
    expect(best.host.history.epochs.length - 1).toBe(losses.indexOf(Math.min(...losses)));
    await train(storage, { save: { run: "other" } });
    expect(await listRuns({ storage })).toEqual(["digits", "other"]);
    await removeCheckpoints("other", { storage });
    expect(await listRuns({ storage })).toEqual(["digits"]);
    expect((await refusal(() => readCheckpoint("other", { storage }))).message).toMatch(
      /There is no checkpoint of the run "other"/,
    );
    expect((await refusal(() => readCheckpoint("other", { storage, which: "best" }))).message).toMatch(/no best checkpoint/);
  });

  it("a run that was kept in one storage goes on in another, and the newest is taken", async () => {
    const [files, database] = [new SlotMemory(), new SlotMemory()];
    const trainIn = async (end: number): Promise<number> => {
      const store = new SlotStore(run, [files, database]);
      await store.open();
      const newest = await store.latest(() => undefined);
      const update = newest?.host.update ?? 0;
      const snapshot = newest ?? (await make().snapshot());
      for (let i = update + 1; i <= end; i++)
        await store.write(i, await encodeCheckpoint({ ...snapshot, host: { ...snapshot.host, update: i } }));
      await store.close();
      return update;
    };
    expect(await trainIn(3)).toBe(0);
    files.isWritable = false;
    expect(await trainIn(4)).toBe(3);
    files.isWritable = true;
    expect(await trainIn(5)).toBe(4);
    expect(await trainIn(5)).toBe(5);
    expect(await updateIn(files)).toBe(5);
  });

  it("a run with checkpoints of another training is not written into", async () => {
    const storage = await twoSlots();
    const error = await refusal(() => train(storage, { fit: { resume: undefined } }));
    expect(error.message).toMatch(/There are checkpoints of a training in the run "digits", which this one does not resume/);
    expect(await updateIn(storage)).toBe(13);
  });

  it("a page that is hidden is saved", async () => {
    const storage = new SlotMemory();
    const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    const hiding: Callback = {
      name: "hiding",
      state: () => null,
      onStep({ step }) {
        page.visibilityState = step === 3 ? "hidden" : "visible";
        if (step === 3 || step === 5) page.dispatchEvent(new Event("visibilitychange"));
        if (step === 7) throw new Error("the page is gone");
      },
    };
    const holder = globalThis as { document?: unknown };
    holder.document = page;
    try {
      for (const [whenHidden, expectedUpdate] of [
        [true, 3],
        [false, undefined],
      ] as const) {
        const save = checkpoint({ run: String(whenHidden), storage, whenHidden, every: { updates: 100 } });
        const fit = make().fit(data(), { ...options(), callbacks: [hiding, save] } as FitOptions<never, never>);
        await expect(fit).rejects.toThrow("the page is gone");
        const storedCheckpoint = await readCheckpoint(String(whenHidden), { storage }).catch(() => undefined);
        expect(storedCheckpoint?.host.update).toBe(expectedUpdate);
      }
    } finally {
      delete holder.document;
    }
  });

  it.each([
    [{ run: "" }, /run is the name/],
    [{ run: "\ud800" }, /run is the name/],
    [{ run: "x".repeat(300) }, /of at most 200 bytes/],
    [{ storage: "disk" }, /storage is "opfs", "indexeddb", or an object with read, write, remove, runs/],
    [{ storage: { read: () => undefined } }, /storage is/],
    [{ every: { steps: 1 } }, /no option "steps"/],
    [{ best: { mode: "min" } }, /best is the log/],
    [{ folder: "a" }, /no option "folder"/],
  ])("refuses %o", async (wrong, message) => {
    const error = await refusal(() => checkpoint({ run, storage: new SlotMemory(), ...(wrong as object) } as never));
    expect(error.message).toMatch(message);
  });

  it("says where there is no browser", async () => {
    for (const call of [() => checkpoint({ run }), () => readCheckpoint(run), () => removeCheckpoints(run), () => listRuns()])
      expect([(await refusal(call)).code, (await refusal(call)).message]).toEqual([
        "ERMINE_UNSUPPORTED",
        expect.stringMatching(/@ermine\/trainer\/checkpoint\/node/),
      ]);
  });
});
