/** Axes merged into one, and one split into several. */
import { show } from "../types/options.js";
import { ErmineError } from "../types/errors.js";
import { flatten, reshape } from "../ops/shape.js";
import { formatShape, normalizeAxis } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { checkArgument, checkArguments } from "../types/arguments.js";

/**
 * Joins the axes from `startAxis` (default 1, after the batch) to `endAxis` (default −1).
 *
 * @example
 * new Flatten().forward(zeros([2, 3, 4])).shape; // => [2, 12]
 */
export class Flatten extends Module {
  /** The first axis that is joined. */
  readonly startAxis: number;
  /** The last axis that is joined. */
  readonly endAxis: number;

  constructor(startAxis = 1, endAxis = -1) {
    checkArguments("Flatten", arguments, 2);
    super();
    checkArgument("Flatten(startAxis, endAxis)", "startAxis", startAxis, "integer");
    checkArgument("Flatten(startAxis, endAxis)", "endAxis", endAxis, "integer");
    this.startAxis = startAxis;
    this.endAxis = endAxis;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.startAxis, this.endAxis);
  }
}

/**
 * Splits `axis` into axes of those sizes, of which one may be −1: what is left.
 *
 * @example
 * new Unflatten(1, [3, -1]).forward(zeros([2, 12])).shape; // => [2, 3, 4]
 */
export class Unflatten extends Module {
  /** The axis that is split. */
  readonly axis: number;
  /** Into which sizes. */
  readonly sizes: readonly number[];

  constructor(axis: number, sizes: readonly number[]) {
    checkArguments("Unflatten", arguments, 2);
    super();
    if (!Array.isArray(sizes) || sizes.length === 0 || !sizes.every((size) => Number.isInteger(size) && size >= -1)) {
      throw new ErmineError("ERMINE_OPTION", `Unflatten: sizes lists whole numbers, one of them may be -1, got ${show(sizes)}.`);
    }
    checkArgument("Unflatten(axis, sizes)", "axis", axis, "integer");
    this.axis = axis;
    this.sizes = sizes;
  }

  forward(x: Tensor): Tensor {
    checkTensor("forward", x);
    const at = normalizeAxis("Unflatten", this.axis, x.rank);
    const statedSize = this.sizes.filter((size) => size >= 0).reduce((a, b) => a * b, 1);
    const whole = x.shape[at]!;
    const open = this.sizes.filter((size) => size < 0).length;
    if (open === 1 && typeof whole === "number" && statedSize > 0 && whole % statedSize === 0) {
      const sizes = this.sizes.map((size) => (size < 0 ? whole / statedSize : size));
      return reshape(x, [...x.shape.slice(0, at), ...sizes, ...x.shape.slice(at + 1)]);
    }
    if (open > 0 || whole !== statedSize) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `axis ${at} of ${formatShape(x.shape)} cannot be taken apart into ${formatShape(this.sizes)}.`,
      );
    }
    return reshape(x, [...x.shape.slice(0, at), ...this.sizes, ...x.shape.slice(at + 1)]);
  }

  override describe(): string {
    return `Unflatten axis ${this.axis} to ${this.sizes.join("×")}`;
  }
}
