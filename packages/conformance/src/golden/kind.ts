/** A kind of golden cases: how one is run on a backend. */
import { compile, ErmineError, leaves, scope, Tensor, Variable, withBackend, type Backend } from "@ermine/core";
import type { Comparison } from "./comparison.js";
import type { GoldenCase, Tolerance } from "./schema.js";

/** Op by op, or as a compiled program. */
export type Mode = "eager" | "compiled";

export interface Target {
  readonly backend: Backend;
  readonly mode: Mode;
}

/** A kind of golden case: how it is run. */
export interface GoldenKind<C extends GoldenCase = GoldenCase> {
  /** The name of its file and of its row. */
  readonly name: string;
  /** How far values may be apart. */
  readonly tolerance: Tolerance;
  /** false: the host computes it, whatever the backend and the mode. */
  readonly usesBackend: boolean;
  /**
   * Runs a case on a target and compares.
   *
   * @throws Skip where ermine does not have what the case asks for
   */
  run(golden: C, target: Target): Promise<readonly Comparison[]>;
}

/** A case asks for something that ermine does not have (yet). */
export class Skip extends Error {}

/** Runs `make`; an option that it does not know is a reason to skip, everything else an error. */
export function skipUnknownOptions<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ErmineError && error.code === "ERMINE_OPTION" && error.message.includes("has no option")) {
      throw new Skip(error.message);
    }
    throw error;
  }
}

/** fn(inputs) on the target, in its mode; everything but the results is freed. Results are read as they are needed. */
export function runOn<A extends readonly unknown[], R>({ backend, mode }: Target, fn: (...args: A) => R, ...args: A): R {
  if (mode === "eager") return withBackend(backend, () => scope(() => fn(...args)));
  const compiled = compile(fn, { backend });
  try {
    return withBackend(backend, () => compiled(...args));
  } finally {
    compiled.dispose();
  }
}

/** Frees what a result and the inputs of a case hold on the backend. */
export function release(...trees: unknown[]): void {
  for (const leaf of leaves(trees)) if (leaf instanceof Tensor && !(leaf instanceof Variable)) leaf.dispose();
}
