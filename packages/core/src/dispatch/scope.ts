/**
 * Lifetimes of eager tensors. A garbage collector runs no finalizer inside a synchronous loop, so regions free: everything
 * made inside `scope(fn)` that it does not return is released when it ends.
 */
import { checkFunction } from "../types/options.js";
import { tapesHold } from "./tape.js";
import { ErmineError } from "../types/errors.js";
import { leaves } from "../types/tree.js";
import { release, Tensor } from "../types/tensor.js";

const regions: Set<Tensor>[] = [];

/** The unscoped live bytes at which one warning names `scope`. */
const highWaterMark = 1 << 30;
const highWaterCount = 200_000;
let unscoped = 0;
let unscopedBytes = 0;
let warned = false;
const sites = new Map<string, number>();

/** @internal Every new eager tensor passes here once. */
export function adopt<T extends Tensor>(t: T, bytes: number): T {
  const region = regions[regions.length - 1];
  if (region !== undefined) region.add(t);
  else noteUnscoped(t, bytes);
  return t;
}

/** Counts what lives on a backend outside of any scope. (Host numbers need no finalizer.) */
function noteUnscoped(t: Tensor, bytes: number): void {
  const leftover = t.state.kind === "eager" ? t.state.leftover : undefined;
  if (leftover === undefined || leftover.unscoped > 0) return;
  leftover.unscoped = Math.max(bytes, 1);
  unscoped++;
  unscopedBytes += leftover.unscoped;
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
    `ermine: ${unscoped} live tensors were made outside of any scope, the last ${t.dtype}[${t.shape.join(", ")}]` +
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

/**
 * Runs `fn` and frees every tensor made inside but those that it returns (anywhere in a tree) or that `keep` holds.
 *
 * @throws ErmineError ERMINE_USAGE where fn is async: its tensors would be freed before it ends
 */
export function scope<T>(fn: () => T): T {
  checkFunction("scope", fn, "scope(() => f(x)): what fn makes is freed, so it must make it inside");
  const region = new Set<Tensor>();
  regions.push(region);
  let result: T | undefined;
  let returned = false;
  try {
    result = fn();
    returned = true;
  } finally {
    regions.pop();
    // By state, not by tensor: a view under another domain shares it.
    const escaping = new Set<object>(
      returned ? leaves(result).flatMap((leaf) => (leaf instanceof Tensor ? [leaf.state] : [])) : [],
    );
    const outer = regions[regions.length - 1];
    for (const t of region) {
      if (t.state.kind === "traced" || t.state.kept) continue;
      if (escaping.has(t.state) || (outer !== undefined && tapesHold(t.state))) {
        if (outer !== undefined) outer.add(t);
        else noteUnscoped(t, 4 * t.size);
      } else release(t);
    }
  }
  if (result instanceof Promise) {
    throw new ErmineError(
      "ERMINE_USAGE",
      "scope(fn) frees when fn returns, so fn cannot be async. Put the scope around the synchronous part.",
    );
  }
  return result as T;
}

/** Holds a tensor beyond the end of every scope, until its `dispose()`. */
export function keep<T extends Tensor>(t: T): T {
  if (t.state.kind === "eager") t.state.kept = true;
  return t;
}
