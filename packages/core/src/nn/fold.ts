/** Windows of an image as columns, and columns put back, as PyTorch lays them: channels and a window's elements are one axis. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { reshape } from "../ops/shape.js";
import { eachAxis, fold, overBatch, unfold } from "../ops/window.js";
import { divSizes, formatShape, mulSizes } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { formatSizes } from "./size.js";

/** The options of `Unfold` and `Fold`, each a number for both axes, or one for each. */
export interface FoldOptions {
  /** The distance of two elements of a window. Default 1. */
  readonly dilation?: number | readonly number[];
  /** Zeros around the image. Default 0. */
  readonly padding?: number | readonly number[];
  /** The distance of two windows. Default 1. */
  readonly stride?: number | readonly number[];
}

const names = { dilation: "integers", padding: "integers", stride: "integers" } as const;

/** The options, each checked. */
function checkFoldOptions(where: string, options: FoldOptions, axes: number, before: readonly unknown[]): void {
  checkOptions(where, options, names, before);
  for (const [name, least] of [
    ["dilation", 1],
    ["padding", 0],
    ["stride", 1],
  ] as const)
    if (options[name] !== undefined) eachAxis(where, name, options[name], axes, least);
}

const sizesOf = (where: string, name: string, size: number | readonly number[]): readonly number[] => {
  checkArgument(`${where}(${name})`, name, size, "integers");
  return eachAxis(where, name, size, typeof size === "number" ? 2 : size.length, 1);
};

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/**
 * All windows of an image, as columns: (N, C, H, W) → (N, C · Π kernelSize, L), or without N; L are the windows, row by row. A list of another length says as many spatial axes.
 *
 * @example
 * new Unfold(2).forward(zeros([1, 3, 4, 4])).shape; // => [1, 12, 9]
 */
export class Unfold extends Module {
  /** The window's size, for each axis. */
  readonly kernelSize: readonly number[];
  /** How it moves. */
  readonly options: FoldOptions;

  constructor(kernelSize: number | readonly number[], options: FoldOptions = {}) {
    checkArguments("Unfold", arguments, 2);
    super();
    this.kernelSize = sizesOf("Unfold", "kernelSize", kernelSize);
    checkFoldOptions("Unfold", options, this.kernelSize.length, [kernelSize]);
    this.options = options;
  }

  forward(x: Tensor): Tensor<"real"> {
    return overBatch("forward", x, this.kernelSize.length, (t) => {
      const columns = unfold(t, this.kernelSize, this.options);
      const [batch, channels, elements, positions] = columns.shape;
      return reshape(columns, [batch!, mulSizes(channels!, elements!), positions!]);
    });
  }

  override describe(): string {
    return `Unfold ${formatSizes(this.kernelSize)}`;
  }
}

/**
 * Columns added up where they were cut from: (N, C · Π kernelSize, L) → (N, C, …outputSize), or without N. The adjoint of `Unfold`.
 *
 * @example
 * new Fold([4, 4], 2).forward(ones([1, 12, 9])).shape; // => [1, 3, 4, 4]
 */
export class Fold extends Module {
  /** The image's size, for each axis. */
  readonly outputSize: readonly number[];
  /** The window's size, for each axis. */
  readonly kernelSize: readonly number[];
  /** How it moves. */
  readonly options: FoldOptions;

  constructor(outputSize: number | readonly number[], kernelSize: number | readonly number[], options: FoldOptions = {}) {
    checkArguments("Fold", arguments, 3);
    super();
    this.outputSize = sizesOf("Fold", "outputSize", outputSize);
    const axes = this.outputSize.length;
    checkArgument("Fold(outputSize, kernelSize)", "kernelSize", kernelSize, "integers");
    this.kernelSize = eachAxis("Fold", "kernelSize", kernelSize, axes, 1);
    checkFoldOptions("Fold", options, axes, [outputSize, kernelSize]);
    this.options = options;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    const elements = product(this.kernelSize);
    const channels = x.rank === 2 || x.rank === 3 ? divSizes(x.shape.at(-2)!, elements) : undefined;
    if (channels === undefined)
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects (N, C · ${elements}, L) or (C · ${elements}, L) for windows of ${formatSizes(this.kernelSize)}, got ${formatShape(x.shape)}.`,
      );
    const positions = x.shape.at(-1)!;
    const batch = x.rank === 3 ? x.shape[0]! : 1;
    const image = fold(reshape(x, [batch, channels, elements, positions]), this.outputSize, this.kernelSize, this.options);
    return x.rank === 3 ? image : reshape(image, image.shape.slice(1));
  }

  override describe(): string {
    return `Fold ${formatSizes(this.outputSize)}, ${formatSizes(this.kernelSize)}`;
  }
}
