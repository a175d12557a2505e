/** Where an op's work is cut for threads: by its sizes alone, so that every number of threads gives the same bits. */
import type { Emitter } from "../emitter.js";

/** Numbers that one part goes through: some 4 µs of simple work, beside 0.2 µs for handing it out. */
const grain = 16384;
const mostRanges = 64;

/** Multiply-adds (or numbers moved, a few times over) that are worth a part with scratch of its own, and the most parts. */
const worth = 500_000;
const mostParts = 8;

/**
 * Emits work on `count` items as ranges of them.
 *
 * @param cost numbers that an item stands for, weighed by how long one takes beside an addition
 * @param multiple items that stay together; 4 where an instruction's last vector may run over its end
 */
export function splitRange(
  e: Emitter,
  count: number,
  cost: number,
  multiple: number,
  emit: (from: number, size: number) => void,
): void {
  const target = Math.max(grain / Math.max(1, cost), count / mostRanges);
  const size = Math.max(multiple, Math.ceil(target / multiple) * multiple);
  e.fork(Math.max(1, Math.ceil(count / size)), (part) => emit(part * size, Math.min(size, count - part * size)));
}

/** Emits work on `count` units, which together are `total` multiply-adds, as few parts of about the same size. */
export function inParts(e: Emitter, total: number, count: number, emit: (from: number, to: number) => void): void {
  const parts = Math.max(1, Math.min(count, mostParts, Math.floor(total / worth)));
  e.fork(parts, (i) => emit(Math.floor((i * count) / parts), Math.floor(((i + 1) * count) / parts)));
}
