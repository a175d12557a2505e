/** Numbers dropped at random in training. */
import { ErmineError } from "../errors.js";
import { mul } from "../ops/arithmetic.js";
import { greaterEqual } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { drawUniform } from "../random/generator.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/**
 * In training each number becomes 0 with probability p, the others are divided by 1 − p, so that the mean stays; in evaluation
 * nothing happens. p defaults to 0.5. Source: Srivastava et al. 2014.
 */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p <= 1)) throw new ErmineError("ERMINE_OPTION", `Dropout: p is a probability in [0, 1], got ${String(p)}.`);
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    const kept = greaterEqual(drawUniform(x.shape, "dropout"), this.p);
    return where(kept, mul(x, this.p === 1 ? 0 : 1 / (1 - this.p)), 0);
  }

  override describe(): string {
    return `Dropout ${this.p}`;
  }
}
