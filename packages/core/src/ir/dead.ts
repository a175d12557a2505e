/** What a graph computes for nobody. */
import type { Graph, Node, Value } from "./graph.js";

/** Without the nodes that no output, update or commit condition needs. Feeds stay. */
export function eliminateDead(graph: Graph): Graph {
  const live = new Set<Node>(graph.feeds);
  const visit = (value: Value | undefined): void => {
    if (value === undefined || live.has(value.node)) return;
    const pending: Node[] = [value.node];
    while (pending.length > 0) {
      const node = pending.pop()!;
      if (live.has(node)) continue;
      live.add(node);
      if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) pending.push(input.node);
    }
  };
  graph.outputs.forEach(visit);
  graph.updates.forEach(({ value }) => visit(value));
  visit(graph.commit);
  return { ...graph, nodes: graph.nodes.filter((node) => live.has(node)) };
}
