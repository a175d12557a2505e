/** What the model says of inputs. */
import { ErmineError } from "@ermine/core";
import { batches } from "../data/batches.js";
import { Dataset } from "../data/dataset.js";
import { classesOf, isProbabilistic, join } from "../risk/reading.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import type { HostOutput } from "../step/engine.js";
import { Watch, type NotFinite } from "../step/diagnose.js";
import { definePredict, feedsOf } from "../step/entries.js";
import { checkBatchSizes } from "../step/sizes.js";
import { allOrNothing, linkOf, type Training } from "../step/training.js";
import type { Work } from "../step/turns.js";

export type Reading = "output" | "probabilities" | "classes";

/** What is asked of the model. */
export interface Question {
  readonly inputs: Dataset;
  readonly as: Reading;
  readonly batchSize: number;
  /** Told of outputs that are NaN. */
  readonly notice: (message: string) => void;
}

/** @throws ErmineError ERMINE_OPTION where the loss has no such reading, ERMINE_NOT_FINITE where a class is asked of an output that is NaN */
export function predict(training: Training, question: Question, work: Work): Promise<HostOutput> {
  return training.turns.take(() => {
    work.check();
    return answer(training, question, work);
  });
}

async function answer(training: Training, { inputs, as, batchSize, notice }: Question, work: Work): Promise<HostOutput> {
  const link = as === "output" ? "identity" : linkOf(training);
  if (as !== "output" && link === "identity" && !isProbabilistic(training.setup.loss, training.targetType)) {
    throw new ErmineError("ERMINE_OPTION", `predict: the loss does not say how outputs become ${as}. Use { as: "output" }.`);
  }
  const unlabelled = new Dataset({ inputs: inputs.inputs, targets: undefined, sampleWeights: undefined });
  const entry = allOrNothing(training, () => {
    const name = definePredict(training, unlabelled, as === "output" ? "output" : "probabilities");
    training.engine.prepare();
    checkBatchSizes(training, [name], "predict", { length: inputs.length, batchSize, dropLast: false });
    return name;
  });
  const parts: HostOutput[] = [];
  const spoiled: number[] = [];
  let spoiledBatch: Int32Array | undefined;
  for (const rows of batches(inputs.length, batchSize)) {
    const output = (await training.engine.run(entry, feedsOf(training, unlabelled, rows)))[0]!;
    work.check();
    parts.push(output);
    const found = rowsWithNaN(output);
    if (found.length > 0) spoiledBatch ??= rows;
    for (const row of found) spoiled.push(rows[row]!);
    await yieldToEventLoop();
    work.check();
  }
  if (spoiledBatch !== undefined) {
    const watch = new Watch();
    await training.engine.runEagerly(entry, feedsOf(training, unlabelled, spoiledBatch), watch.observe);
    const message = `predict: ${describeSpoiled(spoiled, inputs.length)} ${because(await watch.first())}`;
    if (as === "classes") throw new ErmineError("ERMINE_NOT_FINITE", `${message} A NaN has no class.`);
    notice(message);
  }
  const joined = join(parts);
  return as === "classes" ? classesOf(joined, link) : joined;
}

/** The samples of a batch with a NaN among their output's elements. */
function rowsWithNaN({ data, shape }: HostOutput): number[] {
  const width = data.length / Math.max(1, shape[0] ?? 1);
  const rows: number[] = [];
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / width);
    if (Number.isNaN(data[i]!) && rows.at(-1) !== row) rows.push(row);
  }
  return rows;
}

const describeSpoiled = (samples: readonly number[], all: number): string =>
  `the output is NaN for ${samples.length} of ${all} samples, the first of which is sample ${samples[0]!}.`;

const because = (found: NotFinite | undefined): string =>
  found === undefined
    ? "Look for NaN among its inputs and the parameters."
    : `It was first not finite ${found.where}. ${found.cause ?? "Look for NaN or infinity among its inputs and the parameters."}`;
