/** Shuffles a stream of unknown length: a few items are held, and each that comes is exchanged for a random one of them. */
import { ErmineError, randomUniform24, type Key } from "@ermine/core";
import { checkArgument, checkArguments, show } from "@ermine/core/define";

/**
 * Holds `size` items. Each further one takes the place of a random one of them, which goes on; at the end the others follow in random order. The
 * order depends on the key alone. It needs the memory of `size` items, and mixes only what is about `size` items apart.
 *
 * @example
 * const buffer = new ShuffleBuffer<number>(2, hashKey(0, "shuffle"));
 * const order = [1, 2, 3, 4].flatMap((item) => buffer.exchange(item) ?? []);
 * [...order, ...buffer.drain()].sort((a, b) => a - b); // => [1, 2, 3, 4]
 */
export class ShuffleBuffer<T> {
  readonly #size: number;
  readonly #key: Key;
  readonly #held: T[] = [];
  #numbers: Float32Array = new Float32Array(0);
  #drawn = 0;

  /** @param key of the pass: `hashKey(seed, "shuffle buffer", epoch)` */
  constructor(size: number, key: Key) {
    if (arguments.length > 2) checkArguments("ShuffleBuffer", arguments, 2);
    checkArgument("ShuffleBuffer(size, key)", "size", size, "integer");
    if (size < 0) throw new ErmineError("ERMINE_OPTION", `ShuffleBuffer: size is a whole number ≥ 0, got ${size}.`);
    checkArgument("ShuffleBuffer(size, key)", "key", key, "list");
    if (key.length !== 2 || !key.every(Number.isInteger))
      throw new ErmineError("ERMINE_OPTION", `ShuffleBuffer: key is two whole numbers, as hashKey makes it, got ${show(key)}.`);
    this.#size = size;
    this.#key = key;
  }

  /**
   * Holds the item.
   *
   * @returns the item that was held in its place; undefined while the buffer fills
   */
  exchange(item: T): T | undefined {
    if (this.#held.length < this.#size) {
      this.#held.push(item);
      return undefined;
    }
    const place = this.#next();
    const previousItem = this.#held[place]!;
    this.#held[place] = item;
    return previousItem;
  }

  /** Removes and yields the remaining items, in random order. */
  *drain(): Iterable<T> {
    while (this.#held.length > 0) {
      const place = this.#next();
      const item = this.#held[place]!;
      this.#held[place] = this.#held.at(-1)!;
      this.#held.pop();
      yield item;
    }
  }

  #next(): number {
    const block = 1024;
    const at = this.#drawn % block;
    if (at === 0) this.#numbers = randomUniform24(block, this.#key, { step: this.#drawn / block, microBatch: 0, first: 0 });
    this.#drawn++;
    return Math.floor(this.#numbers[at]! * this.#held.length);
  }
}
