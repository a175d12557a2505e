/** Batch sizes for which a layer has no meaning, found before the first batch: a variance is measured over more than one value. */
import { ErmineError } from "@ermine/core";
import { type Requirement, requirementPlace, unmetRequirement } from "@ermine/core/backend";
import type { Training } from "./training.js";

/** Batches that will be made of some samples. */
export interface Batching {
  readonly length: number;
  readonly batchSize: number;
  readonly dropLast: boolean;
}

/** The different sizes of the batches: the whole ones', and the last one's. */
export function sizesOf({ length, batchSize, dropLast }: Batching): number[] {
  const last = length % batchSize;
  return [...(length >= batchSize ? [batchSize] : []), ...(last > 0 && !dropLast ? [last] : [])];
}

const samples = (count: number): string => `${count} sample${count === 1 ? "" : "s"}`;

/** The first layer of the entries that cannot measure what it must over a batch of that size. */
function unmetBy(engine: Training["engine"], entries: readonly string[], size: number): Requirement | undefined {
  for (const entry of entries) {
    const requirement = unmetRequirement(engine.graph(entry), { N: size });
    if (requirement !== undefined) return requirement;
  }
  return undefined;
}

/** Can each of the entries' layers measure what it must over a batch of a size? Asked once for each size. */
export function admitsBatch({ engine }: Training, entries: readonly string[]): (size: number) => boolean {
  const bySize = new Map<number, boolean>();
  return (size) => {
    let admitted = bySize.get(size);
    if (admitted === undefined) bySize.set(size, (admitted = unmetBy(engine, entries, size) === undefined));
    return admitted;
  };
}

/**
 * @param where "fit", for messages
 * @param entries those that each batch goes through
 * @throws ErmineError ERMINE_DATA that names the layer, and a batchSize that would do
 */
export function checkBatchSizes({ engine }: Training, entries: readonly string[], where: string, batching: Batching): void {
  const unmet = (size: number): Requirement | undefined => unmetBy(engine, entries, size);
  const bad = sizesOf(batching).find((size) => unmet(size) !== undefined);
  if (bad === undefined) return;
  const { length, batchSize, dropLast } = batching;
  const fits = (size: number): boolean =>
    sizesOf({ length, batchSize: size, dropLast }).every((sizeOfBatch) => unmet(sizeOfBatch) === undefined);
  const nearestFit = nearest(batchSize, length, fits);
  const description =
    bad === batchSize
      ? `batches of ${samples(bad)}`
      : `the last batch has ${samples(bad)} (${length} in batches of ${batchSize})`;
  const ways = [
    ...(nearestFit === undefined ? [] : [`another batchSize (${nearestFit})`]),
    ...(where === "fit" && bad !== batchSize && length > batchSize ? ["dropLast: true"] : []),
  ];
  throw new ErmineError(
    "ERMINE_DATA",
    `${where}: ${description}, and ${requirementPlace(unmet(bad)!)} cannot measure a variance over one value a channel. ` +
      (ways.length === 0 ? "Give more samples." : `Take ${ways.join(", or ")}.`),
  );
}

/** The number nearest to `from` in 2 … most that fits. */
function nearest(from: number, most: number, fits: (size: number) => boolean): number | undefined {
  for (let distance = 1; distance <= Math.max(from, most); distance++) {
    for (const size of [from - distance, from + distance]) if (size >= 2 && size <= most && fits(size)) return size;
  }
  return undefined;
}
