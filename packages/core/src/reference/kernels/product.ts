/** The matrix product, windows, and creation. */
import type { Key } from "../../random/philox.js";
import { randomUniform24 } from "../../random/philox.js";
import { count, stridesTo, walk, type ArrayKernel, type Operand } from "../storage.js";

interface WindowAttributes {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padBefore: readonly number[];
  readonly padAfter: readonly number[];
  readonly dilation: readonly number[];
}

/** For each element of the columns [N, C, ΠK, ΠO]: its position and its place in [N, C, ...S], −1 in the padding. */
function windows(image: Operand, attributes: WindowAttributes, visit: (column: number, pixel: number) => void): void {
  const { kernel, stride, padBefore, padAfter, dilation } = attributes;
  const [batch, channels, ...spatial] = image.shape as [number, number, ...number[]];
  const counts = spatial.map(
    (size, i) => Math.floor((size + padBefore[i]! + padAfter[i]! - dilation[i]! * (kernel[i]! - 1) - 1) / stride[i]!) + 1,
  );
  const imageStrides = stridesTo(image.shape);
  const [elements, positions] = [kernel, counts].map((shape) => {
    const strides = stridesTo(shape);
    return Array.from({ length: count(shape) }, (_, flat) => strides.map((s, i) => Math.floor(flat / s) % shape[i]!));
  }) as [number[][], number[][]];
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      elements.forEach((element, e) =>
        positions.forEach((position, p) => {
          let pixel = n * imageStrides[0]! + c * imageStrides[1]!;
          for (let i = 0; i < spatial.length; i++) {
            const place = position[i]! * stride[i]! + element[i]! * dilation[i]! - padBefore[i]!;
            if (place < 0 || place >= spatial[i]!) pixel = Number.NaN;
            pixel += place * imageStrides[i + 2]!;
          }
          visit(((n * channels + c) * elements.length + e) * positions.length + p, Number.isNaN(pixel) ? -1 : pixel);
        }),
      );
    }
  }
}

export const products: Readonly<Record<string, ArrayKernel>> = {
  matmul([a, b], [y], attributes) {
    const { transposeA, transposeB } = attributes as { readonly transposeA: boolean; readonly transposeB: boolean };
    const batch = y!.shape.slice(0, -2);
    const [rows, columns] = y!.shape.slice(-2) as [number, number];
    const inner = a!.shape.at(transposeA ? -2 : -1)!;
    const [rowA, innerA] = transposeA ? [1, rows] : [inner, 1];
    const [innerB, columnB] = transposeB ? [1, inner] : [columns, 1];
    const matrices = (operand: Operand): number[] => {
      const strides = stridesTo(operand.shape.slice(0, -2), batch);
      return strides.map((stride) => stride * operand.shape.at(-1)! * operand.shape.at(-2)!);
    };
    walk(batch, [matrices(a!), matrices(b!)], (matrix, [startA, startB]) => {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let total = 0;
          for (let k = 0; k < inner; k++)
            total += a!.data[startA! + i * rowA + k * innerA]! * b!.data[startB! + k * innerB + j * columnB]!;
          y!.data[(matrix * rows + i) * columns + j] = total;
        }
      }
    });
  },
  unfold([x], [y], attributes) {
    windows(x!, attributes as unknown as WindowAttributes, (column, pixel) => {
      y!.data[column] = pixel < 0 ? (attributes["padValue"] as number) : x!.data[pixel]!;
    });
  },
  fold([x], [y], attributes) {
    windows(y!, attributes as unknown as WindowAttributes, (column, pixel) => {
      if (pixel >= 0) y!.data[pixel]! += x!.data[column]!;
    });
  },
  full: (_, [y], { value }) => void y!.data.fill(value as number),
  iota(_, [y]) {
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = i;
  },
  size([x], [y], attributes) {
    y!.data[0] = (attributes["axes"] as readonly number[]).reduce((product, axis) => product * x!.shape[axis]!, 1);
  },
  randomUniform([counters], [y], attributes) {
    const [step, microBatch, first] = Array.from(counters!.data) as [number, number, number];
    y!.data.set(randomUniform24(y!.data.length, attributes["key"] as Key, { step, microBatch, first }));
  },
};
