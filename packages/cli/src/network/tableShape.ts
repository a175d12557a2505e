/** What a model of a table is given, and what it gives. */
import type { Tensor } from "@ermine/core";

/** The sizes of a model of a table. */
export interface TableShape {
  /** Numbers in a row. */
  readonly numbers: number;
  /** Rows of each table of categories: one more than there are categories. */
  readonly categories: readonly number[];
  /** Outputs: the classes, or 1. */
  readonly outputs: number;
}

/** (N, numbers) where there are numbers, then int32 (N, columns of categories) where there are such. */
export type TableInputs = readonly Tensor[];

/** The tensors of the two kinds. */
export const inputsOf = (
  { numbers, categories }: TableShape,
  inputs: TableInputs,
): { readonly numbers: Tensor | undefined; readonly ids: Tensor | undefined } => ({
  numbers: numbers > 0 ? inputs[0] : undefined,
  ids: categories.length > 0 ? inputs[numbers > 0 ? 1 : 0] : undefined,
});
