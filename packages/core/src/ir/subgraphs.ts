/** Graphs that are parts of ops: the body of a loop, the branches of a conditional. */
import { checkCall, isOp } from "./arguments.js";
import { conditionalOf, type ConditionalOp } from "./conditional.js";
import type { Graph, Node } from "./graph.js";
import { loopOf, type LoopOp } from "./loop.js";
import type { Op } from "./op.js";

/** The graphs that an op runs; most have none. */
export function subgraphsOf(op: Op): readonly Graph[] {
  if (arguments.length > 1 || !isOp(op)) checkCall("subgraphsOf(op)", arguments);
  const loop = loopOf(op);
  return loop === undefined ? (conditionalOf(op)?.branches ?? []) : [loop.body];
}

/** The graph's nodes, and those of the graphs that its ops run. */
export function nodesWithin(graph: Graph): Node[] {
  checkCall("nodesWithin(graph)", arguments);
  return graph.nodes.flatMap((node) => [node, ...(node.kind === "op" ? subgraphsOf(node.op).flatMap(nodesWithin) : [])]);
}

/**
 * The op with each of its graphs replaced by one that computes the same; itself where it has none.
 *
 * @throws ErmineError ERMINE_USAGE where `change` gives something else than a graph
 */
export function mapSubgraphs(op: Op, change: (graph: Graph) => Graph): Op {
  checkCall("mapSubgraphs(op, change)", arguments);
  const changed = (before: Graph): Graph => {
    const graph = change(before);
    checkCall("change(graph)", [graph]);
    return graph;
  };
  const loop = loopOf(op);
  if (loop !== undefined) return (op as LoopOp).with({ body: changed(loop.body) });
  const conditional = conditionalOf(op);
  if (conditional === undefined) return op;
  const [whenTrue, whenFalse] = conditional.branches;
  return (op as ConditionalOp).with([changed(whenTrue), changed(whenFalse)]);
}
