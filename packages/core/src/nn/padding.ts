/** Padding layers over one, two and three last axes: one class, named by mode and rank. */
import { show } from "../types/options.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { pad, type PaddingMode } from "../ops/padding.js";
import { formatShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";

/** One width for all sides, or [left, right, top, bottom, front, back]: the last axis first, as PyTorch's. */
export type PaddingWidths = number | readonly number[];

/** (…, …size) → (…, …size + before + after) over its last axes. A negative width takes away. */
export interface PaddingLayer extends Module {
  forward(x: Tensor): Tensor<"real">;
}

class Padding extends Module implements PaddingLayer {
  readonly padding: readonly number[];
  readonly #name: string;
  readonly #mode: PaddingMode;
  readonly #value: number;

  constructor(name: string, spatial: number, mode: PaddingMode, padding: PaddingWidths, value: number) {
    super();
    const list = typeof padding === "number" ? Array<number>(2 * spatial).fill(padding) : padding;
    if (!Array.isArray(list) || list.length !== 2 * spatial || !list.every(Number.isInteger)) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${name}: padding is a whole number, or ${2 * spatial} of them (before and after, the last axis first), got ${show(padding)}.`,
      );
    }
    this.padding = [...list];
    this.#name = name;
    this.#mode = mode;
    this.#value = value;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    const spatial = this.padding.length / 2;
    if (x.rank < spatial) {
      throw new ErmineError("ERMINE_SHAPE", `expects at least ${spatial} axes, got ${formatShape(x.shape)}.`);
    }
    const widths = x.shape.map((_, axis) => {
      const fromEnd = x.rank - 1 - axis;
      return fromEnd < spatial ? ([this.padding[2 * fromEnd]!, this.padding[2 * fromEnd + 1]!] as const) : ([0, 0] as const);
    });
    return pad(x, widths, { mode: this.#mode, value: this.#value });
  }

  override describe(): string {
    return `${this.#name} ${this.padding.join(", ")}`;
  }
}

const layer = /* @__NO_SIDE_EFFECTS__ */ (
  name: string,
  spatial: number,
  mode: PaddingMode,
): new (padding: PaddingWidths) => PaddingLayer =>
  class extends Padding {
    constructor(padding: PaddingWidths) {
      checkArguments(name, arguments, 1, `new ${name}([${Array.from(arguments, show).join(", ")}])`);
      super(name, spatial, mode, padding, 0);
    }
  };

const constantLayer = /* @__NO_SIDE_EFFECTS__ */ (
  name: string,
  spatial: number,
): new (padding: PaddingWidths, value: number) => PaddingLayer =>
  class extends Padding {
    constructor(padding: PaddingWidths, value: number) {
      checkArguments(name, arguments, 2);
      super(name, spatial, "constant", padding, value);
      if (typeof value !== "number") {
        throw new ErmineError("ERMINE_OPTION", `${name}: value is a number, got ${show(value)}.`);
      }
    }
  };

/**
 * 0 around the last axis: [left, right], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ZeroPad1d([1, 2]).forward(tensor([[[1, 2, 3]]])); // => [[[0, 1, 2, 3, 0, 0]]]
 */
export const ZeroPad1d = layer("ZeroPad1d", 1, "constant");
/**
 * 0 around the last two axes: [left, right, top, bottom], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ZeroPad2d(1).forward(zeros([1, 3, 4, 4])).shape; // => [1, 3, 6, 6]
 */
export const ZeroPad2d = layer("ZeroPad2d", 2, "constant");
/**
 * 0 around the last three axes: [left, right, top, bottom, front, back], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ZeroPad3d(1).forward(zeros([1, 3, 4, 4, 4])).shape; // => [1, 3, 6, 6, 6]
 */
export const ZeroPad3d = layer("ZeroPad3d", 3, "constant");
/**
 * `value` around the last axis: [left, right], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ConstantPad1d([1, 2], 9).forward(tensor([[[1, 2, 3]]])); // => [[[9, 1, 2, 3, 9, 9]]]
 */
export const ConstantPad1d = constantLayer("ConstantPad1d", 1);
/**
 * `value` around the last two axes: [left, right, top, bottom], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ConstantPad2d(1, 9).forward(zeros([1, 3, 4, 4])).shape; // => [1, 3, 6, 6]
 */
export const ConstantPad2d = constantLayer("ConstantPad2d", 2);
/**
 * `value` around the last three axes: [left, right, top, bottom, front, back], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ConstantPad3d(1, 9).forward(zeros([1, 3, 4, 4, 4])).shape; // => [1, 3, 6, 6, 6]
 */
export const ConstantPad3d = constantLayer("ConstantPad3d", 3);
/**
 * Mirrored at its edge, which is not repeated, around the last axis: [left, right], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ReflectionPad1d([1, 2]).forward(tensor([[[1, 2, 3]]])); // => [[[2, 1, 2, 3, 2, 1]]]
 */
export const ReflectionPad1d = layer("ReflectionPad1d", 1, "reflect");
/**
 * Mirrored at its edge, which is not repeated, around the last two axes: [left, right, top, bottom], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ReflectionPad2d(1).forward(zeros([1, 3, 4, 4])).shape; // => [1, 3, 6, 6]
 */
export const ReflectionPad2d = layer("ReflectionPad2d", 2, "reflect");
/**
 * Mirrored at its edge, which is not repeated, around the last three axes: [left, right, top, bottom, front, back], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ReflectionPad3d(1).forward(zeros([1, 3, 4, 4, 4])).shape; // => [1, 3, 6, 6, 6]
 */
export const ReflectionPad3d = layer("ReflectionPad3d", 3, "reflect");
/**
 * Its edge repeated around the last axis: [left, right], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ReplicationPad1d([1, 2]).forward(tensor([[[1, 2, 3]]])); // => [[[1, 1, 2, 3, 3, 3]]]
 */
export const ReplicationPad1d = layer("ReplicationPad1d", 1, "replicate");
/**
 * Its edge repeated around the last two axes: [left, right, top, bottom], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ReplicationPad2d(1).forward(zeros([1, 3, 4, 4])).shape; // => [1, 3, 6, 6]
 */
export const ReplicationPad2d = layer("ReplicationPad2d", 2, "replicate");
/**
 * Its edge repeated around the last three axes: [left, right, top, bottom, front, back], or one width for all sides. A negative one takes away.
 *
 * @example
 * new ReplicationPad3d(1).forward(zeros([1, 3, 4, 4, 4])).shape; // => [1, 3, 6, 6, 6]
 */
export const ReplicationPad3d = layer("ReplicationPad3d", 3, "replicate");
/**
 * Its other end around the last axis: [left, right], or one width for all sides. A negative one takes away.
 *
 * @example
 * new CircularPad1d([1, 2]).forward(tensor([[[1, 2, 3]]])); // => [[[3, 1, 2, 3, 1, 2]]]
 */
export const CircularPad1d = layer("CircularPad1d", 1, "circular");
/**
 * Its other end around the last two axes: [left, right, top, bottom], or one width for all sides. A negative one takes away.
 *
 * @example
 * new CircularPad2d(1).forward(zeros([1, 3, 4, 4])).shape; // => [1, 3, 6, 6]
 */
export const CircularPad2d = layer("CircularPad2d", 2, "circular");
/**
 * Its other end around the last three axes: [left, right, top, bottom, front, back], or one width for all sides. A negative one takes away.
 *
 * @example
 * new CircularPad3d(1).forward(zeros([1, 3, 4, 4, 4])).shape; // => [1, 3, 6, 6, 6]
 */
export const CircularPad3d = layer("CircularPad3d", 3, "circular");
