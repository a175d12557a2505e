/** What the model says of inputs. */
import { ErmineError, loadChunk } from "@ermine/core";
import type { DataSource } from "../data/source.js";
import { classesOf, isProbabilistic, join } from "../risk/reading.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import type { HostOutput } from "../step/engine.js";
import type { NotFinite } from "../step/diagnose.js";
import { definePredict } from "../step/entries.js";
import { feedsOf } from "../step/feeds.js";
import { checkBatchSizes } from "../step/sizes.js";
import { allOrNothing, linkOf, type Training } from "../step/training.js";
import type { Work } from "../step/turns.js";
import { eachBatch } from "./evaluate.js";
import { typesOfSource } from "./sources.js";

export type Reading = "output" | "probabilities" | "classes";

/** What is asked of the model. */
export interface Question {
  readonly inputs: DataSource;
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
  const types = await typesOfSource(inputs, batchSize);
  const entry = allOrNothing(training, () => {
    const name = definePredict(training, { inputs: types.inputs }, as === "output" ? "output" : "probabilities");
    training.engine.prepare();
    const { length } = inputs;
    if (length !== undefined) checkBatchSizes(training, [name], "predict", { length, batchSize, dropLast: false });
    return name;
  });
  const parts: HostOutput[] = [];
  const spoiled: number[] = [];
  let why: NotFinite | undefined;
  let samples = 0;
  await eachBatch(inputs, batchSize, async (batch) => {
    const unlabelled = { size: batch.size, columns: { inputs: batch.columns.inputs } };
    const output = (await training.engine.run(entry, feedsOf(training, unlabelled), batch.size))[0]!;
    work.check();
    parts.push(output);
    const found = rowsWithNaN(output);
    if (found.length > 0 && spoiled.length === 0) {
      const { Watch } = await loadChunk("The diagnosis of outputs that are NaN", () => import("../step/diagnose.js"));
      const watch = new Watch();
      await training.engine.runEagerly(entry, feedsOf(training, unlabelled), watch.observe);
      why = await watch.first();
      work.check();
    }
    for (const row of found) spoiled.push(samples + row);
    samples += batch.size;
    await yieldToEventLoop();
    work.check();
  });
  if (spoiled.length > 0) {
    const message = `predict: ${describeSpoiled(spoiled, samples)} ${because(why)}`;
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
