/** Checks of a data set's values before the first step. */
import { Dataset } from "../data/dataset.js";
import { checkIndices } from "../data/indices.js";
import type { Batch, ColumnTypes, DataSource } from "../data/source.js";
import { batchTargetsCheck, checkTargets } from "../data/targets.js";
import { outputShapesOf } from "../risk/objective.js";
import type { Training } from "../step/training.js";

/**
 * @param name "training": what messages call the set
 * @param entries what the data are fed to
 * @throws ErmineError ERMINE_VALUE for an index that a table does not have, or a target that the loss does not take
 */
export function checkValues(
  { engine, setup: { loss, model } }: Training,
  data: Dataset,
  name: string,
  entries: readonly string[],
): void {
  const graphs = engine.trace().entries;
  checkIndices(
    name,
    data,
    entries.map((entry) => graphs[entry]!),
  );
  checkTargets(name, loss, data, outputShapesOf(model));
}

/** @throws ErmineError ERMINE_DATA for an element that is not finite, and what `checkValues` throws */
export function checkData(training: Training, data: Dataset, name: string, entries: readonly string[]): void {
  data.checkFinite();
  checkValues(training, data, name, entries);
}

/**
 * Checks of streamed data, batch by batch, before a batch is used: targets that the loss does not take are refused. An index that a table does
 * not have, and elements that are not finite, are refused by the step itself.
 *
 * @param set "training": what messages call the data
 * @returns looks at a batch; undefined where there is nothing to look at, or the data are in memory, which `checkValues` has looked at
 */
export function batchCheck(
  { setup: { loss, model } }: Training,
  data: DataSource,
  types: ColumnTypes,
  set: string,
): ((batch: Batch) => void) | undefined {
  return data instanceof Dataset ? undefined : batchTargetsCheck(set, loss, types, outputShapesOf(model));
}
