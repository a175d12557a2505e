/** TensorFlow's GraphDef and SavedModel, written down: nodes with inputs, attributes and constants. */
import type { DType, TypedArray } from "@ermine/core";
import { fitting } from "../eager.js";
import type { TfAttribute, TfAttributes } from "../lowering/emitter.js";
import { dataType } from "../native/binding.js";
import { Message } from "./protobuf.js";

/** The numbers of a Const node. */
export interface ConstantValue {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** "node", "node:1", or "^node" for "after node". */
  readonly inputs: readonly string[];
  readonly attributes: TfAttributes;
  readonly value?: ConstantValue;
}

function shapeProto(shape: readonly number[]): Message {
  const message = new Message();
  for (const size of shape) message.message(2, new Message().int(1, size));
  return message;
}

function tensorProto({ data, shape, dtype }: ConstantValue): Message {
  const { buffer, byteOffset, byteLength } = fitting(data, dtype);
  return new Message()
    .int(1, dataType[dtype])
    .message(2, shapeProto(shape))
    .bytes(4, new Uint8Array(buffer, byteOffset, byteLength));
}

function attributeValue(attribute: TfAttribute): Message {
  const value = new Message();
  if ("type" in attribute) return value.int(6, dataType[attribute.type]);
  if ("int" in attribute) return value.int(3, attribute.int);
  if ("ints" in attribute) return value.message(1, new Message().packed(3, attribute.ints));
  if ("float" in attribute) return value.float(4, attribute.float);
  if ("bool" in attribute) return value.int(5, attribute.bool ? 1 : 0);
  if ("string" in attribute) return value.string(2, attribute.string);
  return value.message(7, shapeProto(attribute.shape));
}

function nodeProto(node: NodeDef): Message {
  const message = new Message().string(1, node.name).string(2, node.op);
  for (const input of node.inputs) message.string(3, input);
  for (const [key, attribute] of Object.entries(node.attributes)) {
    message.message(5, new Message().string(1, key).message(2, attributeValue(attribute)));
  }
  if (node.value !== undefined)
    message.message(5, new Message().string(1, "value").message(2, new Message().message(8, tensorProto(node.value))));
  return message;
}

/** The version of the graph format: of an age that every TensorFlow from 2.9 on reads. */
const producer = 987;

/** Nodes as part of a graph: such parts one after the other are the graph of all. */
export function encodedNodes(nodes: readonly NodeDef[]): Uint8Array {
  const graph = new Message();
  for (const node of nodes) graph.message(1, nodeProto(node));
  return graph.finish();
}

/** The bytes of a saved_model.pb with one graph of these parts, tagged "serve". */
export function savedModel(parts: readonly Uint8Array[]): Uint8Array {
  const graph = new Message();
  for (const part of parts) graph.encoded(part);
  graph.message(4, new Message().int(1, producer));
  const metaGraph = new Message().message(1, new Message().string(4, "serve")).message(2, graph);
  return new Message().int(1, 1).message(2, metaGraph).finish();
}
