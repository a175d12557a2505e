/** Work cut into parts that threads can take. Where the cuts lie depends on shapes alone, so results do not depend on threads. */
import type { Emitter } from "../emitter.js";

/** Multiply-adds (or numbers moved, a few times over) that are worth a part of their own, and the most parts. */
const worth = 500_000;
const most = 8;

/** Calls `part` for ranges of `count` units, which together are `total` multiply-adds. */
export function inParts(e: Emitter, total: number, count: number, part: (from: number, to: number) => void): void {
  const parts = Math.max(1, Math.min(count, most, Math.floor(total / worth)));
  e.fork(parts, (i) => part(Math.floor((i * count) / parts), Math.floor(((i + 1) * count) / parts)));
}
