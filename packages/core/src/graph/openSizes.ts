/** Requirements of a graph's ops on sizes that were open when it was traced: checked again for the sizes that are fed. */
import { ErmineError } from "../types/errors.js";
import { bind, checkElementCount, type Bindings, type Size } from "../types/dim.js";
import type { Graph, Node, OpNode } from "../ir/graph.js";

/** How many combinations of sizes are known to fit. */
const capacity = 32;

const isOpen = (node: Node): node is OpNode =>
  node.kind === "op" && [...node.inputs, ...node.outputs].some((value) => value?.type.shape.some(isUnknown) === true);

const isUnknown = (size: Size): boolean => typeof size !== "number";

/**
 * A check of the graph as it was traced (what a backend makes of it may, for instance, take a maximum of no elements on the way to no
 * elements). Undefined where no size is open.
 *
 * The check throws what an op says of its inputs' sizes: a maximum of no elements, a slice that leaves its axis, more elements than a tensor
 * can have.
 */
export function openSizes(graph: Graph): ((entry: string, bindings: Bindings) => void) | undefined {
  const open = graph.nodes.filter(isOpen);
  if (open.length === 0) return undefined;
  const fitting = new Set<string>();
  return (entry, bindings) => {
    const key = Object.values(bindings).join();
    if (fitting.has(key)) return;
    for (const node of open) infer(entry, node, bindings);
    if (fitting.size === capacity) fitting.clear();
    fitting.add(key);
  };
}

function infer(entry: string, { op, inputs, attributes, path }: OpNode, bindings: Bindings): void {
  const types = inputs.map((value) => value && { ...value.type, shape: bind(value.type.shape, bindings) });
  try {
    for (const { shape } of op.infer(types, bind(attributes, bindings))) checkElementCount(op.name, shape);
  } catch (error) {
    throw error instanceof ErmineError ? error.at(path === "" ? entry : `${entry}: ${path}`) : error;
  }
}
