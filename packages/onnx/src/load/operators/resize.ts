/** Images of other sizes: Resize of every mode and version, and Upsample. */
import { add, ErmineError, indexSelect, mul, tensor, type Size, type Tensor } from "@ermine/core";
import { normalizedAxes } from "./axes.js";
import type { Call, Entries, Operator, Versions } from "./operator.js";

/** How one axis is resized. */
interface Axis {
  readonly size: number;
  readonly scale: number;
  readonly output: number;
  /** Of tf_crop_and_resize: which part of the axis, 0 … 1. */
  readonly region: readonly [number, number];
}

interface Settings {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
  readonly antialias: boolean;
}

/** Where the i-th new element lies among the old ones. */
function sourceOf(i: number, { size, scale, output, region }: Axis, coordinates: string): number {
  // The new length before it is cut to a whole number.
  const length = scale * size;
  switch (coordinates) {
    case "half_pixel":
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale - (coordinates === "half_pixel" ? 0.5 : 0);
    case "half_pixel_symmetric":
      return (size / 2) * (1 - output / length) + (i + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return length > 1 ? (i + 0.5) / scale - 0.5 : -0.5;
    case "align_corners":
      return length === 1 ? 0 : (i * (size - 1)) / (length - 1);
    case "asymmetric":
      return i / scale;
    case "tf_crop_and_resize": {
      const [from, to] = region;
      if (output === 1) return (from + (to - from) / 2) * (size - 1);
      return i * (((to - from) * (size - 1)) / (length - 1)) + from * (size - 1);
    }
    default:
      throw new ErmineError("ERMINE_DATA", `Its coordinates are ${JSON.stringify(coordinates)}.`);
  }
}

/** Which of two neighbours is taken: the share of the way to the second one says it. */
function isSecond(share: number, nearest: string): boolean {
  if (share === 0) return false;
  if (nearest === "floor") return false;
  if (nearest === "ceil") return true;
  return nearest === "round_prefer_ceil" ? share >= 0.5 : share > 0.5;
}

/** Keys' kernel. Source: Keys 1981. */
function cubicAt(x: number, a: number): number {
  const t = Math.abs(x);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/** Weights of the old elements from `start` on, counted from the one before the source. */
function weightsOf(
  share: number,
  scale: number,
  settings: Settings,
): { readonly start: number; readonly weights: readonly number[] } {
  if (settings.mode === "nearest") {
    return { start: 0, weights: isSecond(share, settings.nearest) ? [0, 1] : [1, 0] };
  }
  const by = settings.antialias ? Math.min(scale, 1) : 1;
  const reach = settings.mode === "linear" ? 1 : 2;
  const start = Math.floor(-reach / by) + 1;
  const at = Array.from({ length: 2 - 2 * start }, (_, k) => (start + k - share) * by);
  const raw = at.map((x) => (reach === 1 ? Math.max(0, 1 - Math.abs(x)) : cubicAt(x, settings.cubic)));
  return { start, weights: by === 1 ? raw : normalized(raw) };
}

function normalized(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/** x with one axis at its new size: for each neighbour its elements, weighed, all added. */
function resized(x: Tensor, axis: number, along: Axis, settings: Settings): Tensor {
  const { size, output } = along;
  const columns = Array.from({ length: output }, (_, i) => {
    const source = sourceOf(i, along, settings.coordinates);
    const floor = Math.floor(source);
    const { start, weights } = weightsOf(source - floor, along.scale, settings);
    const isInside = (k: number): boolean => floor + start + k >= 0 && floor + start + k < size;
    const counted = settings.excludeOutside ? normalized(weights.map((weight, k) => (isInside(k) ? weight : 0))) : weights;
    const isBeyond = settings.coordinates === "tf_crop_and_resize" && (source < 0 || source > size - 1);
    return { first: floor + start, weights: counted, isBeyond };
  });
  const around = x.shape.map((_, i) => (i === axis ? output : 1));
  const count = columns[0]?.weights.length ?? 0;
  let result: Tensor | undefined;
  for (let k = 0; k < count; k++) {
    const weights = columns.map(({ weights: each, isBeyond }) => (isBeyond ? 0 : each[k]!));
    if (weights.every((weight) => weight === 0)) continue;
    const places = columns.map(({ first }) => Math.min(Math.max(first + k, 0), size - 1));
    const picked = indexSelect(x, axis, tensor(Int32Array.from(places)));
    const weighed = weights.every((weight) => weight === 1)
      ? picked
      : mul(picked, tensor(Float32Array.from(weights), { shape: around }));
    result = result === undefined ? weighed : add(result, weighed);
  }
  const beyond = columns.map(({ isBeyond }) => (isBeyond ? settings.extrapolation : 0));
  if (result === undefined) result = mul(indexSelect(x, axis, tensor(new Int32Array(output))), 0);
  return beyond.every((value) => value === 0) ? result : add(result, tensor(Float32Array.from(beyond), { shape: around }));
}

const halfUp = (value: number): number => Math.floor(value + 0.5);

/** The new sizes and scales of the axes that change. */
function axesOf(
  call: Call,
  shape: readonly Size[],
  axes: readonly number[],
  scales: readonly number[] | undefined,
): readonly Axis[] {
  const sizesBefore = axes.map((axis, i) => {
    const size = shape[axis]!;
    if (typeof size === "number") return size;
    if (scales?.[i] === 1) return NaN;
    throw new ErmineError("ERMINE_UNSUPPORTED", `An axis of open size (${size}) cannot be resized.`);
  });
  const roi =
    call.has(1) && call.attributes.string("coordinate_transformation_mode", "") === "tf_crop_and_resize" ? call.numbers(1) : [];
  const region = (i: number): readonly [number, number] => [roi[i] ?? 0, roi[axes.length + i] ?? 1];
  if (scales !== undefined) {
    if (scales.length !== axes.length || scales.some((scale) => !(scale > 0)))
      throw new ErmineError("ERMINE_DATA", `Its scales are [${scales.join(", ")}], for ${axes.length} axes.`);
    return sizesBefore.map((size, i) => ({ size, scale: scales[i]!, output: Math.floor(size * scales[i]!), region: region(i) }));
  }
  const sizes = call.numbers(3);
  const policy = call.attributes.string("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch")
    return sizesBefore.map((size, i) => ({ size, scale: sizes[i]! / size, output: sizes[i]!, region: region(i) }));
  const ratios = sizesBefore.map((size, i) => sizes[i]! / size);
  const scale = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return sizesBefore.map((size, i) => ({ size, scale, output: halfUp(scale * size), region: region(i) }));
}

function resize(call: Call, x: Tensor, scales: readonly number[] | undefined, settings: Settings): Tensor {
  if (!["nearest", "linear", "cubic"].includes(settings.mode))
    throw new ErmineError("ERMINE_DATA", `Its mode is ${JSON.stringify(settings.mode)}.`);
  const axes = normalizedAxes(call.attributes.ints("axes", undefined), x.rank);
  const along = axesOf(call, x.shape, axes, scales);
  const isCrop = settings.coordinates === "tf_crop_and_resize";
  call.checkSize(
    x.shape.map((size, i) => (axes.includes(i) && typeof size === "number" ? along[axes.indexOf(i)]!.output : size)),
  );
  return axes.reduce((image, axis, i) => {
    const { scale, region, size, output } = along[i]!;
    const stays = (scale === 1 || Number.isNaN(size)) && (Number.isNaN(size) || size === output);
    return stays && !(isCrop && (region[0] !== 0 || region[1] !== 1)) ? image : resized(image, axis, along[i]!, settings);
  }, x);
}

const settingsOf = ({ attributes }: Call): Settings => ({
  mode: attributes.string("mode", "nearest"),
  coordinates: attributes.string("coordinate_transformation_mode", "half_pixel"),
  nearest: attributes.string("nearest_mode", "round_prefer_floor"),
  cubic: attributes.float("cubic_coeff_a", -0.75),
  excludeOutside: attributes.flag("exclude_outside"),
  extrapolation: attributes.float("extrapolation_value", 0),
  antialias: attributes.flag("antialias"),
});

const current: Operator = {
  run(call) {
    const hasScales = call.has(2) && call.host(2).elements.length > 0;
    return resize(call, call.tensor(0), hasScales ? call.numbers(2) : undefined, settingsOf(call));
  },
  statics: [1, 2, 3],
};

/** Before version 11: scales alone, from each element's own beginning. */
const first: Operator = {
  run(call) {
    const mode = call.attributes.string("mode", "nearest");
    const settings = {
      ...settingsOf(call),
      mode: mode === "bilinear" ? "linear" : mode,
      coordinates: "asymmetric",
      nearest: "floor",
    };
    return resize(
      call,
      call.tensor(0),
      call.has(1) ? call.numbers(1) : (call.attributes.floats("scales", undefined) ?? []),
      settings,
    );
  },
  statics: [1],
};

const versions: Versions = [
  [10, first],
  [11, current],
];

export const resizing: Entries = [
  ["Resize", versions],
  ["Upsample", first],
];
