/**
 * Updates of tables that were only looked up in. Their gradient is rows that are set into zeros: a step that reads it alone takes the rows, so that no gradient
 * of the whole table is made, zeroed or read.
 */
import {
  eliminateDead,
  kernelName,
  mapOps,
  setRowsOp,
  type Graph,
  type Node,
  type OpNode,
  type Value,
} from "@ermine/core/backend";
import { loweringOf } from "../lower/index.js";
import { isUpdate, tableUpdateOp } from "../lower/updates.js";

/** The place of the gradient among an update's inputs. */
const gradientAt = 1;

const isUpdateNode = (node: Node): node is OpNode => node.kind === "op" && isUpdate(kernelName(node.op));

/** The rows that a value is, in zeros. */
function rowsInZeros(value: Value): OpNode | undefined {
  const { node } = value;
  if (node.kind !== "op" || !Object.is(node.op, setRowsOp)) return undefined;
  const table = node.inputs[0]!.node;
  return table.kind === "op" && loweringOf(table.op)?.constant?.(table.attributes) === 0 ? node : undefined;
}

/** @param graph one whose sizes are numbers */
export function withTableUpdates(graph: Graph): Graph {
  const others = new Set<Value | undefined>([...graph.outputs, ...graph.updates.map(({ value }) => value), graph.commit]);
  for (const node of graph.nodes)
    if (node.kind === "op") node.inputs.forEach((value, i) => (i === gradientAt && isUpdateNode(node) ? 0 : others.add(value)));
  const setOf = (node: Node): OpNode | undefined => {
    const gradient = isUpdateNode(node) ? node.inputs[gradientAt]! : undefined;
    return gradient === undefined || others.has(gradient) ? undefined : rowsInZeros(gradient);
  };
  if (!graph.nodes.some((node) => setOf(node) !== undefined)) return graph;
  const changed = mapOps(graph, (update) => {
    const set = setOf(update);
    if (set === undefined) return {};
    const inputs = [update.inputs[0], ...set.inputs.slice(1), ...update.inputs.slice(2)];
    return { op: tableUpdateOp, attributes: { ...update.attributes, members: [set, update] }, inputs };
  });
  return eliminateDead(changed);
}
