/** What a model of a table is given, and what it gives. */
import type { Tensor } from "@ermine/core";

/** The sizes of a column of texts. */
export interface TextShape {
  /** Rows of its table of words: 0 fills, 1 is unknown. */
  readonly words: number;
  /** Ids of a text. */
  readonly length: number;
}

/** The sizes of a model of a table. */
export interface TableShape {
  /** Numbers in a row. */
  readonly numbers: number;
  /** Rows of each table of categories: one more than there are categories. */
  readonly categories: readonly number[];
  /** Columns of texts. */
  readonly texts: readonly TextShape[];
  /** Outputs: the classes, or 1. */
  readonly outputs: number;
}

/**
 * (N, numbers) where there are numbers, then int32 (N, columns of categories) where there are such, then int32 (N, ids of all texts) where there are texts.
 */
export type TableInputs = readonly Tensor[];

/** The tensors of the three kinds. */
export interface NamedInputs {
  readonly numbers: Tensor | undefined;
  /** Ids of categories. */
  readonly ids: Tensor | undefined;
  /** Ids of words. */
  readonly words: Tensor | undefined;
}

export function inputsOf({ numbers, categories, texts }: TableShape, inputs: TableInputs): NamedInputs {
  const remaining = [...inputs];
  const next = (isGiven: boolean): Tensor | undefined => (isGiven ? remaining.shift() : undefined);
  return { numbers: next(numbers > 0), ids: next(categories.length > 0), words: next(texts.length > 0) };
}
