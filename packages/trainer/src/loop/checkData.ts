/** What can be seen of a data set's values before anything is computed of them. */
import type { Dataset } from "../data/dataset.js";
import { checkIndices } from "../data/indices.js";
import { checkTargets } from "../data/targets.js";
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
