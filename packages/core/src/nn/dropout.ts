/** Numbers, or whole channels, dropped at random in training. In evaluation nothing happens. */
import { ErmineError } from "../types/errors.js";
import { add, mul } from "../ops/arithmetic.js";
import { greaterEqual } from "../ops/comparison.js";
import { full } from "../ops/creation.js";
import { where } from "../ops/where.js";
import { drawUniform } from "../random/generator.js";
import { formatShape, type Shape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { checkProbability } from "./size.js";
import { checkArguments } from "../types/arguments.js";

abstract class Drop extends Module {
  /** The probability of being dropped. */
  readonly p: number;
  readonly #name: string;

  constructor(name: string, p: number) {
    super();
    checkProbability(name, "p", p);
    this.p = p;
    this.#name = name;
  }

  /** The shape of the draw: 1 where neighbours share their fate. */
  protected abstract drawn(x: Tensor): Shape;

  protected drop(x: Tensor, keepMask: Tensor): Tensor {
    return where(keepMask, mul(x, this.p === 1 ? 0 : 1 / (1 - this.p)), 0);
  }

  forward(x: Tensor): Tensor {
    checkTensor("forward", x);
    if (!this.training || this.p === 0) return x;
    const shape = this.drawn(x);
    return this.drop(x, this.p === 1 ? full(shape, 0, { dtype: "bool" }) : greaterEqual(drawUniform(shape, "dropout"), this.p));
  }

  override describe(): string {
    return `${this.#name} ${this.p}`;
  }
}

/**
 * In training each number becomes 0 with probability p, the others are divided by 1 − p, so that the mean stays. p defaults to 0.5.
 * Source: Srivastava et al. 2014.
 *
 * @example
 * new Dropout(0.5).eval().forward(tensor([1, 2])); // => [1, 2]
 */
export class Dropout extends Drop {
  constructor(p = 0.5) {
    checkArguments("Dropout", arguments, 1);
    super("Dropout", p);
  }

  protected override drawn(x: Tensor): Shape {
    return x.shape;
  }
}

/** Whole channels of (N, C, …size) or (C, …size). */
const channels = (x: Tensor, spatial: number): Shape => {
  const lead = x.rank - spatial;
  if (lead !== 1 && lead !== 2) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `takes (N, C) or (C) and ${spatial} spatial ax${spatial === 1 ? "is" : "es"}, got ${formatShape(x.shape)}.`,
    );
  }
  return x.shape.map((size, i) => (i < lead ? size : 1));
};

/** Dropout of whole channels. Source: Tompson et al. 2015. */
abstract class DropChannels extends Drop {
  readonly #spatial: number;

  constructor(spatial: number, p: number) {
    super(`Dropout${spatial}d`, p);
    this.#spatial = spatial;
  }

  protected override drawn(x: Tensor): Shape {
    return channels(x, this.#spatial);
  }
}

/**
 * Over (N, C, L) or (C, L).
 *
 * @example
 * new Dropout1d(0.5).eval().forward(zeros([2, 3, 4])).shape; // => [2, 3, 4]
 */
export class Dropout1d extends DropChannels {
  constructor(p = 0.5) {
    checkArguments("Dropout1d", arguments, 1);
    super(1, p);
  }
}

/**
 * Over (N, C, H, W) or (C, H, W).
 *
 * @example
 * new Dropout2d(0.5).eval().forward(zeros([2, 3, 4, 4])).shape; // => [2, 3, 4, 4]
 */
export class Dropout2d extends DropChannels {
  constructor(p = 0.5) {
    checkArguments("Dropout2d", arguments, 1);
    super(2, p);
  }
}

/**
 * Over (N, C, D, H, W) or (C, D, H, W).
 *
 * @example
 * new Dropout3d(0.5).eval().forward(zeros([2, 3, 4, 4, 4])).shape; // => [2, 3, 4, 4, 4]
 */
export class Dropout3d extends DropChannels {
  constructor(p = 0.5) {
    checkArguments("Dropout3d", arguments, 1);
    super(3, p);
  }
}

/** The limit of SELU at −∞. */
const saturation = -1.7580993408473766;

class AlphaDrop extends Drop {
  protected override drawn(x: Tensor): Shape {
    return x.shape;
  }

  protected override drop(x: Tensor, keepMask: Tensor): Tensor {
    const { p } = this;
    const scale = p === 1 ? 0 : 1 / Math.sqrt((1 - p) * (1 + p * saturation ** 2));
    return add(mul(where(keepMask, x, saturation), scale), -scale * saturation * p);
  }
}

/**
 * Dropout for SELU: a dropped number becomes SELU's saturation −1.758, and an affine map brings mean and variance back to 0 and 1. Source:
 * Klambauer et al. 2017.
 *
 * @example
 * new AlphaDropout(0.5).eval().forward(tensor([1, 2])); // => [1, 2]
 */
export class AlphaDropout extends AlphaDrop {
  constructor(p = 0.5) {
    checkArguments("AlphaDropout", arguments, 1);
    super("AlphaDropout", p);
  }
}

/**
 * AlphaDropout of whole channels: (N, C, …size).
 *
 * @example
 * new FeatureAlphaDropout(0.5).eval().forward(zeros([2, 3, 4])).shape; // => [2, 3, 4]
 */
export class FeatureAlphaDropout extends AlphaDrop {
  constructor(p = 0.5) {
    checkArguments("FeatureAlphaDropout", arguments, 1);
    super("FeatureAlphaDropout", p);
  }

  protected override drawn(x: Tensor): Shape {
    if (x.rank < 2) throw new ErmineError("ERMINE_SHAPE", `takes (N, C, …size), got ${formatShape(x.shape)}.`);
    return x.shape.map((size, i) => (i < 2 ? size : 1));
  }
}
