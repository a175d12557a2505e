/**
 * Pooling to a size that is given: output i of m takes the elements ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ − 1 of an axis of n. Parts of
 * different lengths are laid out side by side at one length, so that they are windows like any others.
 */
import { show } from "../types/options.js";
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { concrete } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { mul } from "./arithmetic.js";
import { tensor } from "./creation.js";
import { indexSelect } from "./gather.js";
import { avgPool, maxPool, maxPoolIndices } from "./pooling.js";
import { padTensor } from "./slice.js";
import { reshape } from "./shape.js";
import { overBatch } from "./window.js";

/** A number for each spatial axis; null leaves it as it is. */
type OutputSize = readonly (number | null)[];

interface Part {
  readonly from: number;
  readonly to: number;
}

const partsOf = (n: number, m: number): readonly Part[] =>
  Array.from({ length: m }, (_, i) => ({ from: Math.floor((i * n) / m), to: Math.ceil(((i + 1) * n) / m) }));

/** The elements of each part one after the other, filled up to the longest: `fill` says with which. */
function layOut(
  parts: readonly Part[],
  fill: (part: Part) => number,
): { readonly order: readonly number[]; readonly length: number } {
  const length = Math.max(...parts.map(({ from, to }) => to - from));
  const order = parts.flatMap((part) => Array.from({ length }, (_, k) => (part.from + k < part.to ? part.from + k : fill(part))));
  return { order, length };
}

interface Laid {
  readonly x: Tensor;
  readonly kernel: readonly number[];
  /** For each axis, the original place of each element; undefined where it is as it was. */
  readonly orders: readonly (readonly number[] | undefined)[];
}

function lay(where: string, x: Tensor, outputSize: OutputSize, fill: "last" | "zero"): Laid {
  const sizes = concrete(x.shape.slice(2), where);
  let laid = x;
  const kernel: number[] = [];
  const orders = outputSize.map((size, axis) => {
    const n = sizes[axis]!;
    const m = size ?? n;
    if (n % m === 0) {
      kernel.push(n / m);
      return undefined;
    }
    const { order, length } = layOut(partsOf(n, m), ({ to }) => (fill === "last" ? to - 1 : n));
    kernel.push(length);
    const widths = x.shape.map((_, i) => (i === axis + 2 ? 1 : 0));
    const source =
      fill === "zero" && order.includes(n)
        ? padTensor(
            laid,
            widths.map(() => 0),
            widths,
            0,
          )
        : laid;
    laid = indexSelect(source, axis + 2, tensor(Int32Array.from(order)));
    return order;
  });
  return { x: laid, kernel, orders };
}

/** Of the functions, whose list says how many spatial axes there are. */
function checkOutputSizes(name: string, outputSize: OutputSize): void {
  checkArgument(`${name}(x, outputSize)`, "outputSize", outputSize, "list");
  checkOutputSize(name, outputSize, outputSize.length);
}

/** @internal @throws ErmineError ERMINE_OPTION */
export function checkOutputSize(where: string, outputSize: OutputSize, axes: number): void {
  if (
    Array.isArray(outputSize) &&
    outputSize.length === axes &&
    outputSize.every((size) => size === null || (Number.isInteger(size) && size >= 1))
  )
    return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: outputSize is a whole number ≥ 1, or ${axes} of them (null: as it is), got ${show(outputSize)}.`,
  );
}

/**
 * The mean of each part of x [N, C, ...size] or [C, ...size] → […, ...outputSize].
 *
 * @example
 * adaptiveAvgPool(tensor([[[1, 2, 3, 4]]]), [2]); // => [[[1.5, 3.5]]]
 */
export function adaptiveAvgPool(x: Tensor, outputSize: OutputSize): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("adaptiveAvgPool", arguments, 2);
  checkOutputSizes("adaptiveAvgPool", outputSize);
  return overBatch("adaptiveAvgPool", x, outputSize.length, (t) => {
    const { x: laid, kernel, orders } = lay("adaptiveAvgPool", t, outputSize, "zero");
    const means = avgPool(laid, kernel);
    if (orders.every((order) => order === undefined)) return means;
    let shares = [1];
    orders.forEach((order, axis) => {
      const [n, m] = [t.shape[axis + 2] as number, means.shape[axis + 2] as number];
      const each =
        order === undefined ? Array<number>(m).fill(1) : partsOf(n, m).map(({ from, to }) => kernel[axis]! / (to - from));
      shares = shares.flatMap((share) => each.map((axisShare) => share * axisShare));
    });
    return mul(means, tensor(Float32Array.from(shares), { shape: means.shape.slice(2) as readonly number[] }));
  });
}

/**
 * The largest of each part of x [N, C, ...size] or [C, ...size] → […, ...outputSize]; the gradient goes to the first of equals.
 *
 * @example
 * adaptiveMaxPool(tensor([[[1, 2, 4, 3]]]), [2]); // => [[[2, 4]]]
 */
export function adaptiveMaxPool(x: Tensor, outputSize: OutputSize): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("adaptiveMaxPool", arguments, 2);
  checkOutputSizes("adaptiveMaxPool", outputSize);
  return overBatch("adaptiveMaxPool", x, outputSize.length, (t) => {
    const { x: laid, kernel } = lay("adaptiveMaxPool", t, outputSize, "last");
    return maxPool(laid, kernel);
  });
}

/**
 * Where the largest of each part stands (int32): its position among the elements of its image, row-major.
 *
 * @example
 * adaptiveMaxPoolIndices(tensor([[[1, 2, 4, 3]]]), [2]); // => [[[1, 2]]]
 */
export function adaptiveMaxPoolIndices(x: Tensor, outputSize: OutputSize): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("adaptiveMaxPoolIndices", arguments, 2);
  checkOutputSizes("adaptiveMaxPoolIndices", outputSize);
  return overBatch("adaptiveMaxPool", x, outputSize.length, (t) => {
    const { x: laid, kernel, orders } = lay("adaptiveMaxPool", t, outputSize, "last");
    const indices = maxPoolIndices(laid, kernel);
    if (orders.every((order) => order === undefined)) return indices;
    let places = [0];
    orders.forEach((order, axis) => {
      const n = t.shape[axis + 2] as number;
      const axisOrder = order ?? Array.from({ length: n }, (_, i) => i);
      places = places.flatMap((place) => axisOrder.map((at) => place * n + at));
    });
    return reshape(indexSelect(tensor(Int32Array.from(places)), 0, reshape(indices, [-1])), indices.shape);
  });
}
