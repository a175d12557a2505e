/** The largest of windows that begin at random places. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { concat } from "../ops/concat.js";
import { tensor } from "../ops/creation.js";
import { gather } from "../ops/gather.js";
import { argMax } from "../ops/reduction.js";
import { broadcastTo, reshape } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { floor } from "../ops/unary.js";
import { eachAxis, overBatch, spatialAxes } from "../ops/window.js";
import { drawUniform } from "../random/generator.js";
import { formatShape, sameShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Where the windows along an axis start, of a draw [N, C, 1]: PyTorch's ⌊(i + u) · α⌋ − ⌊u · α⌋, the last at the end. int32 [N, C, count]. */
function startsOf(draw: Tensor, size: number, count: number, kernel: number): Tensor {
  const last = size - kernel;
  const end = broadcastTo(tensor([[[last]]], { dtype: "int32" }), draw.shape);
  if (count === 1) return end;
  const alpha = last / (count - 1);
  const places = tensor(
    Float32Array.from({ length: count - 1 }, (_, i) => i),
    { shape: [1, 1, count - 1] },
  );
  const inner = sub(floor(mul(add(draw, places), alpha)), floor(mul(draw, alpha)));
  return concat([cast(inner, "int32"), end], 2);
}

/** The options of `fractionalMaxPool`; exactly one of the two says the output's size. */
export interface FractionalMaxPoolOptions {
  /** The size of each spatial axis, or of all. Default: from outputRatio. */
  readonly outputSize?: number | readonly number[];
  /** Which share of the input's size it is, in (0, 1). Default: from outputSize. */
  readonly outputRatio?: number | readonly number[];
  /** u in [0, 1) for each sample, channel and axis, [N, C, axes]: where windows begin. Default: drawn. */
  readonly randomSamples?: Tensor;
}

/**
 * The largest of windows that begin at random places, so that the output may have any size: x [N, C, …size] or [C, …size], of two or three spatial axes. Windows of an axis begin at
 * ⌊(i + u) · α⌋ − ⌊u · α⌋, α = (size − kernel) / (outputSize − 1). Source: Graham 2014.
 *
 * @returns the largest, and where in its image each stands (int32)
 * @throws ErmineError ERMINE_SHAPE where windows do not fit, ERMINE_OPTION where not one of outputSize and outputRatio is given
 * @example
 * fractionalMaxPool(zeros([1, 2, 7, 7]), 2, { outputSize: 4 })[0].shape; // => [1, 2, 4, 4]
 */
export function fractionalMaxPool(
  x: Tensor,
  kernel: number | readonly number[],
  options: FractionalMaxPoolOptions,
): readonly [values: Tensor<"real">, indices: Tensor<"real">] {
  if (arguments.length > 3) checkArguments("fractionalMaxPool", arguments, 3);
  checkTensor("fractionalMaxPool", x);
  const kinds = { outputSize: "integers", outputRatio: "numbers", randomSamples: "tensor" } as const;
  checkOptions("fractionalMaxPool", options, kinds, "x, kernel");
  const axes = Array.isArray(kernel) ? kernel.length : spatialAxes("fractionalMaxPool", x);
  const sizes = eachAxis("fractionalMaxPool", "kernelSize", kernel, axes, 1);
  return overBatch("fractionalMaxPool", x, axes, (t) => {
    const spatial = t.shape.slice(2) as readonly number[];
    const target = fractionalSize("fractionalMaxPool", spatial, sizes, options ?? {});
    const lead = t.shape.slice(0, 2);
    const draws = options.randomSamples ?? drawUniform([...lead, axes], "fractionalMaxPool");
    if (!sameShape(draws.shape, [...lead, axes]))
      throw new ErmineError(
        "ERMINE_SHAPE",
        `fractionalMaxPool: randomSamples is ${formatShape([...lead, axes])}, a number for each sample, channel and axis, got ${formatShape(draws.shape)}.`,
      );
    const flat = reshape(t, [...lead, product(spatial)]);
    const places = windowPlaces(draws, spatial, target, sizes);
    const elements = product(sizes);
    const positions = product(target);
    const windows = reshape(gather(flat, 2, reshape(places, [...lead, positions * elements])), [...lead, positions, elements]);
    const which = argMax(windows, { axis: 3, keepDims: true });
    // Picked, not the maximum: of equals the first alone has the gradient.
    const largest = reshape(gather(windows, 3, which), [...lead, ...target]);
    const indices = reshape(gather(reshape(places, [...lead, positions, elements]), 3, which), [...lead, ...target]);
    return [largest as Tensor<"real">, indices as Tensor<"real">] as const;
  }) as unknown as readonly [Tensor<"real">, Tensor<"real">];
}

/** @internal The output's size. */
export function fractionalSize(
  where: string,
  spatial: readonly number[],
  kernel: readonly number[],
  { outputSize, outputRatio }: FractionalMaxPoolOptions,
): readonly number[] {
  const axes = kernel.length;
  checkFractional(where, axes, { outputSize, outputRatio } as FractionalMaxPoolOptions);
  const ratios = typeof outputRatio === "number" ? kernel.map(() => outputRatio) : outputRatio;
  const target =
    ratios === undefined
      ? eachAxis(where, "outputSize", outputSize!, axes, 1)
      : spatial.map((size, i) => Math.floor(size * ratios[i]!));
  target.forEach((size, i) => {
    if (size >= 1 && size + kernel[i]! - 1 <= spatial[i]!) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${where}: ${size} windows of ${kernel[i]} do not fit into ${spatial[i]} (${formatShape(spatial)}), which takes at most ${Math.max(0, spatial[i]! - kernel[i]! + 1)}.`,
    );
  });
  return target;
}

/** @internal @throws ErmineError ERMINE_OPTION where not one of them is given, or a ratio is not in (0, 1) */
export function checkFractional(where: string, axes: number, { outputSize, outputRatio }: FractionalMaxPoolOptions): void {
  if ((outputSize === undefined) === (outputRatio === undefined))
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where} takes one of outputSize and outputRatio: { outputSize: 4 } or { outputRatio: 0.5 }.`,
    );
  if (outputSize !== undefined) return void eachAxis(where, "outputSize", outputSize, axes, 1);
  const ratios = typeof outputRatio === "number" ? [outputRatio] : outputRatio!;
  if ((typeof outputRatio === "number" || ratios.length === axes) && ratios.every((ratio) => ratio > 0 && ratio < 1)) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: outputRatio is in (0, 1), or ${axes} such numbers, got ${ratios.join(", ")}.`,
  );
}

/** Where in the flat image the elements of each window stand: int32 [N, C, …target, …kernel]. */
function windowPlaces(draws: Tensor, spatial: readonly number[], target: readonly number[], kernel: readonly number[]): Tensor {
  const axes = spatial.length;
  const [batch, channels] = draws.shape;
  const ones = Array<number>(axes).fill(1);
  // Of an image PyTorch's first draw is the width's, of a volume the depth's.
  const drawOf = (axis: number): number => (axes === 2 ? 1 - axis : axis);
  return spatial.reduce<Tensor | undefined>((sum, size, axis) => {
    const starts = startsOf(sliceAxis(draws, 2, drawOf(axis), 1), size, target[axis]!, kernel[axis]!);
    const stepShape = [1, 1, ...ones, ...ones.map((n, i) => (i === axis ? kernel[axis]! : n))];
    const steps = tensor(
      Int32Array.from({ length: kernel[axis]! }, (_, i) => i),
      { shape: stepShape },
    );
    const along = reshape(starts, [batch!, channels!, ...ones.map((n, i) => (i === axis ? target[axis]! : n)), ...ones]);
    const places = mul(add(along, steps), product(spatial.slice(axis + 1)));
    return sum === undefined ? places : add(sum, places);
  }, undefined)!;
}
