/**
 * Lifetimes of eager tensors. A garbage collector runs no finalizer inside a synchronous loop, so regions free: everything
 * made inside `scope(fn)` that it does not return is released when it ends.
 */
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkFunction, checkMapped } from "../types/arguments.js";
import { checkTensor, release, Tensor } from "../types/tensor.js";
import { leaves } from "../types/tree.js";
import { noteUnscoped } from "../types/unscoped.js";
import { context } from "./context.js";
import { tapesHold } from "./tapes.js";

/** @internal Every new eager tensor passes here once. */
export function adopt<T extends Tensor>(t: T, bytes: number): T {
  if (context.region !== undefined) context.region.add(t);
  else countUnscoped(t, bytes);
  return t;
}

/** Host elements need no finalizer and are not counted. */
function countUnscoped(t: Tensor, bytes: number): void {
  if (t.state.kind === "eager" && t.state.held !== undefined) noteUnscoped(t.state.held, t, bytes);
}

/**
 * Runs `fn` and frees every tensor made inside but those that it returns (anywhere in a tree) or that `keep` holds.
 *
 * @throws ErmineError ERMINE_USAGE where fn is async: its tensors would be freed before it ends
 */
export function scope<T>(fn: () => T): T {
  checkFunction("scope", fn, "scope(() => f(x)): what fn makes is freed, so it must make it inside");
  if (arguments.length > 1) checkArguments("scope", arguments, 1);
  const region = new Set<Tensor>();
  const outer = context.region;
  context.region = region;
  let result: T | undefined;
  let returned = false;
  try {
    result = fn();
    returned = true;
  } finally {
    context.region = outer;
    // By state, not by tensor: a view under another domain shares it.
    const escaping = new Set<object>(
      returned ? leaves(result).flatMap((leaf) => (leaf instanceof Tensor ? [leaf.state] : [])) : [],
    );
    for (const t of region) {
      if (t.state.kind === "traced" || t.state.kept) continue;
      if (escaping.has(t.state) || (outer !== undefined && tapesHold(t.state))) {
        if (outer !== undefined) outer.add(t);
        else countUnscoped(t, 4 * t.size);
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
  if (arguments.length > 1) checkMapped("keep", arguments, 1);
  checkTensor("keep", t);
  if (t.state.kind === "eager") t.state.kept = true;
  return t;
}
