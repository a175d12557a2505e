/** Dead code elimination: nodes whose results nobody reads. */
import type { FeedNode, Graph, Node, OpNode, Value } from "./graph.js";
import { isLoop, type LoopNode, type LoopOp } from "./loop.js";

/**
 * Without the nodes that no output, update or commit condition needs, and without what loops stack for nobody: a loop stacks what is read after it, and is
 * given what its steps read. Feeds of the graph stay.
 */
export function eliminateDead(graph: Graph): Graph {
  const live = new Set<Value>();
  const nodes = new Set<Node>(graph.feeds);
  const smaller = new Map<Node, SmallerLoop>();
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
    const loop = isLoop(node) ? smallerLoop(node, live) : undefined;
    if (loop !== undefined) smaller.set(node, loop);
    for (const input of loop?.inputs ?? node.inputs) if (input !== undefined) live.add(input);
  }
  const pruned = { ...graph, nodes: graph.nodes.filter((node) => nodes.has(node)) };
  return smaller.size === 0 ? pruned : withLoops(pruned, smaller);
}

/** A loop without what nobody reads. */
interface SmallerLoop {
  readonly op: LoopOp;
  readonly inputs: OpNode["inputs"];
  /** The outputs that stay. */
  readonly outputs: readonly Value[];
}

/** undefined: everything is read. */
function smallerLoop({ op, inputs, outputs }: LoopNode, live: ReadonlySet<Value>): SmallerLoop | undefined {
  const { loop } = op;
  const stays = outputs.map((value, i) => i < loop.carried || live.has(value));
  const body = eliminateDead({ ...loop.body, outputs: loop.body.outputs.filter((_, i) => stays[i]) });
  const read = new Set<Node>(body.outputs.map(({ node }) => node));
  for (const node of body.nodes)
    if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) read.add(input.node);
  const isRead = body.feeds.map((feed, i) => i < loop.carried || read.has(feed));
  if (!stays.includes(false) && !isRead.includes(false)) return undefined;
  const feeds = body.feeds.filter((_, i) => isRead[i]);
  const dropped = new Set<Node>(body.feeds.filter((_, i) => !isRead[i]));
  const sequences = isRead.slice(loop.carried, loop.carried + loop.sequences).filter(Boolean).length;
  return {
    op: op.with({ body: { ...body, feeds, nodes: body.nodes.filter((node) => !dropped.has(node)) }, sequences }),
    inputs: inputs.filter((_, i) => isRead[i]),
    outputs: outputs.filter((_, i) => stays[i]),
  };
}

/** The graph with these loops in the places of its own. */
function withLoops(graph: Graph, smaller: ReadonlyMap<Node, SmallerLoop>): Graph {
  const replaced = new Map<Value, Value>();
  const look = (value: Value): Value => replaced.get(value)!;
  const nodes = graph.nodes.map((node): Node => {
    const loop = smaller.get(node);
    const outputs: Value[] = [];
    const inputs = loop?.inputs ?? (node.kind === "op" ? node.inputs : []);
    const copy: Node =
      node.kind === "op"
        ? { ...node, op: loop?.op ?? node.op, inputs: inputs.map((value) => value && look(value)), outputs }
        : { ...node, outputs };
    (loop?.outputs ?? node.outputs).forEach((value, index) => {
      outputs.push({ ...value, node: copy, index });
      replaced.set(value, outputs[index]!);
    });
    return copy;
  });
  return {
    ...graph,
    nodes,
    feeds: graph.feeds.map(({ outputs }) => look(outputs[0]!).node as FeedNode),
    outputs: graph.outputs.map(look),
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: look(value) })),
    commit: graph.commit && look(graph.commit),
  };
}
