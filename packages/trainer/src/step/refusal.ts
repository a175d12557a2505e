/** Says what went wrong in a refused step: the same batch and random numbers again, eagerly, watched op by op. */
import { ErmineError } from "@ermine/core";
import type { Batch } from "../data/source.js";
import { firstNotFinite } from "./diagnose.js";
import { stepSetup } from "./entries.js";
import { feedsOf } from "./feeds.js";
import type { Training } from "./training.js";

/**
 * The error of the refused update that would be the next one: `state.batch` and `state.update` are those before it.
 *
 * @param parts its micro-batches
 */
export async function refusalOf(training: Training, parts: readonly Batch[]): Promise<ErmineError> {
  const { engine, state, columns } = training;
  const setup = stepSetup(training);
  let first = 0;
  for (const [microBatch, batch] of parts.entries()) {
    const feeds = feedsOf(training, batch, microBatch, first);
    const notFinite = await firstNotFinite(engine.backend, setup, columns!, feeds);
    first += batch.size;
    if (notFinite !== undefined) {
      return new ErmineError(
        "ERMINE_NOT_FINITE",
        `Update ${state.update + 1} gave a number that is not finite, first ${notFinite.where}. Nothing of it was kept. ` +
          (notFinite.cause ?? "Lower the learning rate, clip the gradients (clipGradNorm: 1), or normalize the inputs."),
      );
    }
  }
  return new ErmineError(
    "ERMINE_NOT_FINITE",
    `Update ${state.update + 1} gave gradients that are not finite. Nothing of it was kept. Lower the learning rate or clip the gradients.`,
  );
}
