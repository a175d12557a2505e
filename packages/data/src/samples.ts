/** Samples of a data set in memory. */
import { ErmineError, mapTree, type Tree } from "@ermine/core";
import { allocate } from "@ermine/core/backend";
import { checkArguments, checkCopy, show } from "@ermine/core/define";
import { Dataset, type Column, type Sample, type ShapedRow } from "@ermine/trainer";
import { Sequence } from "./sequence.js";

/**
 * The samples of a data set, for what is done to samples on their way to training: augmentation, splits, weights. Each column's row is `{ data, shape }`, a copy.
 * Say `source({ columns: data.columns })` where a column is bool: its rows are bytes.
 *
 * @example
 * const data = dataset({ inputs: [[1, 2], [3, 4]], targets: Int32Array.of(0, 1) });
 * samples(data).at(1).targets; // => { data: Int32Array(1) [ 1 ], shape: [] }
 * @throws ErmineError ERMINE_USAGE where it is no data set
 */
export function samples(data: Dataset): Sequence<Sample> {
  if (arguments.length > 1) checkArguments("samples", arguments, 1);
  checkCopy("samples", data);
  if (!(data instanceof Dataset))
    throw new ErmineError(
      "ERMINE_USAGE",
      `samples takes a data set, got ${show(data)}. Write samples(dataset({ inputs, targets })).`,
    );
  const rows = (tree: Tree<Column>, index: number): Tree<ShapedRow> =>
    mapTree(tree, (column) => {
      const elements = allocate(column.dtype, column.rowLength);
      column.gather([index], elements);
      return { data: elements, shape: column.shape.slice(1) };
    });
  const { inputs, targets, sampleWeights } = data;
  return new Sequence<Sample>(data.length, (index) => ({
    inputs: rows(inputs, index),
    ...(targets === undefined ? {} : { targets: rows(targets, index) }),
    ...(sampleWeights === undefined ? {} : { sampleWeights: Number(sampleWeights.data[index]) }),
  }));
}
