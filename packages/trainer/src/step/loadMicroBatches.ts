/** What few trainings need is loaded by those: updates over several micro-batches. */
import { loadChunk } from "@ermine/core/backend";
import type { Training } from "./training.js";

/** Where a trainer accumulates, its entries can be defined from here on. @returns undefined where it does not */
export async function loadMicroBatches(training: Training): Promise<typeof import("./microBatches.js") | undefined> {
  if (training.accumulate === 1) return undefined;
  const microBatches = await loadChunk("Updates over micro-batches", () => import("./microBatches.js"));
  training.defineMicroBatches = microBatches.defineMicroBatches;
  return microBatches;
}
