/** Graphs that are parts of ops: the body of a loop, the branches of a conditional. */
import { conditionalOf, type ConditionalOp } from "./conditional.js";
import type { Graph, Node } from "./graph.js";
import { loopOf, type LoopOp } from "./loop.js";
import type { Op } from "./op.js";

/** The graphs that an op runs; most have none. */
export function subgraphsOf(op: Op): readonly Graph[] {
  const loop = loopOf(op);
  return loop === undefined ? (conditionalOf(op)?.branches ?? []) : [loop.body];
}

/** The graph's nodes, and those of the graphs that its ops run. */
export const nodesWithin = (graph: Graph): Node[] =>
  graph.nodes.flatMap((node) => [node, ...(node.kind === "op" ? subgraphsOf(node.op).flatMap(nodesWithin) : [])]);

/** The op with each of its graphs replaced by one that computes the same; itself where it has none. */
export function mapSubgraphs(op: Op, change: (graph: Graph) => Graph): Op {
  const loop = loopOf(op);
  if (loop !== undefined) return (op as LoopOp).with({ body: change(loop.body) });
  const conditional = conditionalOf(op);
  if (conditional === undefined) return op;
  const [whenTrue, whenFalse] = conditional.branches;
  return (op as ConditionalOp).with([change(whenTrue), change(whenFalse)]);
}
