/** Files for tests, written by hand. */
import { encode } from "../src/proto/codec.js";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from "../src/proto/messages.js";
import { rawData } from "../src/elements.js";

const types = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
export type Type = keyof typeof types;

/** An input or output: sizes, names of open ones. */
export const value = (name: string, type: Type, shape?: readonly (number | string)[]): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: types[type],
      ...(shape && {
        shape: { dim: shape.map((size) => (typeof size === "number" ? { dimValue: BigInt(size) } : { dimParam: size })) },
      }),
    },
  },
});

export const floats = (name: string, shape: readonly number[], data: readonly number[]): TensorProto => ({
  name,
  dims: shape.map(BigInt),
  dataType: types.float32,
  rawData: rawData(Float32Array.from(data)),
});

export const ints = (
  name: string,
  data: readonly (number | bigint)[],
  shape: readonly number[] = [data.length],
): TensorProto => ({
  name,
  dims: shape.map(BigInt),
  dataType: types.int64,
  rawData: rawData(BigInt64Array.from(data.map(BigInt))),
});

const text = new TextEncoder();

export type AttributeValue = number | bigint | string | readonly bigint[] | readonly number[] | TensorProto | GraphProto;

const isGraph = (value: object): value is GraphProto => "node" in value || "input" in value;

export function attribute(name: string, given: AttributeValue): AttributeProto {
  if (typeof given === "bigint") return { name, i: given, type: 2 };
  if (typeof given === "number") return { name, f: given, type: 1 };
  if (typeof given === "string") return { name, s: text.encode(given), type: 3 };
  if (Array.isArray(given)) {
    return typeof given[0] === "bigint"
      ? { name, ints: given as bigint[], type: 7 }
      : { name, floats: given as number[], type: 6 };
  }
  return isGraph(given as object) ? { name, g: given as GraphProto, type: 5 } : { name, t: given as TensorProto, type: 4 };
}

export const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  rest: Partial<NodeProto> = {},
): NodeProto => ({
  opType,
  input,
  output,
  attribute: Object.entries(attributes).map(([name, given]) => attribute(name, given)),
  ...rest,
});

export interface FileParts extends GraphProto {
  readonly opset?: number;
  readonly functions?: readonly FunctionProto[];
  readonly domains?: readonly string[];
}

export function fileOf({ opset = 18, functions, domains = [], ...graph }: FileParts): Uint8Array {
  const model: ModelProto = {
    irVersion: 8n,
    graph: { name: "g", ...graph },
    opsetImport: [{ version: BigInt(opset) }, ...domains.map((domain) => ({ domain, version: 1n }))],
    ...(functions && { functions }),
  };
  return encode("ModelProto", model);
}
