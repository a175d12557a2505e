/** A function traced into a graph, twice, so that what would silently become a constant of the program is found. */
import type { TensorType } from "../types/storage.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { Tensor, typeOf } from "../types/tensor.js";
import { mapTree, type Tree } from "../types/tree.js";
import { attributesKey, type Graph, type Value } from "../ir/graph.js";
import { loopOf } from "../ir/loop.js";
import { Trace } from "../dispatch/trace.js";

/** A function over trees of tensors, with the names and types of what it is fed. */
export interface TracedEntry {
  /** What was recorded. */
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
  const first = traceOnce(name, fn);
  const difference = firstDifference(first.graph, traceOnce(name, fn).graph);
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

function firstDifference(a: Graph, b: Graph): string | undefined {
  const place = (value: Value | undefined): string => (value === undefined ? "" : `${value.node.id}.${value.index}`);
  for (let i = 0; i < Math.max(a.nodes.length, b.nodes.length); i++) {
    const [x, y] = [a.nodes[i], b.nodes[i]];
    if (x === undefined || y === undefined || x.kind !== y.kind) return "another number of operations";
    if (x.kind === "op" && y.kind === "op") {
      if (x.op.name !== y.op.name) return `${x.op.name} against ${y.op.name}`;
      if (attributesKey(x.attributes) !== attributesKey(y.attributes)) return `the attributes of ${x.op.name}`;
      if (x.inputs.map(place).join() !== y.inputs.map(place).join()) return `the inputs of ${x.op.name}`;
      const [loop, other] = [loopOf(x.op), loopOf(y.op)];
      const inside = loop && other && firstDifference(loop.body, other.body);
      if (inside !== undefined) return `${inside} in the body of ${x.op.name}`;
    }
    if (x.kind === "constant" && y.kind === "constant") {
      const [p, q] = [x.data, y.data];
      const same =
        p === undefined || q === undefined
          ? x.storage === y.storage
          : p.length === q.length && p.every((n, k) => Object.is(n, q[k]));
      if (!same) return "a number from outside";
    }
    if (x.kind === "variable" && y.kind === "variable" && x.variable !== y.variable)
      return `${x.variable.name} against ${y.variable.name}`;
  }
  const ends = (graph: Graph): string =>
    [...graph.outputs, ...graph.updates.map((update) => update.value), graph.commit].map(place).join();
  return ends(a) === ends(b) ? undefined : "other results";
}

/** Where a tensor of the result is among the graph's outputs. A class, so that trees take it for a leaf. */
export class Output {
  readonly output: number;
  readonly type: TensorType;

  constructor(output: number, type: TensorType) {
    this.output = output;
    this.type = type;
  }
}
