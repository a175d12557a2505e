/** Trainings that are interrupted, taken up in another trainer, and compared bit by bit with one that never was. */
import { expect } from "vitest";
import { manualSeed } from "@ermine/core";
import type { Callback, DataSource, FitOptions, History, SavedState, Trainer, TrainingSnapshot } from "../src/index.js";

/** Makes a trainer anew, always the same. */
export type Make = () => Trainer;

/** The options of a training, with callbacks of its own. */
export type Options = () => Partial<FitOptions<never, never>> & Pick<FitOptions, "epochs">;

/** Ends training after so many batches of it were trained on. */
export const interruptAfter = (updates: number): Callback & { last(): TrainingSnapshot } => {
  let updatesTaken = 0;
  let snapshot: TrainingSnapshot | undefined;
  return {
    name: "interruptAfter",
    last: () => snapshot!,
    onStep(_, control) {
      if (++updatesTaken === updates) control.interrupt();
    },
    onSnapshot: (captured) => void (snapshot = captured),
  };
};

/** Keeps what it is told, and says so in its state. */
export function recorder(): Callback & { readonly events: string[] } {
  let recorded: string[] = [];
  return {
    name: "recorder",
    get events() {
      return recorded;
    },
    state: () => [...recorded],
    restore: (state) => void (recorded = [...(state as string[])]),
    onEpochBegin: ({ epoch, epochs, step, learningRates }) =>
      void recorded.push(`begin ${epoch}/${epochs} ${step} ${learningRates.join()}`),
    onBatch: ({ epoch, batch, size, step }) => void recorded.push(`batch ${epoch} ${batch} ${size} ${step}`),
    onStep: ({ epoch, step, stepInEpoch, samples, loss }) =>
      void recorded.push(`step ${epoch} ${step} ${stepInEpoch} ${samples} ${loss}`),
    onEpochEnd: ({ epoch, step, logs }) => void recorded.push(`end ${epoch} ${step} ${JSON.stringify(logs)}`),
  };
}

/** Elements as bits, so that 0 is not −0 and NaN is itself. */
const bitsOf = (data: { readonly buffer: ArrayBufferLike; readonly byteOffset: number; readonly byteLength: number }): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");

const plain = (state: SavedState): unknown =>
  JSON.parse(
    JSON.stringify(state, (_, value: unknown) =>
      ArrayBuffer.isView(value) ? bitsOf(value) : typeof value === "number" ? `${Object.is(value, -0) ? "-0" : value}` : value,
    ),
  );

/** All that a snapshot holds, to be compared. */
export const comparable = ({ variables, host }: TrainingSnapshot): unknown => ({
  variables: variables.map(
    ({ name, role, shape, dtype, data }) => `${role} ${name} ${dtype}[${shape.join()}] ${data.constructor.name} ${bitsOf(data)}`,
  ),
  host: plain(host as unknown as SavedState),
});

/** State of a finished training. */
export async function outcome(trainer: Trainer, history: History): Promise<unknown> {
  const { epochs, steps, stopped } = history;
  return { ...(comparable(await trainer.snapshot()) as object), history: plain({ epochs, steps, stopped } as SavedState) };
}

/** Trains at once; returns what came of it, and the number of updates. */
export async function uninterrupted(
  make: Make,
  data: () => DataSource,
  options: Options,
): Promise<{ result: unknown; updates: number }> {
  manualSeed(1);
  const trainer = make();
  const history = await trainer.fit(data(), options());
  return { result: await outcome(trainer, history), updates: trainer.step };
}

/** Trains with interruptions after so many updates each, in a new trainer after each of them. */
export async function interrupted(
  make: Make,
  data: () => DataSource,
  options: Options,
  after: readonly number[],
  carry: (snapshot: TrainingSnapshot) => TrainingSnapshot | Promise<TrainingSnapshot> = (snapshot) => snapshot,
): Promise<unknown> {
  let resume: TrainingSnapshot | undefined;
  for (const updates of after) {
    // Other parameters at first: what is not restored is found.
    manualSeed(resume === undefined ? 1 : 99);
    const trainer = make();
    const { callbacks = [], ...rest } = options();
    const interrupting = interruptAfter(updates);
    const history = await trainer.fit(data(), { ...rest, resume, callbacks: [...callbacks, interrupting] } as FitOptions<
      never,
      never
    >);
    expect(history.stopped).toBe("interrupted");
    resume = await carry(interrupting.last());
    trainer.dispose();
  }
  manualSeed(98);
  const trainer = make();
  const history = await trainer.fit(data(), { ...options(), resume } as FitOptions<never, never>);
  return outcome(trainer, history);
}
