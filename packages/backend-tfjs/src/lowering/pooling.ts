/** Pooling over one or two spatial axes, on TensorFlow's kernels; over more, and with dilation, core decomposes it. */
import type { Shape } from "@ermine/core";
import type { TensorType } from "@ermine/core/backend";
import { binary, call, cast, logical, pad, reduce, scalar, select, slice, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports, TfAttributes } from "./emitter.js";
import { fromImage, imageOf, imageShape, isFlat, pair } from "./images.js";
import { positionsOf, product, type Window } from "./window.js";

type Average = Omit<Window, "dilation"> & { readonly countIncludePad: boolean };

const dense = (window: Omit<Window, "dilation">): Window => ({ ...window, dilation: window.kernel.map(() => 1) });

const sides = ({
  padBefore,
  padAfter,
}: Pick<Window, "padBefore" | "padAfter">): readonly [readonly number[], readonly number[]] => [
  pair(padBefore, 0),
  pair(padAfter, 0),
];

function attributesOf(window: Omit<Window, "dilation">, padding: boolean): TfAttributes {
  const [[top, left], [bottom, right]] = sides(window) as [[number, number], [number, number]];
  const explicit = padding && top + left + bottom + right > 0;
  return {
    T: { type: "float32" },
    ksize: { ints: [1, ...pair(window.kernel, 1), 1] },
    strides: { ints: [1, ...pair(window.stride, 1), 1] },
    padding: { string: explicit ? "EXPLICIT" : "VALID" },
    ...(padding ? { explicit_paddings: { ints: explicit ? [0, 0, top, bottom, left, right, 0, 0] : [] } } : {}),
    data_format: { string: "NHWC" },
  };
}

const isNaN = (e: Emitter, x: Operand): Operand => unary(e, "IsNan", x, "bool");

const extreme = (e: Emitter, name: "Max" | "Min", x: Operand): Operand => {
  const axes = x.shape.map((_, axis) => axis);
  return reduce(e, name, x, axes, false);
};

/** Is one of them NaN? A scalar, from one pass that writes nothing: the largest is NaN then. */
const anyNaN = (e: Emitter, x: Operand): Operand => isNaN(e, extreme(e, "Max", x));

/** The lowest float32, which TensorFlow starts from. */
const lowest = -3.4028234663852886e38;

/** TensorFlow's pooling passes over NaN, and over −∞ where a window has nothing else: where that can be, two more say in which windows. */
function maxPool(e: Emitter, x: Operand, window: Window, shape: Shape): Operand {
  const image = imageOf(e, x);
  const pool = (of: Operand): Operand => call(e, "MaxPool", [of], imageShape(shape), "float32", attributesOf(window, true));
  const pooled = pool(image);
  const windowsWith = (mask: Operand): Operand => binary(e, "Less", scalar(e, 0), pool(cast(e, mask, "float32")), "bool");
  const low = binary(e, "LessEqual", extreme(e, "Min", pooled), scalar(e, lowest), "bool");
  const largest = e.onlyIf(logical(e, "LogicalOr", anyNaN(e, image), low), pooled, (pooledValue) => {
    const raised = windowsWith(binary(e, "Less", scalar(e, -Infinity), image, "bool"));
    const whole = select(e, raised, pooledValue, scalar(e, -Infinity));
    return select(e, windowsWith(isNaN(e, image)), scalar(e, NaN), whole);
  });
  return fromImage(e, largest, shape);
}

/** A NaN is the largest of its window, and gets its gradient. */
function maxPoolGradient(e: Emitter, g: Operand, x: Operand, y: Operand, window: Window): Operand {
  const source = imageOf(e, x);
  const image = e.onlyIf(anyNaN(e, source), source, (of) => select(e, isNaN(e, of), scalar(e, Infinity), of));
  const inputs = [image, imageOf(e, y), imageOf(e, g)];
  return fromImage(e, call(e, "MaxPoolGrad", inputs, image.shape, "float32", attributesOf(window, true)), x.shape);
}

/** The factor for each position's mean over the whole kernel, so that padding does not count: [...positions]. */
function corrections(spatial: readonly number[], window: Window): Float32Array {
  let counts = [1];
  positionsOf(spatial, window).forEach((positions, axis) => {
    const inside = Array.from({ length: positions }, (_, p) => {
      const start = p * window.stride[axis]! - window.padBefore[axis]!;
      return Math.min(start + window.kernel[axis]!, spatial[axis]!) - Math.max(start, 0);
    });
    counts = counts.flatMap((count) => inside.map((n) => count * n));
  });
  return Float32Array.from(counts, (count) => product(window.kernel) / count);
}

const isPadded = (attributes: Average): boolean => [...attributes.padBefore, ...attributes.padAfter].some((n) => n > 0);

/** x [N, C, ...positions] with padding taken out of the means, where it was not to count. */
function corrected(e: Emitter, x: Operand, spatial: readonly number[], attributes: Average): Operand {
  if (attributes.countIncludePad || !isPadded(attributes)) return x;
  const factors = corrections(spatial, dense(attributes));
  return binary(e, "Mul", x, e.constant(factors, [1, 1, ...(x.shape.slice(2) as readonly number[])], "float32"));
}

const lastWidths = (widths: readonly number[]): number[] => [0, ...widths, 0];

function avgPool(e: Emitter, x: Operand, attributes: Average, shape: Shape): Operand {
  const spatial = x.shape.slice(2) as readonly number[];
  const [before, after] = sides(attributes);
  const image = pad(e, imageOf(e, x), lastWidths(before), lastWidths(after), 0);
  const means = call(e, "AvgPool", [image], imageShape(shape), "float32", attributesOf(attributes, false));
  return corrected(e, fromImage(e, means, shape), spatial, attributes);
}

function avgPoolGradient(e: Emitter, g: Operand, x: Operand, attributes: Average): Operand {
  const spatial = x.shape.slice(2) as readonly number[];
  const shares = corrected(e, g, spatial, attributes);
  const [before, after] = sides(attributes);
  const inputShape = imageShape(x.shape);
  const wide = inputShape.map((size, i) => (i === 1 || i === 2 ? (size as number) + before[i - 1]! + after[i - 1]! : size));
  const image = call(e, "AvgPoolGrad", [e.sizes(wide), imageOf(e, shares)], wide, "float32", attributesOf(attributes, false));
  return fromImage(e, slice(e, image, lastWidths(before), inputShape), x.shape);
}

export const poolingLowerings: Readonly<Record<string, Lowering>> = {
  maxPool: (e, [x], window: Window, [y]) => [maxPool(e, x!, window, y!.shape)],
  maxPoolGradient: (e, [g, x, y], window: Window) => [maxPoolGradient(e, g!, x!, y!, window)],
  avgPool: (e, [x], attributes: Average, [y]) => [avgPool(e, x!, attributes, y!.shape)],
  avgPoolGradient: (e, [g, x], attributes: Average) => [avgPoolGradient(e, g!, x!, attributes)],
};

const undilated = ([x]: readonly (TensorType | undefined)[], { dilation }: Window): boolean =>
  isFlat(x) && dilation.every((n) => n === 1);

export const poolingSupports: Readonly<Record<string, Supports>> = {
  maxPool: undilated,
  maxPoolGradient: ([, x], window: Window) => undilated([x], window),
  avgPool: ([x]) => isFlat(x),
  avgPoolGradient: ([, x]) => isFlat(x),
};
