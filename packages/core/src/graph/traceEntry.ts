/** A function traced into a graph, twice, so that what would silently become a constant of the program is found. */
import type { TensorType } from "../types/storage.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { Tensor, typeOf } from "../types/tensor.js";
import { leaves, mapTree, type Tree } from "../types/tree.js";
import { checkCall } from "../ir/arguments.js";
import type { Graph } from "../ir/graph.js";
import { Trace } from "../dispatch/trace.js";
import { graphDifference } from "./graphDifference.js";

/** A function over trees of tensors, with the names and types of what it is fed. */
export interface TracedEntry {
  /** The recorded graph. */
  readonly graph: Graph;
  /** The result's tree, its tensors replaced by their position among the graph's outputs. */
  readonly result: unknown;
}

/**
 * Traces `fn` twice and compares: what differs was read from the host (Math.random, a counter) and would silently become a
 * constant of the program.
 *
 * @param make gives fn's arguments, as feeds of the trace
 * @throws ErmineError ERMINE_USAGE where the two differ
 */
export function traceEntry(name: string, fn: (trace: Trace) => unknown): TracedEntry {
  checkCall("traceEntry(name, fn)", arguments);
  const first = traceOnce(name, fn);
  const second = traceOnce(name, fn);
  const difference = graphDifference(first.graph, second.graph) ?? resultDifference(first.result, second.result);
  if (difference !== undefined) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${name}: the function does something else each time that it is traced (${difference}). A compiled function is traced once: ` +
        "what changes from call to call (a counter, Math.random, a schedule) must be an argument, a variable or ermine's own random numbers.",
    );
  }
  return first;
}

function traceOnce(name: string, fn: (trace: Trace) => unknown): TracedEntry {
  const trace = new Trace();
  return trace.run(() => {
    const outputs: Tensor[] = [];
    const result = mapTree(fn(trace) as Tree<unknown>, (leaf) => {
      checkCopy(name, leaf);
      return leaf instanceof Tensor ? new Output(outputs.push(leaf) - 1, typeOf(leaf)) : leaf;
    });
    return { graph: trace.finish(outputs), result };
  });
}

/** The first plain value of the result that the second trace returned otherwise: calls of a compiled function would all return the first one's. */
function resultDifference(first: unknown, second: unknown): string | undefined {
  const [a, b] = [leaves(first), leaves(second)];
  if (a.length !== b.length) return "another result";
  const i = a.findIndex((leaf, k) => isPlainValue(leaf) && !Object.is(leaf, b[k]));
  return i < 0 ? undefined : `it returns ${show(a[i])}, then ${show(b[i])}`;
}

const isPlainValue = (value: unknown): boolean => ["number", "string", "boolean", "bigint"].includes(typeof value);

/** Where a tensor of the result is among the graph's outputs. A class, so that trees take it for a leaf. */
export class Output {
  readonly output: number;
  readonly type: TensorType;

  constructor(output: number, type: TensorType) {
    this.output = output;
    this.type = type;
  }
}
