/** Dead code elimination: nodes whose results nobody reads. */
import { checkCall } from "./arguments.js";
import { isConditional } from "./conditional.js";
import type { Graph, Node, OpNode, Value } from "./graph.js";
import { isLoop, type LoopNode } from "./loop.js";
import type { Op } from "./op.js";
import { mapOps } from "./rewrite.js";

/**
 * Without the nodes that no output, update or commit condition needs, and without what loops stack, and conditionals put out, for nobody: they put out what is read
 * after them, and are given what their bodies read. Feeds of the graph stay.
 */
export function eliminateDead(graph: Graph): Graph {
  checkCall("eliminateDead(graph)", arguments);
  const live = new Set<Value>();
  const nodes = new Set<Node>(graph.feeds);
  const smaller = new Map<Node, SmallerNode>();
  const roots = [
    ...graph.outputs,
    ...graph.updates.map(({ value }) => value),
    ...(graph.commit === undefined ? [] : [graph.commit]),
  ];
  for (const value of roots) live.add(value);
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => live.has(value))) continue;
    nodes.add(node);
    if (node.kind !== "op") continue;
    const less = isLoop(node) ? smallerLoop(node, live) : isConditional(node) ? node.op.smaller(node, live) : undefined;
    if (less !== undefined) smaller.set(node, less);
    for (const input of less?.inputs ?? node.inputs) if (input !== undefined) live.add(input);
  }
  const pruned = { ...graph, nodes: graph.nodes.filter((node) => nodes.has(node)) };
  return smaller.size === 0 ? pruned : mapOps(pruned, (node) => smaller.get(node) ?? {});
}

/** A loop or conditional without what nobody reads. */
export interface SmallerNode {
  readonly op: Op;
  readonly inputs: OpNode["inputs"];
  /** The outputs that stay. */
  readonly outputs: readonly Value[];
}

/** undefined: everything is read. */
function smallerLoop({ op, inputs, outputs }: LoopNode, live: ReadonlySet<Value>): SmallerNode | undefined {
  const { loop } = op;
  const stays = outputs.map((value, i) => i < loop.carried || live.has(value));
  const body = eliminateDead({ ...loop.body, outputs: loop.body.outputs.filter((_, i) => stays[i]) });
  const read = nodesRead(body);
  const isRead = body.feeds.map((feed, i) => i < loop.carried || read.has(feed));
  if (!stays.includes(false) && !isRead.includes(false)) return undefined;
  const sequences = isRead.slice(loop.carried, loop.carried + loop.sequences).filter(Boolean).length;
  return {
    op: op.with({ body: withFeeds(body, isRead), sequences }),
    inputs: inputs.filter((_, i) => isRead[i]),
    outputs: outputs.filter((_, i) => stays[i]),
  };
}

/** The nodes whose values an op or an output reads. */
export function nodesRead(graph: Graph): Set<Node> {
  const read = new Set<Node>(graph.outputs.map(({ node }) => node));
  for (const node of graph.nodes)
    if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) read.add(input.node);
  return read;
}

/** The graph with those of its feeds that stay. */
export function withFeeds(graph: Graph, stays: readonly boolean[]): Graph {
  const dropped = new Set<Node>(graph.feeds.filter((_, i) => !stays[i]));
  return {
    ...graph,
    feeds: graph.feeds.filter((_, i) => stays[i]),
    nodes: graph.nodes.filter((node) => !dropped.has(node)),
  };
}
