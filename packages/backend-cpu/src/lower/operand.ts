/** An op's inputs and outputs as a lowering sees them: addresses, numeric shapes, dtypes. And broadcasting by strides. */
import type { Attributes, DType } from "@ermine/core";
import type { Emitter } from "../emitter.js";

export interface Operand {
  readonly address: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Emits an op's instructions. */
export interface Lowering {
  /** The dtypes of its first input. */
  readonly dtypes: readonly DType[];
  emit(e: Emitter, inputs: readonly (Operand | undefined)[], outputs: readonly Operand[], attributes: Attributes): void;
  /** Each output number depends on the input numbers at its own place only, read before it is written: an output may take an input's block. */
  readonly inPlace?: boolean;
  /** Inputs that it does not look at: nobody need compute them for it, and it may get undefined. */
  readonly unread?: readonly number[];
  /** Does it leave out an output whose place is undefined, because nobody reads it? Absent: each needs its place. */
  readonly leavesOutputsOut?: boolean;
  /** Of an op with indices: which input they are, and the length of the axis that they are of. They are checked before the op. */
  lookup?(
    inputs: readonly (Pick<Operand, "shape"> | undefined)[],
    attributes: Attributes,
  ): { readonly input: number; readonly size: number };
  /** Where only some inputs are read so: is this one? */
  readsOwnPlace?(input: number, attributes: Attributes): boolean;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function contiguous(shape: readonly number[]): number[] {
  const strides = Array.from({ length: shape.length }, () => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** Strides of a contiguous `shape` under the broadcast shape `to`: 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const own = contiguous(shape);
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]!));
}

/** Neighbouring axes joined wherever every stride list allows it. At least one axis is left. */
export function collapse(
  shape: readonly number[],
  ...strides: readonly (readonly number[])[]
): { shape: number[]; strides: number[][] } {
  const sizes: number[] = [];
  const lists: number[][] = strides.map(() => []);
  shape.forEach((size, axis) => {
    if (size === 1 && shape.length > 1) return;
    const last = sizes.length - 1;
    if (last >= 0 && lists.every((list, i) => list[last] === strides[i]![axis]! * size)) {
      sizes[last]! *= size;
      lists.forEach((list, i) => (list[last] = strides[i]![axis]!));
    } else {
      sizes.push(size);
      lists.forEach((list, i) => list.push(strides[i]![axis]!));
    }
  });
  if (sizes.length === 0) {
    sizes.push(1);
    for (const list of lists) list.push(0);
  }
  return { shape: sizes, strides: lists };
}

/** [outer, length, inner] of an axis. */
export function around(shape: readonly number[], axis: number): [outer: number, length: number, inner: number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis] ?? 1, sizeOf(shape.slice(axis + 1))];
}
