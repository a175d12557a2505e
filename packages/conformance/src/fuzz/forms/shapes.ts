/** Functions that move elements, and that make them. */
import type { Builder } from "../builder.js";
import type { Arg, Ref } from "../program.js";
import { form, type Form } from "./form.js";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Another shape of as many elements: its factors, in groups. */
function regrouped(b: Builder, shape: readonly number[]): readonly number[] {
  const { random } = b;
  const count = product(shape);
  if (count === 0) return random.shuffled(shape);
  let rest = count;
  const factors: number[] = [];
  for (let i = random.integer(0, 3); i > 0 && rest > 1; i--) {
    const divisors = Array.from({ length: Math.min(rest, 64) }, (_, k) => k + 1).filter((k) => rest % k === 0);
    const size = random.pick(divisors);
    factors.push(size);
    rest /= size;
  }
  if (rest > 1 || factors.length === 0) factors.push(rest);
  if (random.chance(0.3)) factors.splice(random.integer(0, factors.length), 0, 1);
  return random.chance(0.3) && count > 0 ? factors.map((size, i) => (i === 0 ? -1 : size)) : factors;
}

/** Two to three tensors that differ along one axis alone. */
function alongAxis(b: Builder, same: boolean): { readonly list: readonly Ref[]; readonly axis: number } {
  const dtype = b.random.pick(["float32", "float32", "float32", "int32", "bool"] as const);
  const first = b.operand({ dtype, ranks: [same ? 0 : 1, 3] });
  const shape = b.shapeOf(first);
  const axis = same ? b.random.integer(0, shape.length) : b.random.integer(0, shape.length - 1);
  const more = Array.from({ length: b.random.integer(1, 2) }, () =>
    b.operand({ dtype, shape: same || b.random.chance(0.5) ? shape : shape.map((size, i) => (i === axis ? b.size() : size)) }),
  );
  return { list: [first, ...more], axis };
}

export const shapes: readonly Form[] = [
  form("reshape", (b) => {
    const x = b.mixed();
    return b.call("reshape", x, regrouped(b, b.shapeOf(x)));
  }),
  form("transpose", (b) => {
    const x = b.mixed({ ranks: [2, 4] });
    return b.random.chance(0.6) ? b.call("transpose", x) : b.call("transpose", x, b.axis(b.shapeOf(x)), b.axis(b.shapeOf(x)));
  }),
  form("permute", (b) => {
    const x = b.mixed({ ranks: [2, 4] });
    return b.call("permute", x, b.random.shuffled(b.shapeOf(x).map((_, i) => i)));
  }),
  form("broadcastTo", (b) => {
    const wide = b.shape({ ranks: [1, 4] });
    return b.call("broadcastTo", b.mixed({ shape: b.narrower(wide) }), wide);
  }),
  form("flip", (b) => {
    const x = b.mixed({ ranks: [1, 4] });
    return b.random.chance(0.3) ? b.call("flip", x) : b.call("flip", x, b.axis(b.shapeOf(x)));
  }),
  form(
    "tile",
    (b) => {
      const x = b.mixed({ ranks: [0, 3] });
      return b.call(
        "tile",
        x,
        b.shapeOf(x).map(() => b.random.integer(0, 3)),
      );
    },
    0.7,
  ),
  form("flatten", (b) => b.call("flatten", b.mixed()), 0.5),
  form("squeeze", (b) => b.call("squeeze", b.mixed()), 0.5),
  form(
    "expandDims",
    (b) => {
      const x = b.mixed({ ranks: [0, 3] });
      return b.call("expandDims", x, b.random.integer(-1, b.shapeOf(x).length));
    },
    0.5,
  ),
  form("unsqueeze", (b) => b.call("unsqueeze", b.mixed({ ranks: [0, 3] }), 0), 0.2),
  form("concat", (b) => {
    const { list, axis } = alongAxis(b, false);
    return b.call("concat", list, axis);
  }),
  form("stack", (b) => {
    const { list, axis } = alongAxis(b, true);
    return b.call("stack", list, axis);
  }),
  form("split", (b) => {
    const x = b.mixed({ ranks: [1, 4] });
    const axis = b.axis(b.shapeOf(x));
    const size = b.shapeOf(x).at(axis)!;
    if (b.random.chance(0.5)) return b.take("split", "[0]", x, b.random.integer(1, Math.max(1, size)), axis);
    const first = b.random.integer(0, size);
    const sizes = [first, size - first];
    b.take("split", "[1]", x, sizes, axis);
    if (b.random.chance(0.4)) b.take("split", "[0]", x, sizes, axis);
  }),
  form("slice", (b) => {
    const x = b.mixed({ ranks: [1, 4] });
    const cuts = b.shapeOf(x).map((size) => {
      const count = b.random.chance(0.1) ? 0 : b.random.integer(Math.min(1, size), size);
      const step = b.random.pick([1, 1, 1, 2, -1, -2]);
      const keptCount = Math.min(count, Math.ceil(size / Math.abs(step)));
      const reach = (Math.max(keptCount, 1) - 1) * Math.abs(step);
      const low = b.random.integer(0, Math.max(0, size - 1 - reach));
      return [step > 0 ? low : low + reach, keptCount, step] as const;
    });
    return b.call(
      "slice",
      x,
      cuts.map(([start]) => start),
      cuts.map(([, size]) => size),
      cuts.map(([, , step]) => step),
    );
  }),
  form("at", (b) => {
    const x = b.mixed({ ranks: [1, 3] });
    const indices = b
      .shapeOf(x)
      .slice(0, b.random.integer(1, 3))
      .map((size): Arg => {
        const index = b.random.integer(-size, size - 1);
        const kinds: readonly Arg[] = [
          {},
          { start: b.random.integer(-size, size) },
          { stop: b.random.integer(-size, size) },
          { step: b.random.pick([2, -1, -2]) },
          ...(size > 0 ? [index, [index, 0]] : []),
        ];
        return b.random.pick(kinds);
      });
    return b.call("at", x, ...indices);
  }),
  form("pad", (b) => {
    const x = b.mixed({ ranks: [1, 4] });
    const mode = b.random.pick(["constant", "constant", "reflect", "replicate", "circular"]);
    const widths = b.shapeOf(x).map(() => [b.random.integer(-1, 2), b.random.integer(-1, 2)]);
    const value =
      mode === "constant" && b.random.chance(0.5)
        ? { value: b.dtypeOf(x) === "float32" ? b.number() : b.random.integer(0, 1) }
        : {};
    return b.call("pad", x, widths, { mode, ...value });
  }),
  form("diagonal", (b) => b.call("diagonal", b.mixed({ ranks: [2, 4] })), 0.5),
  form("trace", (b) => b.call("trace", b.mixed({ ranks: [2, 3] })), 0.3),
  form(
    "full",
    (b) => b.call("full", b.shape(), b.random.integer(-3, 3), { dtype: b.random.pick(["float32", "int32"] as const) }),
    0.3,
  ),
  form(
    "fullLike",
    (b) => b.call("fullLike", b.operand({ dtype: b.random.pick(["float32", "int32"]) }), b.random.integer(-3, 3)),
    0.3,
  ),
  ...["zeros", "ones"].map((name) => form(name, (b) => b.call(name, b.shape()), 0.2)),
  ...["zerosLike", "onesLike"].map((name) => form(name, (b) => b.call(name, b.mixed()), 0.2)),
  form("scalar", (b) => b.call("scalar", b.number()), 0.2),
  form("arange", (b) => b.call("arange", 0, b.random.integer(1, 6), b.random.pick([1, 2, 0.5])), 0.3),
  form("linspace", (b) => b.call("linspace", -1, 2, b.random.integer(0, 5)), 0.2),
  form("eye", (b) => b.call("eye", b.random.integer(0, 4), b.random.integer(0, 4)), 0.2),
  form(
    "apply1",
    (b) => {
      const x = b.mixed({ ranks: [1, 4] });
      return b.call("apply1", { name: "sizeOp" }, [x], { axes: [b.random.integer(0, b.shapeOf(x).length - 1)] });
    },
    0.4,
  ),
  // 0, 1, … as an op: for sizes that a graph knows.
  form("apply1", (b) => b.call("apply1", { name: "iotaOp" }, [], { size: b.size() }), 0.3),
  form("apply1", (b) => b.call("apply1", { name: "fullOp" }, [], { shape: b.shape(), value: b.number(), dtype: "float32" }), 0.3),
  form("random", (b) => b.call("random", b.leaf([3], "int32", { from: 0, to: 9 }), b.shape({ ranks: [1, 3] })), 0.5),
];
