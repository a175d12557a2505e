/** Pooling to a size that is given: output i is the mean over ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ of each axis. */
import { ErmineError } from "../errors.js";
import { matmul } from "../ops/matmul.js";
import { tensor } from "../ops/creation.js";
import { transpose } from "../ops/shape.js";
import { formatShape } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** A matrix (n, m) whose columns take the mean of their part. */
function parts(n: number, m: number): Tensor {
  const weights = new Float32Array(n * m);
  for (let i = 0; i < m; i++) {
    const [from, to] = [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)];
    for (let j = from; j < to; j++) weights[j * m + i] = 1 / (to - from);
  }
  return tensor(weights, { shape: [n, m] });
}

/** (N, C, …size) → (N, C, …outputSize); null keeps an axis as it is. */
abstract class AdaptiveAvgPool extends Module {
  readonly outputSize: readonly (number | null)[];
  readonly #name: string;

  constructor(name: string, spatial: number, outputSize: number | readonly (number | null)[]) {
    super();
    this.outputSize = typeof outputSize === "number" ? Array.from({ length: spatial }, () => outputSize) : [...outputSize];
    this.#name = name;
    const fits = this.outputSize.every((size) => size === null || (Number.isInteger(size) && size >= 1));
    if (this.outputSize.length !== spatial || !fits) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${name}: outputSize is a whole number ≥ 1, or ${spatial} of them (null: as it is), got ${JSON.stringify(outputSize)}.`,
      );
    }
  }

  forward(x: Tensor): Tensor {
    const spatial = this.outputSize.length;
    if (x.rank !== spatial + 2) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${this.#name} takes (N, C) and ${spatial} spatial axes, got ${formatShape(x.shape)}.`,
      );
    }
    // One axis after the other, each as a product with a small matrix: the mean of a box is the mean of its rows' means.
    return this.outputSize.reduce((pooled: Tensor, size, i) => {
      const n = pooled.shape[i + 2] as number;
      if (size === null || size === n) return pooled;
      const last = i + 2 === pooled.rank - 1;
      const product = matmul(last ? pooled : transpose(pooled, i + 2, -1), parts(n, size));
      return last ? product : transpose(product, i + 2, -1);
    }, x);
  }

  override describe(): string {
    return `${this.#name} ${this.outputSize.join("×")}`;
  }
}

export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  constructor(outputSize: number | readonly (number | null)[]) {
    super("AdaptiveAvgPool1d", 1, outputSize);
  }
}

export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  constructor(outputSize: number | readonly (number | null)[]) {
    super("AdaptiveAvgPool2d", 2, outputSize);
  }
}

export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  constructor(outputSize: number | readonly (number | null)[]) {
    super("AdaptiveAvgPool3d", 3, outputSize);
  }
}
