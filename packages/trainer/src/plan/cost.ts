/** What an op costs: floating-point operations and bytes, from its sizes. */
import { bytesPerElement, type OpNode, type Value } from "@ermine/core";

export interface Cost {
  /** 2·m·n·k for products; otherwise one for each number read or made, whichever are more. */
  readonly flops: number;
  /** Of what is read and what is made. */
  readonly bytes: number;
}

const count = ({ type }: Value): number => (type.shape as readonly number[]).reduce((a, b) => a * b, 1);
const sizes = (value: Value | undefined): readonly number[] => (value?.type.shape ?? []) as readonly number[];
const bytesOf = (value: Value): number => count(value) * bytesPerElement[value.type.dtype];

/** Numbers that go into one of the result, for the products. */
const products: Readonly<Record<string, (node: OpNode) => number>> = {
  matmul: ({ inputs: [a], attributes }) => sizes(a).at(attributes["transposeA"] === true ? -2 : -1) ?? 1,
  linear: ({ inputs: [, weight] }) => sizes(weight)[1] ?? 1,
  convolution: ({ inputs: [, weight] }) => count(weight!) / sizes(weight)[0]!,
};

/** @param nodes what ran together; `isRead` says whether anybody reads an output */
export function costOf(nodes: readonly OpNode[], isRead: (value: Value) => boolean): Cost {
  const own = new Set(nodes);
  const read = new Set<Value>();
  for (const { inputs } of nodes)
    for (const value of inputs) if (value !== undefined && !own.has(value.node as OpNode)) read.add(value);
  const made = (nodes.at(-1)?.outputs ?? []).filter(isRead);
  return {
    flops: nodes.reduce((total, node) => total + flopsOf(node, isRead), 0),
    bytes: [...read, ...made].reduce((total, value) => total + bytesOf(value), 0),
  };
}

function flopsOf(node: OpNode, isRead: (value: Value) => boolean): number {
  const { name } = node.op;
  const outputs = node.outputs.filter(isRead);
  const depth = products[name]?.(node);
  if (depth !== undefined) return 2 * count(node.outputs[0]!) * depth;
  if (name === "convolutionGradient") {
    // (gradient, x, weight, …): the gradients of x and of the weight are as much as forward, each.
    const [g, , weight] = node.inputs;
    const forward = 2 * count(g!) * (count(weight!) / sizes(weight)[0]!);
    return outputs.filter((value) => sizes(value).length > 1).length * forward;
  }
  return Math.max(...outputs.map(count), ...node.inputs.map((value) => (value === undefined ? 0 : count(value))), 0);
}
