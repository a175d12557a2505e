/**
 * How an op of ermine's becomes ops of TensorFlow's, said once for both ways of running: an emitter either executes what it is
 * told at once (eager) or writes it down as nodes of a graph (compiled). Sizes may be symbols; only the graph ever sees such.
 */
import type { DType, Shape, Size, TypedArray } from "@ermine/core";
import type { TensorType } from "@ermine/core/backend";

/** A TensorFlow value: an id of the binding, or "node:output" of a graph. */
export type Handle = number | string;

export interface Operand {
  readonly handle: Handle;
  readonly shape: Shape;
  readonly dtype: DType;
  /** The same numbers in another order of axes, not written down yet: shape[i] is that of `source`'s axis permutation[i]. */
  readonly permuted?: { readonly source: Operand; readonly permutation: readonly number[] };
  /** The numbers of this operand, repeated to `shape`, not written down yet. */
  readonly repeated?: Operand;
}

export interface OutputType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** TensorFlow's attributes, tagged with their kind. */
export type TfAttribute =
  | { readonly type: DType | "resource" }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly shape: readonly number[] };
export type TfAttributes = Readonly<Record<string, TfAttribute>>;

export interface Emitter {
  /** Runs, or writes down, one op. Attributes that have no default in TensorFlow must be there. */
  op(name: string, inputs: readonly Operand[], attributes: TfAttributes, outputs: readonly OutputType[]): Operand[];
  /** Host numbers, known when the graph is made. */
  constant(data: TypedArray, shape: readonly number[], dtype: DType): Operand;
  /** An int32 scalar. */
  size(size: Size): Operand;
  /** An int32 vector. */
  sizes(sizes: readonly Size[]): Operand;
  /** x's axes in another order: result axis i is x's axis permutation[i]. A graph puts it off. */
  transpose(x: Operand, permutation: readonly number[]): Operand;
  /** make(x) where the bool scalar holds, else x: what `make` says is run only then. */
  onlyIf(condition: Operand, x: Operand, make: (x: Operand) => Operand): Operand;
  /** x repeated along the axes that it lacks or has once. A graph puts it off: what repeats its operands itself needs no copy. */
  repeat(x: Operand, shape: Shape): Operand;
}

/** One op of ermine's, lowered. An absent optional input is undefined; an output may be an input. */
export type Lowering = (
  emitter: Emitter,
  inputs: readonly (Operand | undefined)[],
  attributes: never,
  outputs: readonly OutputType[],
) => readonly Operand[];

/** Does a lowering take these inputs and options? What it refuses core decomposes. */
export type Supports = (inputs: readonly (TensorType | undefined)[], attributes: never) => boolean;
