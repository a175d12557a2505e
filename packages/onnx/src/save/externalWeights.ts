/** Weights out of a model's file into one next to it. */
import { decode, encode } from "../proto/codec.js";
import type { TensorProto } from "../proto/messages.js";

/** Smaller constants stay in the model's file, as other tools leave them. */
const leastBytes = 1024;
/** Where elements begin, so that runtimes map the file into memory as it is. */
const alignment = 4096;

/** A model's file and the one that has its weights. */
export interface SplitModel {
  /** The model's file. */
  readonly model: Uint8Array;
  /** The bytes of the other file, one after the other. */
  readonly data: readonly Uint8Array[];
}

/** The file with its weights in another one, which it calls `location`. */
export function splitModel(bytes: Uint8Array, location: string): SplitModel {
  const proto = decode("ModelProto", bytes);
  const data: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array): void => {
    data.push(part);
    length += part.length;
  };
  const initializer = (proto.graph!.initializer ?? []).map((tensor): TensorProto => {
    const { rawData, ...rest } = tensor;
    if (rawData === undefined || rawData.length < leastBytes) return tensor;
    add(new Uint8Array((alignment - (length % alignment)) % alignment));
    const place = { location, offset: `${length}`, length: `${rawData.length}` };
    add(rawData);
    return { ...rest, externalData: Object.entries(place).map(([key, value]) => ({ key, value })), dataLocation: 1 };
  });
  return { model: encode("ModelProto", { ...proto, graph: { ...proto.graph!, initializer } }), data };
}
