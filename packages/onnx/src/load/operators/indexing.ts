/** Operators that look elements up by index and put them there. */
import {
  add,
  arange,
  broadcastTo,
  cast,
  concat,
  equal,
  ErmineError,
  gather,
  greater,
  indexSelect,
  less,
  max,
  min,
  mul,
  permute,
  prod,
  reshape,
  scatterAdd,
  sub,
  tensor,
  where,
  zeros,
  type Shape,
  type Size,
  type Tensor,
} from "@ermine/core";
import { sizeOf } from "@ermine/core/define";
import { mostFolded, picked } from "../host.js";
import { countOf, Value } from "../value.js";
import { countedFromStart, normalizedAxis } from "./axes.js";
import type { Call, Entries, Operator } from "./operator.js";

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** The indices of a call as int32 from 0 on: checked on the host where they are there. */
function indicesOf(call: Call, position: number, size: Size): Tensor {
  const value = call.value(position);
  const { host } = value;
  if (host === undefined) return countedFromStart(value.tensor, size);
  const elements = Array.from(host.elements);
  if (elements.every((element) => typeof element === "number" && element >= 0)) return value.tensor;
  if (typeof size !== "number" || elements.some((element) => typeof element !== "number"))
    return countedFromStart(value.tensor, size);
  return tensor(
    Int32Array.from(elements as number[], (index) => (index < 0 ? index + size : index)),
    { shape: host.shape },
  );
}

const gatherOperator: Operator = {
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.attributes.int("axis", 0), x.rank);
    const indices = indicesOf(call, 1, x.shape[axis]!);
    const rows = indexSelect(x, axis, reshape(indices, [sizeOf(indices.shape)]));
    return reshape(rows, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
  },
  fold(call, [x, indices]) {
    const axis = normalizedAxis(call.attributes.int("axis", 0), x!.shape.length);
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    if (countOf(shape) > mostFolded) return undefined;
    const size = x!.shape[axis]!;
    const at = Array.from(indices!.elements, (index) => (typeof index === "number" && index < 0 ? index + size : index));
    if (at.some((index) => typeof index !== "number" || index < 0 || index >= size))
      throw new ErmineError("ERMINE_VALUE", `An index is not in ${-size} … ${size - 1}: ${at.join(", ")}.`);
    const rank = indices!.shape.length;
    return picked(x!, shape, (index) => {
      let place = 0;
      for (let i = 0; i < rank; i++) place = place * indices!.shape[i]! + index[axis + i]!;
      return [...index.slice(0, axis), at[place] as number, ...index.slice(axis + rank)];
    });
  },
  opaque: [1],
  layout: (position, attributes) => (position === 0 && attributes.int("axis", 0) === 0 ? "rows" : undefined),
};

const gatherElements: Operator = {
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.attributes.int("axis", 0), x.rank);
    return gather(x, axis, indicesOf(call, 1, x.shape[axis]!));
  },
  opaque: [1],
};

/** Rows of the flattened axes that tuples of indices say: [..., k] of int32 to [...]. */
function flatIndices(indices: Tensor, sizes: readonly number[]): Tensor {
  const columns = sizes.map((size, i) => {
    const column = indexSelect(indices, indices.rank - 1, tensor(Int32Array.of(i)));
    return countedFromStart(reshape(column, indices.shape.slice(0, -1)), size);
  });
  return columns.reduce((flat, column, i) => add(mul(flat, sizes[i]!), column));
}

function known(shape: Shape): readonly number[] {
  if (shape.every((size) => typeof size === "number")) return shape as readonly number[];
  throw new ErmineError("ERMINE_UNSUPPORTED", `Tuples of indices need sizes that are known, got [${shape.join(", ")}].`);
}

/** x with the first `batch` axes counted in the indices, so that one flat index says a row. */
const gatherND: Operator = {
  run(call) {
    const [x, indices] = [call.tensor(0), call.tensor(1)];
    const batch = call.attributes.int("batch_dims", 0);
    const shape = known(x.shape);
    const depth = indices.shape.at(-1) as number;
    const picks = shape.slice(batch, batch + depth);
    const rest = shape.slice(batch + depth);
    const batches = product(shape.slice(0, batch));
    const flat = reshape(flatIndices(indices, picks), [batches, -1]);
    const count = flat.shape[1] as number;
    const offsets = reshape(mul(arange(batches), product(picks)), [batches, 1]);
    const rows = reshape(x, [batches * product(picks), product(rest)]);
    const chosen = indexSelect(rows, 0, reshape(add(flat, offsets), [batches * count]));
    return reshape(chosen, [...indices.shape.slice(0, -1), ...rest]);
  },
  opaque: [1],
};

type Reduction = "none" | "add" | "mul" | "max" | "min";

function reductionOf(call: Call): Reduction {
  const reduction = call.attributes.string("reduction", "none");
  if (["none", "add", "mul", "max", "min"].includes(reduction)) return reduction as Reduction;
  throw new ErmineError("ERMINE_DATA", `Its reduction is ${JSON.stringify(reduction)}.`);
}

/**
 * Updates put into the elements of a vector: of several for one place they are added, multiplied or compared; without a reduction they are not several.
 *
 * @param base [n]
 * @param places [m] int32
 * @param updates [m]
 */
function scattered(base: Tensor, places: Tensor, updates: Tensor, reduction: Reduction): Tensor {
  const dtype = base.dtype === "bool" ? "int32" : base.dtype;
  const [x, u] = [cast(base, dtype), cast(updates, dtype)];
  let result: Tensor;
  if (reduction === "add") result = scatterAdd(x, 0, places, u);
  else if (reduction === "none") {
    const isHit = greater(scatterAdd(zeros(x.shape, { dtype: "int32" }), 0, places, onesOf(places)), 0);
    result = where(isHit, scatterAdd(zeros(x.shape, { dtype }), 0, places, u), x);
  } else {
    // Each place against each update: of few of them, as files have them.
    const [n, m] = [x.shape[0] as number, u.shape[0] as number];
    const fits = equal(reshape(arange(n), [n, 1]), reshape(places, [1, m]));
    const row = reshape(u, [1, m]);
    const limit = dtype === "int32" ? 2 ** 31 - 1 : Infinity;
    const none = reduction === "mul" ? 1 : reduction === "max" ? (dtype === "int32" ? -limit - 1 : -limit) : limit;
    const all = concat([reshape(x, [n, 1]), where(fits, broadcastTo(row, [n, m]), none)], 1);
    result = (reduction === "mul" ? prod : reduction === "max" ? max : min)(all, { axis: 1 });
  }
  return cast(result, base.dtype);
}

const onesOf = (places: Tensor): Tensor => add(mul(places, 0), 1);

const scatterElements: Operator = {
  run(call) {
    const [x, updates] = [call.tensor(0), call.tensor(2)];
    const axis = normalizedAxis(call.attributes.int("axis", 0), x.rank);
    const shape = known(x.shape);
    const indices = indicesOf(call, 1, shape[axis]!);
    const counts = known(indices.shape);
    // Where each update goes, row by row.
    let flat: Tensor | undefined;
    shape.forEach((size, i) => {
      const indicesOfAxis =
        i === axis
          ? indices
          : broadcastTo(
              reshape(
                arange(counts[i]!),
                counts.map((n, k) => (k === i ? n : 1)),
              ),
              counts,
            );
      flat = flat === undefined ? indicesOfAxis : add(mul(flat, size), indicesOfAxis);
    });
    const [n, m] = [product(shape), product(counts)];
    return reshape(scattered(reshape(x, [n]), reshape(flat!, [m]), reshape(updates, [m]), reductionOf(call)), shape);
  },
  opaque: [1],
};

const scatterND: Operator = {
  run(call) {
    const [x, indices, updates] = [call.tensor(0), call.tensor(1), call.tensor(2)];
    const shape = known(x.shape);
    const depth = indices.shape.at(-1) as number;
    const [picks, rest] = [shape.slice(0, depth), shape.slice(depth)];
    const row = product(rest);
    const flat = flatIndices(indices, picks);
    const count = product(known(flat.shape));
    const places = add(mul(reshape(flat, [count, 1]), row), reshape(arange(row), [1, row]));
    const result = scattered(
      reshape(x, [product(shape)]),
      reshape(places, [count * row]),
      reshape(updates, [count * row]),
      reductionOf(call),
    );
    return reshape(result, shape);
  },
  opaque: [1],
};

const oneHot: Operator = {
  run(call) {
    const indices = cast(call.tensor(0), "int32");
    const depth = call.number(1);
    const values = call.tensor(2);
    const axis = normalizedAxis(call.attributes.int("axis", -1), indices.rank + 1);
    call.checkSize([...indices.shape, depth]);
    const counted = remainderOf(indices, depth);
    const shape = [...indices.shape.slice(0, axis), 1, ...indices.shape.slice(axis)];
    const places = reshape(
      arange(depth),
      shape.map((_, i) => (i === axis ? depth : 1)),
    );
    const isHot = equal(reshape(counted, shape), places);
    const [off, on] = [0, 1].map((i) => reshape(indexSelect(values, 0, tensor(Int32Array.of(i))), []));
    return where(isHot, on!, off!);
  },
  statics: [1],
  opaque: [0],
};

/** Negative indices count from the end; others that are outside stay there, and are nowhere hot. */
const remainderOf = (indices: Tensor, depth: number): Tensor => where(less(indices, 0), add(indices, depth), indices);

/** Each sequence of the batch backwards over its own length. */
const reverseSequence: Operator = {
  run(call) {
    const [x, lengths] = [call.tensor(0), call.tensor(1)];
    const [time, batch] = [call.attributes.int("time_axis", 0), call.attributes.int("batch_axis", 1)];
    const [steps, sequences] = [x.shape[time] as number, x.shape[batch]!];
    const at = reshape(arange(steps), [steps, 1]);
    const length = reshape(lengths, [1, sequences]);
    const places = where(less(at, length), sub(sub(length, 1), at), at);
    const arranged = reshape(time === 0 ? places : permute(places, [1, 0]), [
      x.shape[0]!,
      x.shape[1]!,
      ...x.shape.slice(2).map(() => 1),
    ]);
    return gather(x, time, broadcastTo(arranged, x.shape));
  },
  opaque: [1],
};

/** Positions of what is not 0, where the host knows the elements. */
const nonZero: Operator = {
  run(call) {
    const { shape, elements } = call.host(0);
    const strides = shape.map((_, axis) => product(shape.slice(axis + 1)));
    const places = Array.from(elements).flatMap((element, i) => (element === 0 ? [] : [i]));
    const rows = shape.map((size, axis) => places.map((i) => Math.floor(i / strides[axis]!) % size));
    return Value.host({ shape: [shape.length, places.length], dtype: "int32", elements: rows.flat() });
  },
  statics: [0],
};

const compress: Operator = {
  run(call) {
    const x = call.tensor(0);
    const chosen = call.numbers(1).flatMap((keep, i) => (keep === 0 ? [] : [i]));
    const given = call.attributes.int("axis", undefined);
    const indices = tensor(Int32Array.from(chosen));
    if (given === undefined) return indexSelect(reshape(x, [sizeOf(x.shape)]), 0, indices);
    return indexSelect(x, normalizedAxis(given, x.rank), indices);
  },
  statics: [1],
};

export const indexing: Entries = [
  ["Gather", gatherOperator],
  ["GatherElements", gatherElements],
  ["GatherND", gatherND],
  ["ScatterElements", scatterElements],
  ["Scatter", scatterElements],
  ["ScatterND", scatterND],
  ["OneHot", oneHot],
  ["ReverseSequence", reverseSequence],
  ["NonZero", nonZero],
  ["Compress", compress],
];
