/** Loads the module of updates over several micro-batches on demand, as few trainings need it. */
import { loadChunk } from "@ermine/core/backend";
import type { Training } from "./training.js";

/** Loads the entries of a trainer that accumulates. @returns undefined if it does not accumulate */
export async function loadMicroBatches(training: Training): Promise<typeof import("./microBatches.js") | undefined> {
  if (training.accumulate === 1) return undefined;
  const microBatches = await loadChunk("Updates over micro-batches", () => import("./microBatches.js"));
  training.defineMicroBatches = microBatches.defineMicroBatches;
  return microBatches;
}
