/** The proof, on a set-up of one's own, that what is interrupted and resumed has the bits of what never was. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkFunction, checkOptions, formatShape, show } from "@ermine/core/define";
import type { Callback } from "../callbacks/callback.js";
import type { DataSource } from "../data/source.js";
import type { FitOptions } from "../loop/fitOptions.js";
import type { SavedState, TrainingSnapshot, VariableState } from "../step/contract.js";
import type { Trainer } from "../trainer.js";
import { decodeCheckpoint, encodeCheckpoint } from "./file.js";
import { stateText } from "./json.js";

/** The options of `verifyResume`: those of the `fit` that is to be proved, without `resume` and `signal`. */
export interface VerifyResumeOptions<M extends string = string, T extends string = never> extends Omit<
  FitOptions<M, T>,
  "resume" | "signal" | "epochs" | "callbacks"
> {
  /** Makes the callbacks, which are needed three times. Default: none. */
  readonly callbacks?: () => NonNullable<FitOptions<M, T>["callbacks"]>;
  /** Passes over the data that there would be. Default: as many as the updates need. */
  readonly epochs?: number;
}

/** Result of `verifyResume`. */
export interface ResumeReport {
  /** Updates that were taken at once, and again with an interruption after half of them. */
  readonly updates: number;
  /** Variables whose bits are the same. */
  readonly variables: number;
}

/** Ends training after so many updates, and keeps where it was then. */
function ending(updates: number): Callback & { last(): TrainingSnapshot | undefined } {
  let updatesTaken = 0;
  let snapshot: TrainingSnapshot | undefined;
  return {
    name: "verifyResume",
    state: () => null,
    last: () => snapshot,
    onStep(_, control) {
      if (++updatesTaken === updates) control.interrupt();
    },
    onSnapshot: (captured) => void (snapshot = captured),
  };
}

/**
 * Trains 2 · `updates` updates at once, then the same with an interruption in the middle that goes through a checkpoint's bytes, and compares all bits: parameters, buffers,
 * slots, counters, place in the data, schedules, history and what callbacks keep. The trainer is put back to where it was.
 *
 * @param updates before the interruption, and after it
 * @throws ErmineError ERMINE_USAGE that names the first thing that differs and what may be the reason
 * @example
 * const { updates } = await verifyResume(trainer, data, 2, { batchSize: 4 });
 * updates; // => 4
 */
export async function verifyResume<M extends string, T extends string>(
  trainer: Trainer<M, T>,
  data: DataSource,
  updates: number,
  options: VerifyResumeOptions<M, T> = {},
): Promise<ResumeReport> {
  if (arguments.length > 4) checkArguments("verifyResume", arguments, 4);
  if (typeof trainer?.snapshot !== "function")
    throw new ErmineError("ERMINE_USAGE", `verifyResume takes a trainer, got ${show(trainer)}.`);
  if (!Number.isInteger(updates) || updates < 1)
    throw new ErmineError("ERMINE_OPTION", `verifyResume: updates is a whole number ≥ 1, got ${show(updates)}.`);
  checkOptions<object>(
    "verifyResume",
    options,
    Object.keys(options ?? {}).filter((name) => name !== "resume" && name !== "signal"),
    ["trainer", "data"],
  );
  if (options.callbacks !== undefined)
    checkFunction("verifyResume", options.callbacks, 'callbacks: () => [earlyStopping({ monitor: "valLoss" })]');
  // Each epoch has an update at least.
  const { epochs = 2 * updates, callbacks = () => [], ...fitOptions } = options;
  const callbackList: unknown = callbacks();
  if (!Array.isArray(callbackList))
    throw new ErmineError("ERMINE_OPTION", `verifyResume: callbacks gives a list of callbacks, got ${show(callbackList)}.`);
  const before = await trainer.snapshot();
  const train = async (count: number, resume?: TrainingSnapshot): Promise<TrainingSnapshot> => {
    const end = ending(count);
    await trainer.fit(data, { ...fitOptions, epochs, resume, callbacks: [...callbacks(), end] } as FitOptions<M, T>);
    const last = end.last();
    if (last !== undefined) return last;
    throw new ErmineError(
      "ERMINE_OPTION",
      `verifyResume: training ended before it had taken ${count} updates. Take fewer, or more epochs.`,
    );
  };
  try {
    const uninterrupted = await train(2 * updates);
    await trainer.restore(before);
    const interruptedSnapshot = await train(updates);
    const { parts } = await encodeCheckpoint(interruptedSnapshot);
    await trainer.restore(before);
    compare(uninterrupted, await train(updates, await decodeCheckpoint(parts[0]!)));
    return { updates: uninterrupted.host.update - before.host.update, variables: uninterrupted.variables.length };
  } finally {
    await trainer.restore(before);
  }
}

function compare(uninterrupted: TrainingSnapshot, resumed: TrainingSnapshot): void {
  // Which samples and callbacks there were is the reason of what the variables are.
  for (const key of ["batch", "update", "epoch", "cursor", "schedules", "callbacks"] as const)
    compareHost(uninterrupted, resumed, key);
  uninterrupted.variables.forEach((variable, i) => compareVariable(variable, resumed.variables[i]));
  for (const key of Object.keys(uninterrupted.host) as (keyof TrainingSnapshot["host"])[])
    compareHost(uninterrupted, resumed, key);
}

function compareHost(uninterrupted: TrainingSnapshot, resumed: TrainingSnapshot, key: keyof TrainingSnapshot["host"]): void {
  const [a, b] = [uninterrupted, resumed].map(({ host }) =>
    stateText(host[key] as unknown as SavedState, (array) =>
      Array.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).join(),
    ),
  );
  if (a === b) return;
  const reason =
    key === "callbacks"
      ? "A callback keeps what its state() does not say, or its restore() does not take up all of it."
      : "The source of the data gives other samples for the same epoch, seed and cursor, or a schedule keeps something itself.";
  throw differenceError(key, `${shorten(b!)}, and at once it is ${shorten(a!)}`, reason);
}

function compareVariable(uninterrupted: VariableState, resumed: VariableState | undefined): void {
  const [a, b] = [uninterrupted, resumed].map(
    (state) => state && new Uint8Array(state.data.buffer, state.data.byteOffset, state.data.byteLength),
  );
  const at = b === undefined || a!.length !== b.length ? 0 : a!.findIndex((byte, i) => byte !== b[i]);
  if (at < 0) return;
  const element = Math.floor(at / uninterrupted.data.BYTES_PER_ELEMENT);
  throw differenceError(
    `${uninterrupted.name} ${uninterrupted.dtype}${formatShape(uninterrupted.shape)}`,
    `${resumed?.data[element]} at element ${element}, and at once it is ${uninterrupted.data[element]}`,
    "Something that training depends on is kept outside of the model's variables: a count in a layer, random numbers that are not ermine's, data that change.",
  );
}

const shorten = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)} …` : text);

const differenceError = (subject: string, description: string, reason: string): ErmineError =>
  new ErmineError("ERMINE_USAGE", `verifyResume: after it was resumed ${subject} is ${description}. ${reason}`);
