/** Layers that give an image another size. */
import { ErmineError } from "../types/errors.js";
import { checkResize, resize, type ResizeOptions } from "../ops/resize.js";
import { permute, reshape } from "../ops/shape.js";
import { formatShape, mulSizes, divSizes, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { checkSize, formatSizes } from "./size.js";
import { checkArguments } from "../types/arguments.js";
import { requireOptions } from "../types/options.js";

/**
 * (N, C, …size) → (N, C, …⌊size · scaleFactor⌋), or of `size`: the nearest, or an interpolation. Over one axis mode "linear", over two
 * "bilinear" or "bicubic", over three "trilinear"; "nearest" (default), "nearest-exact" and "area" over any. See `resize`.
 *
 * @example
 * new Upsample({ scaleFactor: 2, mode: "bilinear" }).forward(zeros([1, 3, 4, 4])).shape; // => [1, 3, 8, 8]
 */
export class Upsample extends Module {
  /** Its size or factor, and how. */
  readonly options: ResizeOptions;

  constructor(options: ResizeOptions) {
    checkArguments("Upsample", arguments, 1);
    super();
    checkResize("Upsample", options);
    this.options = options;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    if (x.rank < 3) throw new ErmineError("ERMINE_SHAPE", `takes (N, C, …size), got ${formatShape(x.shape)}.`);
    return resize(x, this.options);
  }

  override describe(): string {
    const { size, scaleFactor, mode = "nearest" } = this.options;
    return `Upsample ${mode}, ${size === undefined ? `× ${formatSizes(scaleFactor!)}` : formatSizes(size)}`;
  }
}

/** The options of `UpsamplingNearest2d` and `UpsamplingBilinear2d`; one of the two. */
export interface UpsamplingOptions {
  /** The new height and width, or one number for both. Default: from scaleFactor. */
  readonly size?: number | readonly number[];
  /** How many times as large. Default: from size. */
  readonly scaleFactor?: number | readonly number[];
}

const upsamplingKinds = { size: "integers", scaleFactor: "numbers" } as const;

/** @throws ErmineError ERMINE_SHAPE where it is no batch of images */
function checkImages(x: Tensor): void {
  checkTensor("forward", x);
  if (x.rank !== 4) throw new ErmineError("ERMINE_SHAPE", `takes (N, C, H, W), got ${formatShape(x.shape)}.`);
}

/**
 * (N, C, H, W) → (N, C, H′, W′), each pixel the nearest: `Upsample` with mode "nearest".
 *
 * @example
 * new UpsamplingNearest2d({ scaleFactor: 2 }).forward(tensor([[[[1, 2]]]])); // => [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]
 */
export class UpsamplingNearest2d extends Upsample {
  constructor(options: UpsamplingOptions) {
    checkArguments("UpsamplingNearest2d", arguments, 1);
    requireOptions("UpsamplingNearest2d", options, upsamplingKinds);
    super({ ...options, mode: "nearest" });
  }

  override forward(x: Tensor): Tensor<"real"> {
    checkImages(x);
    return super.forward(x);
  }
}

/**
 * (N, C, H, W) → (N, C, H′, W′), interpolated with the corners where they are: `Upsample` with mode "bilinear" and `alignCorners: true`.
 *
 * @example
 * new UpsamplingBilinear2d({ size: [1, 3] }).forward(tensor([[[[0, 1]]]])); // => [[[[0, 0.5, 1]]]]
 */
export class UpsamplingBilinear2d extends Upsample {
  constructor(options: UpsamplingOptions) {
    checkArguments("UpsamplingBilinear2d", arguments, 1);
    requireOptions("UpsamplingBilinear2d", options, upsamplingKinds);
    super({ ...options, mode: "bilinear", alignCorners: true });
  }

  override forward(x: Tensor): Tensor<"real"> {
    checkImages(x);
    return super.forward(x);
  }
}

/** The last three axes split, permuted, and merged. */
function turned(x: Tensor, apart: readonly Size[], order: readonly number[], joined: readonly Size[]): Tensor {
  const lead = x.shape.slice(0, -3);
  const axes = [...lead.map((_, i) => i), ...order.map((axis) => lead.length + axis)];
  return reshape(permute(reshape(x, [...lead, ...apart]), axes), [...lead, ...joined]);
}

/**
 * (…, C · r², H, W) → (…, C, H · r, W · r): channels become finer pixels, r = `upscaleFactor`. Source: Shi et al. 2016.
 *
 * @example
 * new PixelShuffle(2).forward(zeros([1, 8, 3, 3])).shape; // => [1, 2, 6, 6]
 */
export class PixelShuffle extends Module {
  /** How many times larger height and width become. */
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number) {
    checkArguments("PixelShuffle", arguments, 1);
    super();
    checkSize("PixelShuffle", "upscaleFactor", upscaleFactor);
    this.upscaleFactor = upscaleFactor;
  }

  forward(x: Tensor): Tensor {
    checkTensor("forward", x);
    const r = this.upscaleFactor;
    const [channels, height, width] = x.shape.slice(-3) as [Size, Size, Size];
    const fewer = x.rank < 3 ? undefined : divSizes(channels, r * r);
    if (fewer === undefined) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects channels that ${r}² divides on the third axis from the end, got ${formatShape(x.shape)}.`,
      );
    }
    return turned(x, [fewer, r, r, height, width], [0, 3, 1, 4, 2], [fewer, mulSizes(height, r), mulSizes(width, r)]);
  }
}

/**
 * (…, C, H · r, W · r) → (…, C · r², H, W): the inverse of PixelShuffle, r = `downscaleFactor`.
 *
 * @example
 * new PixelUnshuffle(2).forward(zeros([1, 2, 6, 6])).shape; // => [1, 8, 3, 3]
 */
export class PixelUnshuffle extends Module {
  /** How many times smaller height and width become. */
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number) {
    checkArguments("PixelUnshuffle", arguments, 1);
    super();
    checkSize("PixelUnshuffle", "downscaleFactor", downscaleFactor);
    this.downscaleFactor = downscaleFactor;
  }

  forward(x: Tensor): Tensor {
    checkTensor("forward", x);
    const r = this.downscaleFactor;
    const [channels, height, width] = x.shape.slice(-3) as [Size, Size, Size];
    const [h, w] = x.rank < 3 ? [undefined, undefined] : [divSizes(height, r), divSizes(width, r)];
    if (h === undefined || w === undefined) {
      throw new ErmineError("ERMINE_SHAPE", `expects a height and a width that ${r} divides, got ${formatShape(x.shape)}.`);
    }
    return turned(x, [channels, h, r, w, r], [0, 2, 4, 1, 3], [mulSizes(channels, r * r), h, w]);
  }
}
