/** One update of the parameters: in one go, or its micro-batches added up and then applied. A refused one changes nothing. */
import { ErmineError, type TypedArray } from "@ermine/core";
import type { Dataset } from "../data/dataset.js";
import { firstNotFinite } from "./diagnose.js";
import type { HostOutput } from "./engine.js";
import { feedsOf, redefineUpdate, StepFeeds, stepSetup, updateRuns } from "./entries.js";
import { hostSums, type HostSums } from "../risk/means.js";
import { variablesOf } from "./state.js";
import type { Training } from "./training.js";

/** What an update was of: Σ value and Σ normalizer of each part of the loss, and the penalty. */
export interface Report {
  readonly sums: readonly HostSums[];
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
    const { check } = training.turns.work("fit");
    return addedUp(training, data, parts, check).then((outputs) => {
      check();
      return settle(training, data, parts, notice, outputs[0]!.data);
    });
  }
  const rows = parts[0]!;
  let { feeds } = training;
  if (feeds === undefined || !feeds.fits(training, data, rows)) training.feeds = feeds = new StepFeeds(training, data, rows);
  const checked = training.state.hasLargeScalars;
  const fed = feeds.pointedAt(training, rows);
  if (training.state.hasLargeScalars !== checked) redefineUpdate(training, data);
  const report = training.engine.report("step", fed);
  if (report instanceof Promise) {
    const { check } = training.turns.work("fit");
    return report.then((numbers) => {
      check();
      return settle(training, data, parts, notice, numbers);
    });
  }
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
  const sums = hostSums(report, 2);
  if (report[0] === 1) {
    state.step++;
    return { sums, penalty: report[1]! };
  }
  if (sums.some(({ normalizer }) => normalizer !== 0)) return refuse(training, data, parts);
  notice(`ermine: update ${state.step + 1} was skipped: nothing in the batch counts (all targets ignored, or all weights 0).`);
  return undefined;
}

/** @param check refuses to go on where the trainer was disposed */
async function addedUp(
  training: Training,
  data: Dataset,
  parts: readonly Int32Array[],
  check: () => void,
): Promise<HostOutput[]> {
  const { engine, state } = training;
  const before = await Promise.all(state.buffers.map(async (buffer) => buffer.data()));
  check();
  training.undo = () => {
    state.buffers.forEach((buffer, i) => buffer.write(before[i]!));
    for (const sum of variablesOf(state.accumulated())) sum.write(new Float32Array(sum.shape.reduce((a, b) => a * b, 1)));
  };
  const undo = (): void => {
    training.undo?.();
    training.undo = undefined;
  };
  let outputs: HostOutput[] = [];
  try {
    const checked = state.hasLargeScalars;
    const runs = updateRuns(training, data, parts, training.resident);
    if (state.hasLargeScalars !== checked) redefineUpdate(training, data);
    for (const [i, { entry, feeds }] of runs.entries()) {
      const pending = engine.run(entry, feeds);
      outputs = await (pending instanceof Promise ? (training.ahead?.during(pending, parts[i + 1]) ?? pending) : pending);
      check();
      if (!accepted(outputs)) break;
    }
  } catch (error) {
    // A dispose has done so.
    undo();
    throw error;
  }
  if (!accepted(outputs)) undo();
  training.undo = undefined;
  return outputs;
}

const accepted = (outputs: readonly HostOutput[]): boolean => outputs[0]!.data[0] === 1;

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
        `Update ${state.step + 1} gave a number that is not finite, first ${found.where}. Nothing of it was kept. ` +
          (found.cause ?? "Lower the learning rate, clip the gradients (clipGradNorm: 1), or normalize the inputs."),
      );
    }
  }
  throw new ErmineError(
    "ERMINE_NOT_FINITE",
    `Update ${state.step + 1} gave gradients that are not finite. Nothing of it was kept. Lower the learning rate or clip the gradients.`,
  );
}
