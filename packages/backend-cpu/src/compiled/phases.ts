/** What runs before a step is accepted, what only after it, and which indices are looked up. */
import { subgraphsOf, type Graph, type Node, type OpNode, type Value } from "@ermine/core/backend";
import { loweringOf } from "../lower/index.js";

/** Indices of an op, and the length of the axis that they are of. */
export interface Check {
  readonly node: OpNode;
  readonly indices: Value;
  readonly size: number;
}

/** The indices that an op looks up. */
function checkOf(node: Node): Check | undefined {
  if (node.kind !== "op") return undefined;
  const shapes = node.inputs.map((value) => value && { shape: value.type.shape as readonly number[] });
  const lookup = loweringOf(node.op)?.lookup?.(shapes, node.attributes);
  return lookup && { node, indices: node.inputs[lookup.input]!, size: lookup.size };
}

/** Does it look up anything? */
const looksUp = (graph: Graph): boolean => graph.nodes.some((node) => checkOf(node) !== undefined || looksUpInside(node));

/** Do the graphs that it runs? */
const looksUpInside = (node: Node): boolean => node.kind === "op" && subgraphsOf(node.op).some(looksUp);

/** The look-ups of the committed part whose indices none before it has checked. */
export function unchecked(order: readonly OpNode[], committed: number, root: (value: Value) => Value): Check[] {
  const checkedSizes = new Map<Value, Set<number>>();
  const checks: Check[] = [];
  order.forEach((node, i) => {
    const check = checkOf(node);
    if (check === undefined) return;
    const sizes = checkedSizes.get(root(check.indices)) ?? new Set();
    if (!sizes.has(check.size) && i >= committed) checks.push(check);
    checkedSizes.set(root(check.indices), sizes.add(check.size));
  });
  return checks;
}

/**
 * The nodes that outputs and the commit condition need, and all looked-up indices: they run before the step is accepted, and an index out of range
 * refuses it.
 */
export function neededFirst(graph: Graph): ReadonlySet<Node> {
  if (graph.updates.length === 0) return new Set(graph.nodes);
  const needed = new Set<Node>();
  const pending = [...graph.outputs, ...(graph.commit === undefined ? [] : [graph.commit])].map((value) => value.node);
  for (const node of graph.nodes) {
    const check = checkOf(node);
    if (check !== undefined) pending.push(check.indices.node);
    if (looksUpInside(node)) pending.push(node);
  }
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (needed.has(node)) continue;
    needed.add(node);
    if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) pending.push(input.node);
  }
  return needed;
}

/** First what outputs and the commit condition need, then what only the updates do. */
export function phases(graph: Graph, ops: readonly OpNode[]): { early: OpNode[]; late: OpNode[] } {
  const needed = neededFirst(graph);
  return { early: ops.filter((node) => needed.has(node)), late: ops.filter((node) => !needed.has(node)) };
}
