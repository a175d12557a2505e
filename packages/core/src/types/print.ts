/** Tensors as nested arrays and as text. */
import type { DType, TypedArray } from "./dtype.js";

/** Values in nested arrays, as `toArray` gives them. */
export type NestedNumbers = number | boolean | readonly NestedNumbers[];

/** Row-major elements as nested arrays. */
export function nest(data: TypedArray, shape: readonly number[], dtype: DType): NestedNumbers {
  let position = 0;
  const level = (axis: number): NestedNumbers => {
    if (axis === shape.length) {
      const value = data[position++]!;
      return dtype === "bool" ? value !== 0 : value;
    }
    return Array.from({ length: shape[axis]! }, () => level(axis + 1));
  };
  return level(0);
}

const edge = 3;
const threshold = 1000;

/** "Tensor(float32[2, 2]\n [[1, 2],\n  [3, 4]])"; over 1,000 elements the middle of each axis is cut, as NumPy does. */
export function formatTensor(data: TypedArray, shape: readonly number[], dtype: DType): string {
  const cut = data.length > threshold;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const one = (value: number): string => {
    if (dtype === "bool") return value !== 0 ? "true" : "false";
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  };
  const level = (axis: number, offset: number, indent: string): string => {
    if (axis === shape.length) return one(data[offset]!);
    const size = shape[axis]!;
    const shown: string[] = [];
    for (let i = 0; i < size; i++) {
      if (cut && size > 2 * edge && i === edge) {
        shown.push("…");
        i = size - edge;
      }
      shown.push(level(axis + 1, offset + i * strides[axis]!, `${indent} `));
    }
    const separator = axis === shape.length - 1 ? ", " : `,\n${indent} `;
    return `[${shown.join(separator)}]`;
  };
  return `Tensor(${dtype}[${shape.join(", ")}]\n  ${level(0, 0, "  ")})`;
}
