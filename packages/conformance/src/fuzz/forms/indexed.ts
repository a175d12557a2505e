/** Elements and rows by index: read, added to, set. Indices are inputs, or computed. */
import type { Builder } from "../builder.js";
import type { Ref } from "../program.js";
import { form, type Form } from "./form.js";

/** int32 indices of that shape into an axis of `size`: fed, or computed; seldom one is outside, which everyone must refuse. */
function indices(b: Builder, shape: readonly number[], size: number): Ref {
  if (b.random.chance(0.02)) return b.leaf(shape, "int32", { from: -1, to: size });
  const candidates = b.values({ dtype: "int32", shape });
  if (candidates.length > 0 && size > 0 && b.random.chance(0.5)) return b.call("remainder", b.random.pick(candidates), size);
  return b.indices(shape, size);
}

const nonempty =
  (axis: number) =>
  (shape: readonly number[]): boolean =>
    shape.length > 0 && shape.at(axis)! > 0;
const values = (b: Builder): "float32" | "int32" => (b.random.chance(0.8) ? "float32" : "int32");

/** A tensor with an axis to look along, and indices of its rank. */
function along(b: Builder) {
  const x = b.operand({ dtype: values(b), ranks: [1, 3], fits: (shape) => !shape.includes(0) });
  const shape = b.shapeOf(x);
  const axis = b.random.integer(0, shape.length - 1);
  const indexShape = shape.map((size, i) => (i === axis ? b.size() : b.random.chance(0.7) ? size : b.random.integer(0, size)));
  return { x, axis, shape: indexShape, index: indices(b, indexShape, shape[axis]!) };
}

/** A tensor with an axis of rows, and a list of indices. */
function rows(b: Builder, dtype = values(b)) {
  const axis = b.random.integer(0, 1);
  const x = b.operand({ dtype, ranks: [axis + 1, 3], fits: nonempty(axis) });
  const shape = b.shapeOf(x);
  const count = b.size();
  return { x, axis, index: indices(b, [count], shape[axis]!), updates: shape.map((size, i) => (i === axis ? count : size)) };
}

export const indexed: readonly Form[] = [
  ...["gather", "takeAlong"].map((name) =>
    form(
      name,
      (b) => {
        const { x, axis, index } = along(b);
        return b.call(name, x, axis, index);
      },
      name === "gather" ? 1.5 : 0.2,
    ),
  ),
  form(
    "scatterAdd",
    (b) => {
      const { x, axis, shape, index } = along(b);
      return b.call("scatterAdd", x, axis, index, b.operand({ dtype: b.dtypeOf(x), shape }));
    },
    1.5,
  ),
  form(
    "indexSelect",
    (b) => {
      const { x, axis, index } = rows(b);
      return b.call("indexSelect", x, axis, index);
    },
    2,
  ),
  form(
    "indexAdd",
    (b) => {
      const { x, axis, index, updates } = rows(b);
      return b.call("indexAdd", x, axis, index, b.operand({ dtype: b.dtypeOf(x), shape: updates }));
    },
    1.5,
  ),
  form("sumRows", (b) => {
    const size = b.random.integer(1, 5);
    const table = b.float({ ranks: [2, 2] });
    const index = indices(b, b.shapeOf(table).slice(0, 1), size);
    return b.take("sumRows", b.random.pick([".sums", ".sums", ".share"]), index, table, size);
  }),
  form("setRows", (b) => {
    const table = b.float({ ranks: [2, 2], fits: nonempty(0) });
    const [size, width] = b.shapeOf(table) as readonly [number, number];
    const count = b.size();
    const index = indices(b, [count], size);
    // Rows of one index must be the same.
    return b.call("setRows", table, index, b.take("sumRows", ".sums", index, b.float({ shape: [count, width] }), size));
  }),
  form("oneHot", (b) => {
    const classes = b.random.integer(1, 5);
    return b.call("oneHot", indices(b, b.shape({ ranks: [0, 3] }), classes), classes);
  }),
  form("apply1", (b) => {
    const table = b.float({ ranks: [2, 2], fits: nonempty(0) });
    const size = b.shapeOf(table)[0]!;
    const attributes = { paddingIdx: b.random.pick([null, 0]), scaleGradByFreq: b.random.chance(0.5) };
    return b.call("apply1", { name: "embeddingOp" }, [table, indices(b, [b.size()], size)], attributes);
  }),
];
