/** Prediction. */
import { ErmineError, mapTree, type Tensor, type Tree } from "@ermine/core";
import { loadChunk } from "@ermine/core/backend";
import { show } from "@ermine/core/define";
import type { DataSource } from "../data/source.js";
import { partReading } from "../risk/objective.js";
import { classesOf, isOfClasses, isProbabilistic, join } from "../risk/reading.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import type { HostOutput } from "../step/engine.js";
import type { NotFinite } from "../step/diagnose.js";
import { definePredict } from "../step/entries.js";
import { feedsOf } from "../step/feeds.js";
import { checkBatchSizes } from "../step/sizes.js";
import { allOrNothing, linkOf, targetTypeOf, type Training } from "../step/training.js";
import type { Work } from "../step/turns.js";
import { eachBatch } from "./evaluate.js";
import { typesOfSource } from "./sources.js";

/** Form of the predictions: the model's outputs, probabilities (the loss's link applied to them), or classes. */
export type Reading = "output" | "probabilities" | "classes";

/** Predictions for all samples, on the host. */
export type Prediction = HostOutput;

/** Predictions in the tree of the model's outputs. */
export type Predictions<O> = 0 extends 1 & O
  ? Prediction
  : O extends Tensor
    ? Prediction
    : O extends object
      ? { readonly [K in keyof O]: Predictions<O[K]> }
      : Prediction;

/** The keys or places of a model's outputs. */
export type OutputKey<O> = 0 extends 1 & O
  ? string | number
  : O extends Tensor
    ? never
    : O extends readonly unknown[]
      ? number
      : O extends object
        ? Extract<keyof O, string>
        : string | number;

/** Result of `predict`: outputs in the model's tree, or one of them; of probabilities and classes, those of one output. */
export type PredictionOf<O, A extends Reading, K> = [A] extends ["output"]
  ? [K] extends [undefined]
    ? Predictions<O>
    : K extends keyof O
      ? Predictions<O[K]>
      : Prediction
  : Prediction;

/** The options of `Trainer.predict`: `A` is how the outputs are read, `K` which of them. */
export interface PredictOptions<
  A extends Reading = Reading,
  K extends string | number | undefined = string | number | undefined,
> {
  /** How outputs are read: as they are, as probabilities by the loss's link, or as the class of each sample. Default "output". */
  readonly as?: A;
  /** The key or place of one of several outputs. Default: all of them, and of probabilities and classes the one that the main part of the loss reads. */
  readonly output?: K;
  /** Of classes, where there is one probability for each: from which on, in [0, 1], the class is 1. Default 0.5. */
  readonly threshold?: number;
  /** Samples at a time; the result does not depend on it. Default 256. */
  readonly batchSize?: number;
  /** Told where outputs are NaN, with the op that made the first and why. Default: console.warn. */
  readonly notice?: (message: string) => void;
}

/** Options of a prediction. */
export interface Question {
  readonly inputs: DataSource;
  readonly as: Reading;
  /** Key or index of the output. Default: all outputs; for probabilities and classes the one that the main part of the loss reads. */
  readonly output: string | number | undefined;
  /** From which probability on the class is 1, where each is compared with a threshold. */
  readonly threshold: number | undefined;
  readonly batchSize: number;
  /** Told of outputs that are NaN. */
  readonly notice: (message: string) => void;
}

const readings: readonly string[] = ["output", "probabilities", "classes"];

/** @throws ErmineError ERMINE_OPTION where one of them does not fit */
export function checkReading(as: unknown, output: unknown, threshold: unknown): void {
  if (!readings.includes(as as string))
    throw new ErmineError("ERMINE_OPTION", `predict: as is one of ${readings.join(", ")}; got ${show(as)}.`);
  if (output !== undefined && typeof output !== "string" && !(Number.isInteger(output) && (output as number) >= 0))
    throw new ErmineError(
      "ERMINE_OPTION",
      `predict: output is the key or the place of one of the model's outputs, got ${show(output)}.`,
    );
  if (threshold === undefined) return;
  if (as !== "classes")
    throw new ErmineError(
      "ERMINE_OPTION",
      `predict: threshold is for classes: { as: "classes", threshold: ${show(threshold)} }.`,
    );
  if (typeof threshold !== "number" || !(threshold >= 0 && threshold <= 1))
    throw new ErmineError("ERMINE_OPTION", `predict: threshold is a probability between 0 and 1, got ${show(threshold)}.`);
}

/** @throws ErmineError ERMINE_OPTION where the loss has no such reading, ERMINE_NOT_FINITE where a class is asked of an output that is NaN */
export function predict(training: Training, question: Question, work: Work): Promise<Tree<Prediction>> {
  return training.turns.take(() => {
    work.check();
    return answer(training, question, work);
  });
}

async function answer(training: Training, question: Question, work: Work): Promise<Tree<Prediction>> {
  const { inputs, as, output, threshold, batchSize, notice } = question;
  const link = as === "output" ? "identity" : linkOf(training, output);
  if (
    as !== "output" &&
    link === "identity" &&
    !isProbabilistic(partReading(training.setup.loss, output), targetTypeOf(training, output))
  ) {
    throw new ErmineError("ERMINE_OPTION", `predict: the loss does not say how outputs become ${as}. Use { as: "output" }.`);
  }
  if (threshold !== undefined && isOfClasses(link)) {
    throw new ErmineError(
      "ERMINE_OPTION",
      'predict: the class is the largest of several probabilities, which has no threshold. Read { as: "probabilities" } and compare one of them.',
    );
  }
  const types = await typesOfSource(inputs, batchSize);
  const entry = allOrNothing(training, () => {
    const name = definePredict(training, { inputs: types.inputs }, { as: as === "output" ? "output" : "probabilities", output });
    training.engine.prepare();
    const { length } = inputs;
    if (length !== undefined) checkBatchSizes(training, [name], "predict", { length, batchSize, dropLast: false });
    return name;
  });
  const parts: HostOutput[][] = [];
  const spoiled: number[] = [];
  let why: NotFinite | undefined;
  let samples = 0;
  await eachBatch(inputs, batchSize, async (batch) => {
    const unlabelled = { size: batch.size, columns: { inputs: batch.columns.inputs } };
    const outputs = await training.engine.run(entry, feedsOf(training, unlabelled), batch.size);
    work.check();
    outputs.forEach((part, i) => (parts[i] ??= []).push(part));
    const rows = rowsWithNaN(outputs);
    if (rows.length > 0 && spoiled.length === 0) {
      const { Watch } = await loadChunk("The diagnosis of outputs that are NaN", () => import("../step/diagnose.js"));
      const watch = new Watch();
      await training.engine.runEagerly(entry, feedsOf(training, unlabelled), watch);
      why = await watch.first();
      work.check();
    }
    for (const row of rows) spoiled.push(samples + row);
    samples += batch.size;
    await yieldToEventLoop();
    work.check();
  });
  if (spoiled.length > 0) {
    const message = `predict: ${describeSpoiled(spoiled, samples)} ${because(why)}`;
    if (as === "classes") throw new ErmineError("ERMINE_NOT_FINITE", `${message} A NaN has no class.`);
    notice(message);
  }
  return mapTree(training.engine.structure(entry), (place) => {
    for (const { shape } of parts[place]!) if (shape.length === 0) throw withoutSamples();
    const joinedOutput = join(parts[place]!);
    return as === "classes" ? classesOf(joinedOutput, link, threshold ?? 0.5) : joinedOutput;
  });
}

const withoutSamples = (): ErmineError =>
  new ErmineError(
    "ERMINE_SHAPE",
    "predict: one of the model's outputs is a scalar, which says nothing of each sample: batches cannot be joined. Choose another one: { output: key }.",
  );

/** The samples of a batch with a NaN among their outputs' elements, ascending. */
function rowsWithNaN(outputs: readonly HostOutput[]): number[] {
  const rows = new Set<number>();
  for (const { data, shape } of outputs) {
    const width = data.length / Math.max(1, shape[0] ?? 1);
    for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i]!)) rows.add(Math.floor(i / width));
  }
  return [...rows].sort((a, b) => a - b);
}

const describeSpoiled = (samples: readonly number[], all: number): string =>
  `the output is NaN for ${samples.length} of ${all} samples, the first of which is sample ${samples[0]!}.`;

const because = (diagnosis: NotFinite | undefined): string =>
  diagnosis === undefined
    ? "Look for NaN among its inputs and the parameters."
    : `It was first not finite ${diagnosis.where}. ${diagnosis.cause ?? "Look for NaN or infinity among its inputs and the parameters."}`;
