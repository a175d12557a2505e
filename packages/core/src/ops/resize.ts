/** Images of another size: each new element a weighed sum of a few old ones along one axis after the other. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { requireOptions, show } from "../types/options.js";
import { concrete } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { add, mul } from "./arithmetic.js";
import { tensor } from "./creation.js";
import { adaptiveAvgPool } from "./adaptivePooling.js";
import { indexSelect } from "./gather.js";
import { overBatch, spatialAxes } from "./window.js";

/** linear over one axis, bilinear over two, trilinear over three; bicubic over two; the others over any. */
export type ResizeMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "trilinear" | "bicubic" | "area";

/** The options of `resize` and `Upsample`: a size or a factor, and how. */
export interface ResizeOptions {
  /** The new size of each spatial axis (a number: of all). Default: from scaleFactor. */
  readonly size?: number | readonly number[];
  /** Or how many times as large: ⌊size · scaleFactor⌋. Default: from size. */
  readonly scaleFactor?: number | readonly number[];
  /** Default "nearest". */
  readonly mode?: ResizeMode;
  /** Do the centres of the corners stay where they are? For linear and cubic modes; default false. */
  readonly alignCorners?: boolean;
  /** Compute coordinates from the sizes, not from the scaleFactor that was given. Default false. */
  readonly recomputeScaleFactor?: boolean;
}

const axesOf: Partial<Record<ResizeMode, number>> = { linear: 1, bilinear: 2, trilinear: 3, bicubic: 2 };
const modes: readonly ResizeMode[] = ["nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"];
const names = {
  size: "integers",
  scaleFactor: "numbers",
  mode: "string",
  alignCorners: "boolean",
  recomputeScaleFactor: "boolean",
} as const;

/** One old element and its weight, for each new one. */
interface Tap {
  readonly at: readonly number[];
  readonly weight: readonly number[];
}

/**
 * x [N, C, ...size] or [C, ...size] at another size. PyTorch's interpolate, its coordinates and its cubic kernel (a = −0.75).
 *
 * @param axes how many of x's axes are spatial; default: all but two
 * @throws ErmineError ERMINE_OPTION unless one of size and scaleFactor is given, or where the mode is for another number of axes
 * @example
 * resize(tensor([[[1, 2]]]), { scaleFactor: 2 }); // => [[[1, 1, 2, 2]]]
 */
export function resize(x: Tensor, options: ResizeOptions, axes: number = spatialAxes("resize", x)): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("resize", arguments, 3);
  checkArgument("resize(x, options, axes)", "axes", axes, "integer");
  checkResize("resize", options, axes);
  const { mode = "nearest", alignCorners = false, recomputeScaleFactor = false } = options;
  return overBatch("resize", x, axes, (t) => {
    const old = concrete(t.shape.slice(2), "resize");
    const scales = options.scaleFactor === undefined ? undefined : spread(options.scaleFactor, axes);
    const sizes = scales === undefined ? spread(options.size!, axes) : old.map((n, i) => Math.floor(n * scales[i]!));
    if (mode === "area") return adaptiveAvgPool(t, sizes);
    return sizes.reduce((image: Tensor, m, i) => {
      const n = old[i]!;
      // As PyTorch's: sizes that stay, or double, say it better than a scale that rounds to them. ("nearest" only over two axes.)
      const scaleIsDerived =
        (n === m && mode.endsWith("linear")) || (mode === "nearest" && axes === 2 && (m === n || m === 2 * n));
      const requestedScale = recomputeScaleFactor || scaleIsDerived ? undefined : scales?.[i];
      const scale = scaleOf(n, m, alignCorners, requestedScale);
      if (n === m && scale === 1) return image;
      return weigh(image, i + 2, tapsOf(mode, n, m, scale, alignCorners));
    }, t);
  });
}

/** @internal @throws ErmineError ERMINE_OPTION where the options do not fit each other */
export function checkResize(where: string, options: ResizeOptions, axes?: number): void {
  requireOptions(where, options, names, where === "resize" ? "x" : []);
  const { size, scaleFactor, mode = "nearest", alignCorners } = options;
  const refuse = (message: string): never => {
    throw new ErmineError("ERMINE_OPTION", `${where}: ${message}`);
  };
  if (!modes.includes(mode)) refuse(`mode is one of ${modes.join(", ")}, got ${show(mode)}.`);
  if ((size === undefined) === (scaleFactor === undefined)) refuse("give one of size and scaleFactor.");
  const axesOfMode = axesOf[mode];
  if (axes !== undefined && axesOfMode !== undefined && axesOfMode !== axes) {
    refuse(`${mode} is for ${axesOfMode} spatial ax${axesOfMode === 1 ? "is" : "es"}, got ${axes}.`);
  }
  if (alignCorners !== undefined && axesOfMode === undefined) refuse(`alignCorners has no meaning for ${mode}.`);
  for (const value of [size ?? []].flat())
    if (!(Number.isInteger(value) && value >= 1)) refuse(`size ${value} is not whole and ≥ 1.`);
  for (const value of [scaleFactor ?? []].flat()) if (!(value > 0)) refuse(`scaleFactor ${value} is not above 0.`);
  for (const list of [size, scaleFactor]) {
    if (axes !== undefined && typeof list === "object" && list.length !== axes) {
      refuse(`there ${axes === 1 ? "is 1 spatial axis" : `are ${axes} spatial axes`}, got ${show(list)}.`);
    }
  }
}

const spread = (value: number | readonly number[], axes: number): readonly number[] =>
  typeof value === "number" ? Array<number>(axes).fill(value) : value;

/** Distance between new elements, in old ones. */
function scaleOf(n: number, m: number, alignCorners: boolean, requestedScale: number | undefined): number {
  if (alignCorners) return m > 1 ? (n - 1) / (m - 1) : 0;
  return requestedScale === undefined ? n / m : 1 / requestedScale;
}

function tapsOf(mode: ResizeMode, n: number, m: number, scale: number, alignCorners: boolean): readonly Tap[] {
  const within = (at: number): number => Math.min(Math.max(at, 0), n - 1);
  const tap = (each: (i: number) => readonly [at: number, weight: number]): Tap => {
    const pairs = Array.from({ length: m }, (_, i) => each(i));
    return { at: pairs.map(([at]) => within(at)), weight: pairs.map(([, weight]) => weight) };
  };
  if (mode === "nearest") return [tap((i) => [Math.floor(i * scale), 1])];
  if (mode === "nearest-exact") return [tap((i) => [Math.floor((i + 0.5) * scale), 1])];
  const source = (i: number): number => (alignCorners ? i * scale : (i + 0.5) * scale - 0.5);
  if (mode === "bicubic") {
    return [-1, 0, 1, 2].map((offset) =>
      tap((i) => {
        const floor = Math.floor(source(i));
        return [floor + offset, cubic(Math.abs(source(i) - floor - offset))];
      }),
    );
  }
  const from = (i: number): number => Math.max(source(i), 0);
  const share = (i: number): number => from(i) - within(Math.floor(from(i)));
  return [tap((i) => [Math.floor(from(i)), 1 - share(i)]), tap((i) => [Math.floor(from(i)) + 1, share(i)])];
}

/** Keys' kernel with a = −0.75. Source: Keys 1981. */
function cubic(t: number): number {
  const a = -0.75;
  return t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
}

function weigh(x: Tensor, axis: number, taps: readonly Tap[]): Tensor {
  const parts = taps.map(({ at, weight }): Tensor => {
    const picked = indexSelect(x, axis, tensor(Int32Array.from(at)));
    if (weight.every((w) => w === 1)) return picked;
    const shape = x.shape.slice(axis).map((_, i) => (i === 0 ? weight.length : 1));
    return mul(picked, tensor(Float32Array.from(weight), { shape }));
  });
  return parts.reduce((total, part) => add(total, part));
}
