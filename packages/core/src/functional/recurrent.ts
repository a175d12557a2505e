/**
 * Steps of recurrent cells between their products, as ops: a backend goes over the elements once forward and once backward, and what a gradient needs of a step is
 * its gates and the state before it. Their gradients are part of their definitions, for few programs have such layers.
 */
import { sigmoid } from "../activations/sigmoid.js";
import { builtinOp, typeWith, type InputSpec, type Op } from "../ir/op.js";
import { apply } from "../ops/apply.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { concat, split } from "../ops/concat.js";
import { tanh } from "../ops/unary.js";
import { countElements, formatShape, sameShape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { TensorType } from "../types/storage.js";
import type { Tensor } from "../types/tensor.js";

/** Ops without attributes. */
type Plain = Record<string, never>;

/** The pieces of the last axis, so many of one size. */
const pieces = (t: Tensor, count: number): readonly Tensor[] => {
  const size = (t.shape.at(-1) as number) / count;
  return split(
    t,
    Array.from({ length: count }, () => size),
    -1,
  );
};

/** @throws ErmineError ERMINE_SHAPE where the parts of the gates are not [..., gates · H] for a state of [..., H] */
function checkGates(op: string, gates: number, [input, recurrent, state]: readonly TensorType[]): void {
  const size = state!.shape.at(-1);
  if (typeof size === "number") {
    const expected = [...state!.shape.slice(0, -1), gates * size];
    if ([input, recurrent].every((t) => sameShape(t!.shape, expected))) return;
  }
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${op}: both parts of the gates are [..., ${gates} · H] and the state is [..., H], got ${[input, recurrent, state].map((t) => formatShape(t!.shape)).join(", ")}.`,
  );
}

/** g · y · (1 − y): through a sigmoid that gave y. */
const throughSigmoid = (g: Tensor, y: Tensor): Tensor => mul(g, mul(y, sub(1, y)));
/** g · (1 − y²): through a tanh that gave y. */
const throughTanh = (g: Tensor, y: Tensor): Tensor => mul(g, sub(1, mul(y, y)));
/** With what flows to the gates themselves, where something does: in the gradient of a gradient. */
const plus = (g: Tensor, more: Tensor | undefined): Tensor => (more === undefined ? g : add(g, more));

/** Tensors, the last of which, the gradient of the gates, may be left out. */
/* @__NO_SIDE_EFFECTS__ */
const floats = (...names: readonly string[]): InputSpec[] =>
  names.map((name, i) => ({ name, dtype: "float32", optional: i === names.length - 1 }));

/**
 * The gradients of both parts of the gates' sums, which are equal, and of c: from those of h and of c', the gates, c and c'. With t = tanh(c') and
 * s = gc + gh · o · (1 − t²): s · g · i(1 − i), s · c · f(1 − f), s · i · (1 − g²), gh · t · o(1 − o), and s · f.
 */
const lstmCellGradientOp = builtinOp<Plain>({
  name: "lstmCellGradient",
  inputs: floats("toH", "toNext", "gates", "c", "next", "toGates"),
  infer: ([, , gates, c]) => [typeWith(gates!.shape), typeWith(c!.shape)],
  decompose([toH, toNext, gates, c, next, toGates]) {
    const [i, f, g, o] = pieces(gates!, 4) as readonly [Tensor, Tensor, Tensor, Tensor];
    const [gi, gf, gg, go] = toGates === undefined ? [] : pieces(toGates, 4);
    const t = tanh(next!);
    const s = add(toNext!, throughTanh(mul(toH!, o), t));
    const sums = [
      throughSigmoid(plus(mul(s, g), gi), i),
      throughSigmoid(plus(mul(s, c!), gf), f),
      throughTanh(plus(mul(s, i), gg), g),
      throughSigmoid(plus(mul(toH!, t), go), o),
    ];
    return [concat(sums, -1), mul(s, f)];
  },
});

/**
 * The gradients of the input's and of the state's part of the gates' sums, and of h: from that of h', the gates r, z, n, u, and h. With
 * d = g · (1 − z) · (1 − n²), in the order r, z, n: d · u · r(1 − r), g · (h − n) · z(1 − z), and d, of the state's part d · r; and g · z.
 */
const gruCellGradientOp = builtinOp<Plain>({
  name: "gruCellGradient",
  inputs: floats("toNext", "gates", "h", "toGates"),
  infer([, , h]) {
    const { shape } = h!;
    const sums = typeWith([...shape.slice(0, -1), 3 * (shape.at(-1) as number)]);
    return [sums, sums, typeWith(shape)];
  },
  decompose([toNext, gates, h, toGates]) {
    const [r, z, n, u] = pieces(gates!, 4) as readonly [Tensor, Tensor, Tensor, Tensor];
    const [gr, gz, gn, gu] = toGates === undefined ? [] : pieces(toGates, 4);
    const d = throughTanh(plus(mul(toNext!, sub(1, z)), gn), n);
    const toR = throughSigmoid(plus(mul(d, u), gr), r);
    const toZ = throughSigmoid(plus(mul(toNext!, sub(h!, n)), gz), z);
    return [concat([toR, toZ, d], -1), concat([toR, toZ, plus(mul(d, r), gu)], -1), mul(toNext!, z)];
  },
});

const inputs = [
  { name: "input", dtype: "value" },
  { name: "recurrent", dtype: "value" },
  { name: "state", dtype: "value" },
] as const;

/**
 * A step of an LSTM. Inputs: the input's and the state's part of the gates' sums, [..., 4 · H] each, and c [..., H]. Outputs: h = o · tanh(c'),
 * c' = f · c + i · g, and the gates i, f, o = σ(…), g = tanh(…) in the order i, f, g, o, [..., 4 · H].
 */
export const lstmCellOp: Op<Plain> = builtinOp<Plain>({
  name: "lstmCell",
  inputs,
  residuals: [2],
  infer(types) {
    checkGates("lstmCell", 4, types as readonly TensorType[]);
    return [2, 2, 0].map((i) => typeWith(types[i]!.shape));
  },
  decompose([input, recurrent, c]) {
    const [i, f, g, o] = pieces(add(input!, recurrent!), 4).map((sum, gate) => (gate === 2 ? tanh(sum) : sigmoid(sum)));
    const next = add(mul(f!, c!), mul(i!, g!));
    return [mul(o!, tanh(next)), next, concat([i!, f!, g!, o!], -1)];
  },
  gradient([toH, toNext, toGates], [, , c], [, next, gates]) {
    const [sums, toC] = apply(lstmCellGradientOp, [toH, toNext, gates, c, next, toGates], {});
    return [sums, sums, toC];
  },
  // Four sums and activations, two products and their sum, tanh and its product.
  flops: ([, , state]) => 13 * countElements(state!.shape),
});

/**
 * A step of a GRU. Inputs: the input's and the state's part of the gates' sums, [..., 3 · H] each in the order r, z, n, and h [..., H]. Outputs:
 * h' = (1 − z) · n + z · h, and r, z = σ(…), n = tanh(x + r · u), and u, the state's part of n, next to each other, [..., 4 · H].
 */
export const gruCellOp: Op<Plain> = builtinOp<Plain>({
  name: "gruCell",
  inputs,
  residuals: [1],
  infer(types) {
    checkGates("gruCell", 3, types as readonly TensorType[]);
    const { shape } = types[2]!;
    return [typeWith(shape), typeWith([...shape.slice(0, -1), 4 * (shape.at(-1) as number)])];
  },
  decompose([input, recurrent, h]) {
    const [xr, xz, xn] = pieces(input!, 3);
    const [hr, hz, u] = pieces(recurrent!, 3);
    const r = sigmoid(add(xr!, hr!));
    const z = sigmoid(add(xz!, hz!));
    const n = tanh(add(xn!, mul(r, u!)));
    return [add(mul(sub(1, z), n), mul(z, h!)), concat([r, z, n, u!], -1)];
  },
  gradient: ([toNext, toGates], [, , h], [, gates]) => apply(gruCellGradientOp, [toNext, gates, h, toGates], {}),
  flops: ([, , state]) => 12 * countElements(state!.shape),
});
