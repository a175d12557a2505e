/** An op's inputs and outputs as a lowering sees them: addresses, numeric shapes, dtypes. And broadcasting by strides. */
import type { DType } from "@ermine/core";
import type { Attributes } from "@ermine/core/define";
import type { TensorType } from "@ermine/core/backend";
import type { Emitter } from "../emitter.js";

/** An input or output of an op in memory: its elements are dense, 4 bytes each, and end within whole vectors of 16 bytes. */
export interface Operand {
  /** Of the first element, in bytes. */
  readonly address: number;
  /** Its sizes, as numbers. */
  readonly shape: readonly number[];
  /** float32; int32; bool is stored as int32, 0 or 1. */
  readonly dtype: DType;
  /** Where its elements are in the order of the lowering's `packing`, next to where they are anyway; absent: nowhere. */
  readonly packed?: number;
}

/** An operand before it has an address. */
export type OperandType = Pick<Operand, "shape" | "dtype">;

/** How one tensor's elements are read from another's: element (i, j, …) is the one at offset + i·strides[0] + j·strides[1] + …. */
export interface StridedView {
  /** The first element, in elements of the other tensor. */
  readonly offset: number;
  /** From one element to the next along each axis, in elements of the other tensor. */
  readonly strides: readonly number[];
}

/** An input's elements in the order in which a kernel reads them. A loop whose steps all read the same input packs it once, before the first. */
export interface Packing {
  /** Which input. */
  readonly input: number;
  /** Its size there. */
  readonly words: number;
  /** Emits the instructions that write it to the address `to`. */
  emit(e: Emitter, operand: Operand, to: number): void;
}

/** How an op is said in the kernels' instructions. `registerLowering` takes one for an op of another package. */
export interface Lowering {
  /** The dtypes of its first input that it takes; with others the op is decomposed. */
  readonly dtypes: readonly DType[];
  /** Emits the instructions. Outputs are in memory of their own, or where `inPlace` allows it in an input's. */
  emit(e: Emitter, inputs: readonly (Operand | undefined)[], outputs: readonly Operand[], attributes: Attributes): void;
  /** Does it take these inputs and options? Absent: all. What it does not take is decomposed. */
  supports?(inputs: readonly (TensorType | undefined)[], attributes: Attributes): boolean;
  /** true: each output element depends on the input elements at its own place only, read before it is written. Default false. */
  readonly inPlace?: boolean;
  /** Where only some inputs are read so: is this one? */
  readsOwnPlace?(input: number, attributes: Attributes): boolean;
  /** The positions of inputs that it does not read: they need not be computed for it, and it may get undefined. Default none. */
  readonly unusedInputs?: readonly number[];
  /** true: an output that nobody reads is undefined, and is not computed. Default false: each has its place. */
  readonly optionalOutputs?: boolean;
  /** Which input is packed where many calls read the same. The op gets it with `packed` then, or without; undefined: none. */
  packing?(inputs: readonly (OperandType | undefined)[], attributes: Attributes): Packing | undefined;
  /**
   * Of an op whose rows, the places of the first axis, do not meet: row i of each output is made of row i of the inputs that are `parted`, and of all of the
   * others. Its attributes over so many rows; undefined: with these inputs rows meet. Absent: they always do. Not asked of steps.
   */
  inRows?(
    rows: number,
    parted: readonly boolean[],
    inputs: readonly (OperandType | undefined)[],
    attributes: Attributes,
  ): Attributes | undefined;
  /** Of an op with indices: which input they are, and the length of the axis that they are of. They are checked before the op. */
  lookup?(
    inputs: readonly (Pick<Operand, "shape"> | undefined)[],
    attributes: Attributes,
  ): { readonly input: number; readonly size: number };
  /** Of an op that only shows its first input otherwise: which element is where. Its readers may read the input itself. */
  view?(input: readonly number[], output: readonly number[], attributes: Attributes): StridedView | undefined;
  /** Of an op without inputs whose elements are all one number: that number, where it is a float32. */
  constant?(attributes: Attributes): number;
}

/** `inRows` of an op all of whose inputs have the rows. */
export const allInRows: NonNullable<Lowering["inRows"]> = (_, parted, inputs, attributes) =>
  inputs.every((input, i) => input === undefined || parted[i]) ? attributes : undefined;

/** How many elements a tensor of that shape has. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The strides of a dense tensor of that shape, in elements. */
export function contiguous(shape: readonly number[]): number[] {
  const strides = Array.from({ length: shape.length }, () => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** Strides of a contiguous `shape` under the broadcast shape `to`: 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const packed = contiguous(shape);
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : packed[i - lead]!));
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
