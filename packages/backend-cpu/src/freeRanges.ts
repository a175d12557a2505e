/** Free byte ranges, by address: neighbours are joined, a request takes the smallest range that holds it and leaves the rest. */

interface Range {
  from: number;
  to: number;
}

export class FreeRanges {
  /** By address; no two touch. */
  #ranges: Range[] = [];

  get bytes(): number {
    return this.#ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  get count(): number {
    return this.#ranges.length;
  }

  /** The start of `size` bytes that were free, or undefined where no range is so long. */
  take(size: number): number | undefined {
    let best: Range | undefined;
    for (const range of this.#ranges) {
      const length = range.to - range.from;
      if (length >= size && (best === undefined || length < best.to - best.from)) best = range;
    }
    if (best === undefined) return undefined;
    const { from } = best;
    best.from += size;
    if (best.from === best.to) this.#ranges.splice(this.#ranges.indexOf(best), 1);
    return from;
  }

  /** Adds ranges in any order, as [from, size]. */
  add(freed: readonly (readonly [from: number, size: number])[]): void {
    const all = [...this.#ranges, ...freed.map(([from, size]) => ({ from, to: from + size }))].sort((a, b) => a.from - b.from);
    const joined: Range[] = [];
    for (const range of all) {
      const last = joined.at(-1);
      if (last !== undefined && last.to === range.from) last.to = range.to;
      else joined.push(range);
    }
    this.#ranges = joined;
  }

  /** Gives up the range that ends at `end`, if there is one: its start. */
  takeLast(end: number): number | undefined {
    const last = this.#ranges.at(-1);
    if (last?.to !== end) return undefined;
    this.#ranges.pop();
    return last.from;
  }
}
