/** One update of the parameters: in one go, or its micro-batches added up and then applied. A refused one changes nothing. */
import { ErmineError, type TypedArray } from "@ermine/core";
import type { Dataset } from "../data/dataset.js";
import { firstNotFinite } from "./diagnose.js";
import type { HostOutput } from "./engine.js";
import { feedsOf, StepFeeds, stepSetup, timeFeeds } from "./entries.js";
import type { Training } from "./training.js";

/** What an update was of: Σ value, Σ normalizer, and the penalty. */
export interface Report {
  readonly value: number;
  readonly normalizer: number;
  readonly penalty: number;
}

/**
 * Takes one update.
 *
 * @param parts the rows of each of its micro-batches
 * @returns undefined where nothing in the batch counts: it was skipped with a notice
 * @throws ErmineError ERMINE_NOT_FINITE that names layer and op
 */
export function takeUpdate(
  training: Training,
  data: Dataset,
  parts: readonly Int32Array[],
  notice: (message: string) => void,
): Report | undefined | Promise<Report | undefined> {
  if (training.accumulate > 1) {
    return addedUp(training, data, parts).then((outputs) => settle(training, data, parts, notice, outputs[0]!.data));
  }
  const rows = parts[0]!;
  let { feeds } = training;
  if (feeds === undefined || !feeds.fits(training, data, rows)) training.feeds = feeds = new StepFeeds(training, data, rows);
  const report = training.engine.report("step", feeds.pointedAt(training, rows));
  if (report instanceof Promise) return report.then((numbers) => settle(training, data, parts, notice, numbers));
  return settle(training, data, parts, notice, report);
}

/** Counts what was taken; says what was not. `report`: body.ts. */
function settle(
  training: Training,
  data: Dataset,
  parts: readonly Int32Array[],
  notice: (message: string) => void,
  report: TypedArray,
): Report | undefined | Promise<never> {
  const { state } = training;
  const normalizer = report[1]!;
  if (report[2] === 1) {
    state.step++;
    return { value: report[0]!, normalizer, penalty: report[3]! };
  }
  if (normalizer !== 0) return refuse(training, data, parts);
  notice(`ermine: update ${state.step + 1} was skipped: nothing in the batch counts (all targets ignored, or all weights 0).`);
  return undefined;
}

async function addedUp(training: Training, data: Dataset, parts: readonly Int32Array[]): Promise<HostOutput[]> {
  const { engine, state } = training;
  const before = await Promise.all(state.buffers.map(async (buffer) => buffer.data()));
  let first = 0;
  let outputs: HostOutput[] = [];
  for (const [microBatch, rows] of parts.entries()) {
    outputs = await engine.run("accumulate", feedsOf(training, data, rows, microBatch, first));
    first += rows.length;
    if (!accepted(outputs)) break;
  }
  // The sums of the parts are whole here, and nothing is applied yet.
  if (accepted(outputs)) outputs = await engine.run("apply", timeFeeds(training));
  if (!accepted(outputs)) {
    const { gradients, totals } = state.accumulated();
    state.buffers.forEach((buffer, i) => buffer.write(before[i]!));
    for (const sum of [...gradients, totals]) sum.write(new Float32Array(sum.shape.reduce((a, b) => a * b, 1)));
  }
  return outputs;
}

const accepted = (outputs: readonly HostOutput[]): boolean => outputs[0]!.data[2] === 1;

/** Says what went wrong in a refused step: the same batch and random numbers again, eagerly, watched op by op. */
async function refuse(training: Training, data: Dataset, parts: readonly Int32Array[]): Promise<never> {
  const {
    engine: { backend },
    state,
  } = training;
  const setup = stepSetup(training);
  let first = 0;
  for (const [microBatch, rows] of parts.entries()) {
    const feeds = feedsOf(training, data, rows, microBatch, first);
    const found = await firstNotFinite(backend, setup, data, feeds, state.buffers);
    first += rows.length;
    if (found !== undefined) {
      throw new ErmineError(
        "ERMINE_NOT_FINITE",
        `Update ${state.step + 1} gave a number that is not finite, first ${found}. Nothing of it was kept. ` +
          "Lower the learning rate, clip the gradients (clipGradNorm: 1), or normalize the inputs.",
      );
    }
  }
  throw new ErmineError(
    "ERMINE_NOT_FINITE",
    `Update ${state.step + 1} gave gradients that are not finite. Nothing of it was kept. Lower the learning rate or clip the gradients.`,
  );
}
