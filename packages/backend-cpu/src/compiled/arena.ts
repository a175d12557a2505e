/** Room for values while a program runs: byte ranges of one block. */
import type { Value } from "@ermine/core/backend";
import { sizeOf } from "../lower/operand.js";

/** The words of a value whose sizes are numbers. */
export const wordsOf = (value: Value): number => sizeOf(value.type.shape as readonly number[]);

/** Byte ranges that are taken for a while, first fit. */
export class Arena {
  bytes = 0;
  #busy: { readonly from: number; readonly to: number; until: number }[] = [];

  /** Room for that many words until after the op at `until`. */
  take(words: number, until: number): number {
    // 16 bytes after the end, for the last vector.
    const size = Math.ceil((words * 4 + 16) / 16) * 16;
    let from = 0;
    let before = 0;
    for (; before < this.#busy.length; before++) {
      const other = this.#busy[before]!;
      if (other.from - from >= size) break;
      from = Math.max(from, other.to);
    }
    // By address, as every range is put in where it fits.
    this.#busy.splice(before, 0, { from, to: from + size, until });
    this.bytes = Math.max(this.bytes, from + size);
    return from;
  }

  /** The range at `from` goes on to another value. */
  keep(from: number, until: number): void {
    this.#busy.find((range) => range.from === from)!.until = until;
  }

  /** Gives up what no op from `now` on reads. */
  free(now: number): void {
    this.#busy = this.#busy.filter(({ until }) => until >= now);
  }
}
