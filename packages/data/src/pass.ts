/** Which pass over the data it is, and what each item is told of its place in it. */
import { hashKey, randomUniform24 } from "@ermine/core";

/** One pass over the data. */
export interface Pass {
  /** From 0. */
  readonly epoch: number;
  /** Decides all that is random in the pass, together with the epoch. undefined: the source's own order. */
  readonly seed: number | undefined;
}

/** A pass in the source's own order. */
export const plainPass: Pass = { epoch: 0, seed: undefined };

/** Where an item is: what a function that is mapped over items may depend on, besides the item. */
export class ItemContext implements Pass {
  readonly epoch: number;
  readonly seed: number | undefined;
  /** Of a sequence: the item's index. Of a stream: how many came before it in this pass. */
  readonly index: number;
  #numbers: Float32Array = new Float32Array(0);
  #drawn = 0;

  constructor({ epoch, seed }: Pass, index: number) {
    this.epoch = epoch;
    this.seed = seed;
    this.index = index;
  }

  /**
   * A random number in [0, 1): the next one of a row that seed, epoch and index determine, in whatever order items are asked for. Without a
   * seed it is that of seed 0.
   */
  random(): number {
    const block = 16;
    const at = this.#drawn % block;
    if (at === 0) {
      const key = hashKey(this.seed ?? 0, "augment", this.epoch);
      this.#numbers = randomUniform24(block, key, { step: this.index, microBatch: this.#drawn / block, first: 0 });
    }
    this.#drawn++;
    return this.#numbers[at]!;
  }
}
