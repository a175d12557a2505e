/** What an op costs: floating-point operations and bytes, from its sizes. */
import { type OpNode, type TensorType, type Value, bytesPerElement } from "@ermine/core/backend";

export interface Cost {
  /** What the ops say (2·m·n·k of a product); otherwise one for each element of the largest input or output. */
  readonly flops: number;
  /** Of what is read and what is made. */
  readonly bytes: number;
}

const count = ({ type }: Value): number => (type.shape as readonly number[]).reduce((a, b) => a * b, 1);
const bytesOf = (value: Value): number => count(value) * bytesPerElement[value.type.dtype];

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

function flopsOf({ op, inputs, outputs, attributes }: OpNode, isRead: (value: Value) => boolean): number {
  const read = outputs.map((value) => (isRead(value) ? value : undefined));
  if (op.flops !== undefined) {
    const typesOf = (values: readonly (Value | undefined)[]): (TensorType | undefined)[] => values.map((value) => value?.type);
    return op.flops(typesOf(inputs), typesOf(read), attributes);
  }
  return Math.max(...[...read, ...inputs].map((value) => (value === undefined ? 0 : count(value))), 0);
}
