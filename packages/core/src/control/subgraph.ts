/** Graphs that are part of an op: as functions, with their sizes bound, and what they cost. */
import { withPath } from "../dispatch/context.js";
import { dispatch } from "../dispatch/dispatch.js";
import type { Graph, Node, OpNode, Value } from "../ir/graph.js";
import { bind, Dim, formatShape, sameShape, sizeOf, type Bindings, type Shape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { TensorType } from "../types/storage.js";
import { Tensor, wrapHost } from "../types/tensor.js";

/** The sizes of the symbols in the expected shapes for the given types. @throws ErmineError ERMINE_SHAPE where they do not fit */
export function bindingsOf(op: string, expected: readonly Shape[], types: readonly TensorType[]): Bindings {
  const bindings: Record<string, number> = {};
  expected.forEach((shape, i) => {
    const statedShape = types[i]!.shape;
    shape.forEach((size, axis) => {
      const stated = statedShape[axis];
      if (!(size instanceof Dim) || typeof stated !== "number" || size.terms.size !== 1) return;
      const [[symbol, factor]] = [...size.terms] as [[string, number]];
      if (factor === 1 && !symbol.includes("*")) bindings[symbol] ??= stated;
    });
    if (statedShape.length !== shape.length || !sameShape(bindKnown(shape, bindings), bindKnown(statedShape, bindings))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${op}: an input is ${formatShape(statedShape)} and should be ${formatShape(shape)}.`,
      );
    }
  });
  return bindings;
}

/** The shape with the numbers of the symbols that have one. */
export const bindKnown = (shape: Shape, bindings: Bindings): Shape =>
  shape.map((size) => {
    if (!(size instanceof Dim)) return size;
    const isKnown = [...size.terms.keys()].every((term) => term === "" || term.split("*").every((symbol) => symbol in bindings));
    return isKnown ? size.evaluate(bindings) : size;
  });

/** Asks the graph's ops about sizes that were open. @throws ErmineError what one of them says of its inputs */
export function checkOpenSizes(graph: Graph, bindings: Bindings): void {
  if (Object.keys(bindings).length === 0) return;
  for (const node of graph.nodes) {
    if (node.kind !== "op" || !node.inputs.some((value) => value?.type.shape.some((size) => size instanceof Dim) === true))
      continue;
    const types = node.inputs.map((value) => value && { ...value.type, shape: bindKnown(value.type.shape, bindings) });
    if (types.every((type) => type === undefined || type.shape.every((size) => typeof size === "number")))
      node.op.infer(types, bind(node.attributes, bindings));
  }
}

/** The floating-point operations of a graph whose sizes are numbers. */
export const flopsOf = (graph: Graph): number =>
  graph.nodes.reduce((sum, node) => sum + (node.kind === "op" ? flopsOfNode(node) : 0), 0);

/** What its op says, else one for each element of the largest input or output. */
function flopsOfNode({ op, inputs, outputs, attributes }: OpNode): number {
  const [inputTypes, outputTypes] = [inputs, outputs].map((values) => values.map((value) => value?.type));
  const counts = [...inputTypes!, ...outputTypes!].map((type) => (type === undefined ? 0 : (sizeOf(type.shape) as number)));
  return op.flops?.(inputTypes!, outputTypes!, attributes) ?? Math.max(0, ...counts);
}

/** The graph as a function of its feeds. Its constants are made once. */
export function replay(graph: Graph): (feeds: readonly Tensor[]) => Tensor[] {
  const constants = new Map<Node, Tensor>();
  for (const node of graph.nodes) {
    if (node.kind !== "constant") continue;
    const { type } = node.outputs[0]!;
    const constant = node.data === undefined ? new Tensor(type, node.owner as Tensor["state"]) : wrapHost(type, node.data);
    constants.set(node, constant);
  }
  return (feeds) => {
    const computed = new Map<Value, Tensor>();
    graph.feeds.forEach(({ outputs }, i) => computed.set(outputs[0]!, feeds[i]!));
    for (const node of graph.nodes) {
      if (node.kind === "constant") computed.set(node.outputs[0]!, constants.get(node)!);
      if (node.kind !== "op") continue;
      const inputs = node.inputs.map((value) => value && computed.get(value)!);
      const outputs = withPath(node.path, () => dispatch(node.op, inputs, node.attributes));
      node.outputs.forEach((value, i) => computed.set(value, outputs[i]!));
    }
    return graph.outputs.map((value) => computed.get(value)!);
  };
}
