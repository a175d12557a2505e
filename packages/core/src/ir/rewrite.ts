/** Graphs made of other graphs: with other nodes in the places of their own. */
import { checkCall } from "./arguments.js";
import type { FeedNode, Graph, Node, OpNode, Value } from "./graph.js";

/** @internal The graph of these nodes: its feeds, outputs, updates and commit condition are what `look` says of the graph's own values. */
export function withNodes(graph: Graph, nodes: readonly Node[], look: (value: Value) => Value): Graph {
  checkCall("withNodes(graph, nodes, look)", arguments);
  return {
    ...graph,
    nodes,
    feeds: graph.feeds.map(({ outputs }) => look(outputs[0]!).node as FeedNode),
    outputs: graph.outputs.map(look),
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: look(value) })),
    commit: graph.commit && look(graph.commit),
  };
}

/** What becomes of an op: absent fields stay. Inputs and outputs are values of the graph that there was; outputs that are left out are read by nobody. */
export type OpChange = Partial<Pick<OpNode, "op" | "attributes" | "inputs" | "outputs">>;

/** @internal A copy of the graph in which ops are as `change` says. */
export function mapOps(graph: Graph, change: (node: OpNode) => OpChange): Graph {
  checkCall("mapOps(graph, change)", arguments);
  const replaced = new Map<Value, Value>();
  const look = (value: Value): Value => replaced.get(value)!;
  const nodes = graph.nodes.map((node): Node => {
    const outputs: Value[] = [];
    const changed: Node = node.kind === "op" ? { ...node, ...change(node) } : node;
    const copy: Node =
      changed.kind === "op"
        ? { ...changed, inputs: changed.inputs.map((value) => value && look(value)), outputs }
        : { ...changed, outputs };
    changed.outputs.forEach((value, index) => {
      outputs.push({ ...value, node: copy, index });
      replaced.set(value, outputs[index]!);
    });
    return copy;
  });
  return withNodes(graph, nodes, look);
}
