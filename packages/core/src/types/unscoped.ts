/** How much is alive that was made outside of any scope; one warning where it becomes much. */
import type { TensorType } from "./storage.js";

interface Counted {
  /** How many bytes are counted; 0: none. */
  unscoped: number;
}

/** The unscoped live bytes at which one warning names `scope`. */
const highWaterMark = 1 << 30;
const highWaterCount = 200_000;
let unscoped = 0;
let unscopedBytes = 0;
let warned = false;
const sites = new Map<string, number>();

/** Counts what lives on a backend outside of any scope. (Host values need no finalizer.) */
export function noteUnscoped(held: Counted, { dtype, shape }: Pick<TensorType, "dtype" | "shape">, bytes: number): void {
  if (held.unscoped > 0) return;
  held.unscoped = Math.max(bytes, 1);
  unscoped++;
  unscopedBytes += held.unscoped;
  if (warned) return;
  if (unscoped % 1024 === 0) {
    const name = callingSite();
    sites.set(name, (sites.get(name) ?? 0) + 1);
  }
  if (unscopedBytes < highWaterMark && unscoped < highWaterCount) return;
  warned = true;
  const largest = [...sites]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([site]) => site);
  console.warn(
    `ermine: ${unscoped} live tensors were made outside of any scope, the last ${dtype}[${shape.join(", ")}]` +
      `${largest.length > 0 ? `, most of them ${largest.join("; ")}` : ""}. The garbage collector cannot free them inside a ` +
      "synchronous loop: wrap each turn in scope(() => { … }), which frees all that it does not return.",
  );
}

/** The first line of the stack that is outside of core. */
function callingSite(): string {
  const limited = Error as { stackTraceLimit?: number };
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = 50;
  const lines = new Error().stack?.split("\n").slice(1) ?? [];
  if (limit !== undefined) limited.stackTraceLimit = limit;
  return lines.find((line) => !/[\\/]core[\\/](src|dist)[\\/]|<anonymous>/.test(line))?.trim() ?? "an unknown place";
}

/** @internal A tensor that was counted is gone. */
export function noteFreed(bytes: number): void {
  unscoped--;
  unscopedBytes -= bytes;
}
