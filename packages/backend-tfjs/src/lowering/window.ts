/**
 * Sliding windows over any number of spatial axes, by index: the element that window position p sees at kernel position k stands
 * at a place that is known when the graph is made.
 */
import { type Size } from "@ermine/core";
import { sizeOf } from "@ermine/core/define";
import { call, gather, ints, pad, reshape, slice } from "./calls.js";
import type { Emitter, Lowering, Operand } from "./emitter.js";

export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padBefore: readonly number[];
  readonly padAfter: readonly number[];
  readonly dilation: readonly number[];
}

export const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

export const positionsOf = (spatial: readonly number[], window: Window): number[] =>
  spatial.map((size, i) => {
    const reach = window.dilation[i]! * (window.kernel[i]! - 1) + 1;
    return Math.floor((size + window.padBefore[i]! + window.padAfter[i]! - reach) / window.stride[i]!) + 1;
  });

/** For each kernel position (rows) and window position: the flat place in the padded spatial axes. */
function places(padded: readonly number[], positions: readonly number[], { kernel, stride, dilation }: Window): Int32Array {
  let rows: number[] = [0];
  let columns: number[] = [0];
  padded.forEach((size, axis) => {
    rows = rows.flatMap((row) => Array.from({ length: kernel[axis]! }, (_, k) => row * size + k * dilation[axis]!));
    columns = columns.flatMap((column) => Array.from({ length: positions[axis]! }, (_, p) => column * size + p * stride[axis]!));
  });
  return Int32Array.from(rows.flatMap((row) => columns.map((column) => row + column)));
}

const around = (widths: readonly number[]): number[] => [0, 0, ...widths];

/** [N, C, ...S] → [N, C, Π kernel, Π positions]. */
export function unfold(e: Emitter, x: Operand, window: Window, padValue: number): Operand {
  const [batch, channels, ...spatial] = x.shape as [Size, Size, ...number[]];
  const padded = spatial.map((size, i) => size + window.padBefore[i]! + window.padAfter[i]!);
  const positions = positionsOf(spatial, window);
  const wide = pad(e, x, around(window.padBefore), around(window.padAfter), padValue);
  const flat = reshape(e, wide, [batch, channels, product(padded)]);
  const columns = gather(e, flat, ints(e, [...places(padded, positions, window)]), 2);
  return reshape(e, columns, [batch, channels, product(window.kernel), product(positions)]);
}

/** The adjoint: [N, C, Π kernel, Π positions] → [N, C, ...outputSize]. */
export function fold(e: Emitter, columns: Operand, window: Window, outputSize: readonly number[]): Operand {
  const [batch, channels, elements, count] = columns.shape as [Size, Size, number, number];
  const padded = outputSize.map((size, i) => size + window.padBefore[i]! + window.padAfter[i]!);
  const index = ints(e, [...places(padded, positionsOf(outputSize, window), window)]);
  const rows = sizeOf([batch, channels]);
  const upright = e.transpose(reshape(e, columns, [rows, elements * count]), [1, 0]);
  const segments = product(padded);
  const summed = call(e, "UnsortedSegmentSum", [upright, index, e.size(segments)], [segments, rows], "float32", {
    T: { type: "float32" },
    Tindices: { type: "int32" },
    Tnumsegments: { type: "int32" },
  });
  const wide = reshape(e, e.transpose(summed, [1, 0]), [batch, channels, ...padded]);
  return slice(e, wide, around(window.padBefore), [batch, channels, ...outputSize]);
}

export const windowLowerings: Readonly<Record<string, Lowering>> = {
  unfold: (e, [x], attributes: Window & { padValue: number }) => [unfold(e, x!, attributes, attributes.padValue)],
  fold: (e, [columns], attributes: Window & { outputSize: readonly number[] }) => [
    fold(e, columns!, attributes, attributes.outputSize),
  ],
};
