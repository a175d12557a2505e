/** The reference backend's storage, and walking over row-major arrays with broadcasting. */
import type { Attributes } from "../ir/op.js";
import type { Kernel, KernelOutput } from "../ir/contract.js";
import type { DType, TypedArray } from "../types/dtype.js";

/** Numbers on the host: float32 in double precision, unless the backend was asked to round. */
export interface HostStorage {
  data: TypedArray;
}

export interface Operand {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A kernel over arrays: it fills the outputs, which come zeroed. */
export type ArrayKernel = (inputs: readonly Operand[], outputs: readonly Operand[], attributes: Attributes) => void;

export type Allocate = (output: KernelOutput) => TypedArray;

/** The contract's form of an array kernel. */
export function kernelOf(run: ArrayKernel, allocate: Allocate, register: (data: TypedArray) => HostStorage): Kernel {
  return (inputs, attributes, outputs) => {
    const operands = inputs.map(
      (input) => input && { data: (input.storage as HostStorage).data, shape: input.shape, dtype: input.dtype },
    );
    const results = outputs.map((output) => ({ ...output, data: allocate(output) }));
    run(operands as Operand[], results, attributes);
    return results.map(({ data }) => register(data));
  };
}

export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row-major strides; 0 where the axis of size 1 is repeated along `target`. Leading axes of `target` are repeated too. */
export function stridesTo(shape: readonly number[], target: readonly number[] = shape): number[] {
  const strides = Array<number>(target.length).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const at = axis + target.length - shape.length;
    if (shape[axis] === target[at]) strides[at] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Calls `visit` with each position of `shape` in row-major order, and where it is under each of the strides. */
export function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (position: number, at: readonly number[]) => void,
): void {
  const total = count(shape);
  const index = Array<number>(shape.length).fill(0);
  const at = strides.map(() => 0);
  for (let position = 0; position < total; position++) {
    visit(position, at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      for (let k = 0; k < at.length; k++) at[k]! += strides[k]![axis]!;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
      for (let k = 0; k < at.length; k++) at[k]! -= strides[k]![axis]! * shape[axis]!;
    }
  }
}

/** An array seen as [outer, size, inner] around one axis. */
export function around(shape: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  return { outer: count(shape.slice(0, axis)), size: shape[axis]!, inner: count(shape.slice(axis + 1)) };
}
