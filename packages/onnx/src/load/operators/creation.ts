/** Operators that make tensors of sizes and constants, and those that change what elements are. */
import {
  add,
  arange,
  cast,
  equal,
  ErmineError,
  eye,
  full,
  greaterEqual,
  lessEqual,
  logicalAnd,
  reshape,
  sub,
  where,
  type DType,
  type Dim,
  type Size,
  type Tensor,
} from "@ermine/core";
import { apply1, sizeOf, subSizes } from "@ermine/core/define";
import { iotaOp } from "@ermine/core/backend";
import { mostFolded } from "../host.js";
import { dtypeOf, readTensor, roundingOf } from "../tensors.js";
import { castHost, countOf, Value } from "../value.js";
import type { Call, Entries, Operator } from "./operator.js";

const isOpen = (size: Size): size is Dim => typeof size !== "number";

const shapeOf: Operator = {
  run(call) {
    const { shape } = call.value(0);
    const within = (at: number): number => Math.min(Math.max(at < 0 ? at + shape.length : at, 0), shape.length);
    const [start, end] = [call.attributes.int("start", 0), call.attributes.int("end", shape.length)];
    return Value.list(shape.slice(within(start), within(end)));
  },
  shapesOf: [0],
  opaque: "all",
};

const count: Operator = {
  run: (call) => Value.host({ shape: [], dtype: "int32", elements: [sizeOf(call.value(0).shape)] }),
  shapesOf: [0],
  opaque: "all",
};

const constant: Operator = {
  run(call) {
    const { attributes } = call;
    const proto = attributes.tensor("value");
    if (proto !== undefined) return Value.host(readTensor(proto, "Its value"));
    const list = (elements: readonly number[], dtype: DType): Value => Value.host({ shape: [elements.length], dtype, elements });
    const one = (element: number, dtype: DType): Value => Value.host({ shape: [], dtype, elements: [element] });
    const [int, float] = [attributes.int("value_int", undefined), attributes.float("value_float", undefined)];
    if (int !== undefined) return one(int, "int32");
    if (float !== undefined) return one(float, "float32");
    const [ints, floats] = [attributes.ints("value_ints", undefined), attributes.floats("value_floats", undefined)];
    if (ints !== undefined) return list(ints, "int32");
    if (floats !== undefined) return list(floats, "float32");
    throw new ErmineError("ERMINE_UNSUPPORTED", "The constant is a text or a sparse tensor, which ermine does not have.");
  },
};

const filled: Operator = {
  run(call) {
    const shape = call.sizes(0);
    const proto = call.attributes.tensor("value");
    const { dtype, elements } =
      proto === undefined ? { dtype: "float32" as const, elements: [0] } : readTensor(proto, "Its value");
    call.checkSize(shape);
    const value = elements[0] as number;
    if (!shape.some(isOpen) && countOf(shape as readonly number[]) <= mostFolded) {
      const sizes = shape as readonly number[];
      return Value.host({ shape: sizes, dtype, elements: Array<number>(countOf(sizes)).fill(value) });
    }
    return full(shape, value, { dtype });
  },
  statics: [0],
};

const range: Operator = {
  run(call) {
    const [start, limit, step] = [0, 1, 2].map((i) => call.sizes(i)[0]!);
    const dtype = call.value(0).dtype;
    if ([start!, limit!, step!].some(isOpen)) {
      if (step !== 1) throw new ErmineError("ERMINE_UNSUPPORTED", `A range to an open size (${limit}) goes in steps of 1 only.`);
      const places = apply1(iotaOp, [], { size: subSizes(limit!, start!) });
      return start === 0 ? places : add(places, Value.host({ shape: [], dtype: "int32", elements: [start!] }).tensor);
    }
    const [from, to, by] = [start, limit, step] as [number, number, number];
    const length = Math.max(0, Math.ceil((to - from) / by));
    if (!Number.isFinite(length))
      throw new ErmineError("ERMINE_DATA", `A range from ${from} to ${to} in steps of ${by} has no end.`);
    call.checkSize([length]);
    if (length <= mostFolded)
      return Value.host({ shape: [length], dtype, elements: Array.from({ length }, (_, i) => from + i * by) });
    return arange(from, from + length * by, by, { dtype });
  },
  statics: [0, 1, 2],
};

/** Ones on a diagonal of a matrix as x. */
const eyeLike: Operator = {
  run(call) {
    const [rows, columns] = call.value(0).shape as readonly number[];
    const type = call.attributes.int("dtype", undefined);
    const dtype = type === undefined ? call.value(0).dtype : dtypeOf(type, "Its result");
    const k = call.attributes.int("k", 0);
    call.checkSize([rows!, columns!]);
    if (k === 0) return cast(eye(rows!, columns!), dtype);
    const offset = sub(reshape(arange(columns!), [1, columns!]), reshape(arange(rows!), [rows!, 1]));
    return cast(equal(offset, k), dtype);
  },
  shapesOf: [0],
  opaque: "all",
};

/** The part of the matrices on one side of a diagonal, 0 elsewhere. */
const triangle: Operator = {
  run(call) {
    const x = call.tensor(0);
    const k = call.has(1) ? call.number(1) : 0;
    const [rows, columns] = x.shape.slice(-2) as [Size, Size];
    const along = (size: Size): Tensor => apply1(iotaOp, [], { size });
    const offset = sub(reshape(along(columns), [1, columns]), reshape(along(rows), [rows, 1]));
    const kept = call.attributes.flag("upper", true) ? greaterEqual(offset, k) : lessEqual(offset, k);
    return x.dtype === "bool" ? logicalAnd(x, kept) : where(kept, x, 0);
  },
  statics: [1],
};

const casting = (to: (call: Call) => { readonly dtype: DType; readonly type?: number }): Operator => ({
  run(call) {
    const { dtype } = to(call);
    const x = call.tensor(0);
    return cast(x, dtype);
  },
  fold(call, [x]) {
    const { dtype, type } = to(call);
    const result = castHost(x!, dtype);
    const round = type === undefined ? undefined : roundingOf(type);
    return round === undefined
      ? result
      : {
          ...result,
          elements: Array.from(result.elements, (element) => (typeof element === "number" ? round(element) : element)),
        };
  },
});

const castOperator = casting((call) => {
  const type = call.attributes.int("to", 0);
  return { dtype: dtypeOf(type, "Its result"), type };
});

export const creation: Entries = [
  ["Shape", shapeOf],
  ["Size", count],
  ["Constant", constant],
  ["ConstantOfShape", filled],
  ["Range", range],
  ["EyeLike", eyeLike],
  ["Trilu", triangle],
  ["Cast", castOperator],
  ["CastLike", casting((call) => ({ dtype: call.value(1).dtype }))],
];
