/** Attributes of ONNX nodes, written by the kind of their value. */
import type { AttributeProto, GraphProto, TensorProto } from "../proto/messages.js";

/** INT and INTS are bigints, FLOAT and FLOATS numbers. */
export type AttributeValue = bigint | number | string | TensorProto | GraphProto | readonly bigint[] | readonly number[];

const kinds = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const;
const text = new TextEncoder();

const isGraph = (value: object): value is GraphProto => "node" in value;

function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "bigint") return { name, i: value, type: kinds.int };
  if (typeof value === "number") return { name, f: value, type: kinds.float };
  if (typeof value === "string") return { name, s: text.encode(value), type: kinds.string };
  if (isGraph(value)) return { name, g: value, type: kinds.graph };
  if (!Array.isArray(value)) return { name, t: value as TensorProto, type: kinds.tensor };
  if (value.some((item) => typeof item === "number")) return { name, floats: value as readonly number[], type: kinds.floats };
  return { name, ints: value as readonly bigint[], type: kinds.ints };
}

/** The attributes in the order of their names, so that equal nodes are equal bytes. */
export const attributeProtos = (values: Readonly<Record<string, AttributeValue>>): readonly AttributeProto[] =>
  Object.keys(values)
    .sort()
    .map((name) => attribute(name, values[name]!));
