/** What the model says of inputs. */
import { ErmineError } from "@ermine/core";
import { batches } from "../data/batches.js";
import { Dataset } from "../data/dataset.js";
import { classesOf, isProbabilistic, join } from "../risk/reading.js";
import { breathe } from "../step/breathe.js";
import type { HostOutput } from "../step/engine.js";
import { definePredict, feedsOf } from "../step/entries.js";
import { checkBatchSizes } from "../step/sizes.js";
import { linkOf, type Training } from "../step/training.js";

export type Reading = "output" | "probabilities" | "classes";

/** @throws ErmineError ERMINE_OPTION where the loss has no such reading */
export async function predict(training: Training, inputs: Dataset, as: Reading, batchSize: number): Promise<HostOutput> {
  const link = as === "output" ? "identity" : linkOf(training);
  if (as !== "output" && link === "identity" && !isProbabilistic(training.setup.loss, training.targetType)) {
    throw new ErmineError("ERMINE_OPTION", `predict: the loss does not say how outputs become ${as}. Use { as: "output" }.`);
  }
  const unlabelled = new Dataset({ inputs: inputs.inputs, targets: undefined, sampleWeights: undefined });
  const entry = definePredict(training, unlabelled, as === "output" ? "output" : "probabilities");
  training.engine.prepare();
  checkBatchSizes(training, [entry], "predict", { length: inputs.length, batchSize, dropLast: false });
  const parts: HostOutput[] = [];
  for (const rows of batches(inputs.length, batchSize)) {
    parts.push((await training.engine.run(entry, feedsOf(training, unlabelled, rows)))[0]!);
    await breathe();
  }
  const joined = join(parts);
  return as === "classes" ? classesOf(joined, link) : joined;
}
