/** Cost of an op: floating-point operations and bytes, from its sizes. */
import { type OpNode, type TensorType, type Value, bytesPerElement } from "@ermine/core/backend";

export interface Cost {
  /** Floating-point operations as the ops declare them (2·m·n·k of a product); otherwise one per element of the largest input or output. */
  readonly flops: number;
  /** Of what is read and what is made. */
  readonly bytes: number;
}

const count = ({ type }: Value): number => (type.shape as readonly number[]).reduce((a, b) => a * b, 1);
const bytesOf = (value: Value): number => count(value) * bytesPerElement[value.type.dtype];

/** @param nodes what ran together; `isRead` says whether anybody reads an output */
export function costOf(nodes: readonly OpNode[], isRead: (value: Value) => boolean): Cost {
  const nodeSet = new Set(nodes);
  const readValues = new Set<Value>();
  for (const { inputs } of nodes)
    for (const value of inputs) if (value !== undefined && !nodeSet.has(value.node as OpNode)) readValues.add(value);
  const writtenValues = (nodes.at(-1)?.outputs ?? []).filter(isRead);
  return {
    flops: nodes.reduce((total, node) => total + flopsOf(node, isRead), 0),
    bytes: [...readValues, ...writtenValues].reduce((total, value) => total + bytesOf(value), 0),
  };
}

function flopsOf({ op, inputs, outputs, attributes }: OpNode, isRead: (value: Value) => boolean): number {
  const readOutputs = outputs.map((value) => (isRead(value) ? value : undefined));
  if (op.flops !== undefined) {
    const typesOf = (values: readonly (Value | undefined)[]): (TensorType | undefined)[] => values.map((value) => value?.type);
    return op.flops(typesOf(inputs), typesOf(readOutputs), attributes);
  }
  return Math.max(...[...readOutputs, ...inputs].map((value) => (value === undefined ? 0 : count(value))), 0);
}
