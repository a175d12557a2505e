/** The largest of windows put back where they were found. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { builtinOp } from "../ir/op.js";
import { formatShape, sameShape, sizeOf } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { div, maximum } from "./arithmetic.js";
import { apply1 } from "./apply.js";
import { onesLike, zeros } from "./creation.js";
import { scatterAddOp } from "./gather.js";
import { reshape } from "./shape.js";
import { eachAxis, overBatch, spatialAxes, windowOf } from "./window.js";

/** Attributes of `maxUnpoolOp`. */
export type MaxUnpoolAttributes = {
  /** The sizes of the image. */
  readonly outputSize: readonly number[];
};

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** The op behind `maxUnpool`, of x and indices [N, C, P]: [N, C, Π outputSize]. Its gradient is taken from where each element went. */
export const maxUnpoolOp = builtinOp<MaxUnpoolAttributes>({
  name: "maxUnpool",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "indices", dtype: "int32", differentiable: false },
  ],
  lookup: (_, { outputSize }) => ({ input: 1, size: product(outputSize) }),
  infer([x, indices], { outputSize }) {
    if (!sameShape(x!.shape, indices!.shape))
      throw new ErmineError(
        "ERMINE_SHAPE",
        `maxUnpool: there is one index for each element, got ${formatShape(indices!.shape)} for ${formatShape(x!.shape)}.`,
      );
    return [{ shape: [...x!.shape.slice(0, 2), product(outputSize)], dtype: "float32", domain: "real" }];
  },
  decompose([x, indices], { outputSize }) {
    const empty = zeros([...x!.shape.slice(0, 2), product(outputSize)]);
    const put = (t: Tensor): Tensor => apply1(scatterAddOp, [empty, indices, t], { axis: 2 });
    // Windows that share their largest put it there more than once.
    return [div(put(x!), maximum(put(onesLike(x!)), 1))];
  },
});

/** The options of `maxUnpool`. */
export interface MaxUnpoolOptions {
  /** Of the pooling. Default: the kernel. */
  readonly stride?: number | readonly number[];
  /** Of the pooling. Default 0. */
  readonly padding?: number | readonly number[];
  /** The size of the image, which several sizes are pooled to. Default (size − 1) · stride − 2 · padding + kernel. */
  readonly outputSize?: readonly number[];
}

/**
 * The inverse of max pooling, as far as there is one: each element of x [N, C, …size] stands where its index says, among zeros. `indices` are those of `maxPoolIndices` or of a
 * pooling layer's `returnIndices`. Elements of one index are averaged: of windows that share their largest all are that largest.
 *
 * @throws ErmineError ERMINE_SHAPE where indices have another shape than x, or the output's size is not one that is pooled to x's; ERMINE_VALUE for an index outside of the output
 * @example
 * maxUnpool(tensor([[[2, 4]]]), tensor([[[1, 2]]], { dtype: "int32" }), 2); // => [[[0, 2, 4, 0]]]
 */
export function maxUnpool(
  x: Tensor,
  indices: Tensor,
  kernel: number | readonly number[],
  options: MaxUnpoolOptions = {},
): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("maxUnpool", arguments, 4);
  checkTensor("maxUnpool", x);
  checkTensor("maxUnpool", indices);
  checkOptions("maxUnpool", options, { stride: "integers", padding: "integers", outputSize: "list" }, "x, indices, kernel");
  const axes = Array.isArray(kernel) ? kernel.length : spatialAxes("maxUnpool", x);
  const sizes = eachAxis("maxUnpool", "kernelSize", kernel, axes, 1);
  const { outputSize, ...movement } = options;
  if (!sameShape(x.shape, indices.shape))
    throw new ErmineError(
      "ERMINE_SHAPE",
      `maxUnpool: there is one index for each element, got ${formatShape(indices.shape)} for ${formatShape(x.shape)}.`,
    );
  const places = overBatch("maxUnpool", indices, axes, (t) => reshape(t, [...t.shape.slice(0, 2), sizeOf(t.shape.slice(2))]));
  return overBatch("maxUnpool", x, axes, (t) => {
    const window = windowOf("maxUnpool", sizes, movement, sizes);
    const spatial = t.shape.slice(2) as readonly number[];
    const usual = spatial.map((n, i) => (n - 1) * window.stride[i]! - 2 * window.padBefore[i]! + sizes[i]!);
    const size = outputSize === undefined ? usual : eachAxis("maxUnpool", "outputSize", outputSize, axes, 1);
    const isFar = size.some((n, i) => Math.abs(n - usual[i]!) >= window.stride[i]!);
    if (isFar)
      throw new ErmineError(
        "ERMINE_SHAPE",
        `maxUnpool: outputSize [${size.join(", ")}] is not pooled to ${formatShape(spatial)}; each is less than the stride from [${usual.join(", ")}].`,
      );
    const flat = reshape(t, [...t.shape.slice(0, 2), product(spatial)]);
    const result = apply1(maxUnpoolOp, [flat, reshape(places, flat.shape)], { outputSize: size });
    return reshape(result, [...t.shape.slice(0, 2), ...size]);
  });
}
