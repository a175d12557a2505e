/** Choices of a generator: the same for the same seed. */
import { uniform } from "../laws/draw.js";

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = uniform(seed);
    // Neighbouring seeds start alike.
    for (let i = 0; i < 4; i++) this.#next();
  }

  /** In (0, 1). */
  uniform(): number {
    return this.#next();
  }

  /** A whole number in low … high. */
  integer(low: number, high: number): number {
    return low + Math.floor((high - low + 1) * this.#next());
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(list.length * this.#next())]!;
  }

  /** One of the items, each as likely as its weight. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T {
    let at = list.reduce((sum, { weight }) => sum + weight, 0) * this.#next();
    for (const item of list) if ((at -= item.weight) < 0) return item;
    return list[list.length - 1]!;
  }

  /** The list in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }
}
