/** Looks at a program before it runs: which ops a backend has, what the others become there, and how much is alive at once. */
import { checkBackend } from "../dispatch/currentBackend.js";
import { checkCall } from "../ir/arguments.js";
import type { Backend } from "../ir/contract.js";
import { concrete } from "../types/dim.js";
import { bytesPerElement } from "../types/dtype.js";
import type { Graph, OpNode, Value } from "../ir/graph.js";
import { lowerGraph } from "./passes.js";

/** An op of a graph and where it runs. */
export interface Placement {
  /** The op. */
  readonly node: OpNode;
  /** "kernel": the backend has it; "decomposed": it becomes `into`; "host": the host computes its elements and feeds them. */
  readonly as: "kernel" | "decomposed" | "host";
  /** The names of the ops that it becomes, in order. */
  readonly into: readonly string[];
}

/**
 * Where each op of a traced graph runs on `backend`.
 *
 * @throws ErmineError ERMINE_UNSUPPORTED where the backend lacks a primitive
 */
export function placements(graph: Graph, backend: Backend): readonly Placement[] {
  checkCall("placements(graph, backend)", arguments);
  checkBackend("placements(graph, backend)", backend);
  const placed: Placement[] = [];
  lowerGraph(graph, backend, (node, became) => {
    if (node.kind !== "op") return;
    const ops = became.flatMap((lowered) => (lowered.kind === "op" ? [lowered.op] : []));
    const into = ops.map((op) => op.name);
    if (became.some((lowered) => lowered.kind === "feed")) placed.push({ node, as: "host", into });
    else placed.push({ node, as: ops.length === 1 && ops[0] === node.op ? "kernel" : "decomposed", into });
  });
  return placed;
}

const bytesOf = ({ type }: Value): number =>
  (concrete(type.shape) as number[]).reduce((product, size) => product * size, bytesPerElement[type.dtype]);

/** The most bytes of computed values that are alive at once, each from its op to its last reader. `graph`'s sizes are numbers. */
export function peakBytes(graph: Graph): number {
  checkCall("peakBytes(graph)", arguments);
  const lastRead = new Map<Value, number>();
  graph.nodes.forEach((node, i) => {
    if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) lastRead.set(input, i);
  });
  for (const value of [...graph.outputs, ...graph.updates.map((update) => update.value)]) lastRead.set(value, graph.nodes.length);
  const ends = new Map<number, number>();
  let [alive, peak] = [0, 0];
  graph.nodes.forEach((node, i) => {
    if (node.kind === "op") {
      for (const value of node.outputs) {
        const until = lastRead.get(value) ?? i;
        alive += bytesOf(value);
        ends.set(until, (ends.get(until) ?? 0) + bytesOf(value));
      }
    }
    peak = Math.max(peak, alive);
    alive -= ends.get(i) ?? 0;
  });
  return peak;
}
