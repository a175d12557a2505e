/** The machine that eager and compiled code run on: the engine, its heap, and the check of indices. */
import type { Attributes } from "@ermine/core/define";
import type { Emitter, IndexSite } from "./emitter.js";
import type { Engine } from "./engine.js";
import type { Heap } from "./heap.js";
import { sizeOf, type Lowering, type Operand } from "./lower/operand.js";

/** Counts for who watches: programs run, and calls into WebAssembly. */
export interface Statistics {
  runs: number;
  wasmCalls: number;
}

/** Shared by eager and compiled code. */
export interface Machine {
  readonly engine: Engine;
  readonly heap: Heap;
  readonly statistics: Statistics;
  /** Makes scratch large enough for what was emitted. */
  reserve(emitter: Emitter): void;
  /** Where the fault word of every program is (assembly/layout.ts, checkIndices). */
  readonly fault: number;
  /**
   * Runs the words at `address`.
   *
   * @param sites the checks that are among them
   * @param where the program's name, for the error
   * @throws ErmineError ERMINE_VALUE where an index was outside of its axis
   */
  call(address: number, words: number, sites: readonly IndexSite[], where?: string): void;
}

/** Checks the indices of an op that has some, before it. */
export function checkLookup(
  emitter: Emitter,
  lowering: Lowering,
  inputs: readonly (Operand | undefined)[],
  attributes: Attributes,
  site: Pick<IndexSite, "op" | "path">,
): void {
  const lookup = lowering.lookup?.(inputs, attributes);
  if (lookup === undefined) return;
  const { address, shape } = inputs[lookup.input]!;
  emitter.check(address, sizeOf(shape), { ...site, size: lookup.size });
}
