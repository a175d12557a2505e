/** Activations. */
import {
  add,
  arange,
  argMax,
  cast,
  celu,
  clamp,
  elu,
  equal,
  exp,
  gelu,
  greater,
  hardSwish,
  leakyRelu,
  less,
  logSoftmax,
  maximum,
  minimum,
  mish,
  mul,
  relu,
  reshape,
  selu,
  sigmoid,
  softmax,
  softplus,
  softsign,
  sub,
  tanh,
  where,
  type Tensor,
} from "@ermine/core";
import { sizeOf } from "@ermine/core/define";
import { normalizedAxis } from "./axes.js";
import { over, type Call, type Entries, type Operator, type Versions } from "./operator.js";

const of = (fn: (x: Tensor) => Tensor): Operator => over((call) => fn(call.tensor(0)));

/** From version 13 on along one axis; before it over all axes from one on, as one. */
function along(fn: (x: Tensor, axis: number) => Tensor): Versions {
  const flattened = (call: Call): Tensor => {
    const x = call.tensor(0);
    const given = call.attributes.int("axis", 1);
    const axis = given === x.rank ? given : normalizedAxis(given, Math.max(x.rank, 1));
    const rows = reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
    return reshape(fn(rows, 1), x.shape);
  };
  return [
    [1, over(flattened)],
    [13, over((call) => fn(call.tensor(0), normalizedAxis(call.attributes.int("axis", -1), Math.max(call.tensor(0).rank, 1))))],
  ];
}

/** 1 at the first largest along the axis, 0 elsewhere. */
function hardmax(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis] as number;
  const places = reshape(
    arange(size),
    x.shape.map((_, i) => (i === axis ? size : 1)),
  );
  return cast(equal(argMax(x, { axis, keepDims: true }), places), "float32");
}

const seluAlpha = 1.673_263_2;
const seluGamma = 1.050_701;

const exponential = (x: Tensor, alpha: number, gamma: number): Tensor =>
  mul(gamma, where(greater(x, 0), x, mul(alpha, sub(exp(minimum(x, 0)), 1))));

export const activations: Entries = [
  // An integer has no gradient, and no relu of core's.
  ["Relu", of((x) => (x.dtype === "int32" ? maximum(x, 0) : relu(x)))],
  ["Sigmoid", of(sigmoid)],
  ["Softsign", of(softsign)],
  ["Softplus", of(softplus)],
  ["HardSwish", of(hardSwish)],
  ["Mish", of(mish)],
  ["LeakyRelu", over((call) => leakyRelu(call.tensor(0), { negativeSlope: call.attributes.float("alpha", 0.01) }))],
  ["Elu", over((call) => elu(call.tensor(0), { alpha: call.attributes.float("alpha", 1) }))],
  ["Celu", over((call) => celu(call.tensor(0), { alpha: call.attributes.float("alpha", 1) }))],
  [
    "Selu",
    over((call) => {
      const { attributes } = call;
      const x = call.tensor(0);
      const [alpha, gamma] = [attributes.float("alpha", undefined), attributes.float("gamma", undefined)];
      const isUsual = (given: number | undefined, usual: number): boolean =>
        given === undefined || Math.abs(given - usual) < 1e-6;
      return isUsual(alpha, seluAlpha) && isUsual(gamma, seluGamma)
        ? selu(x)
        : exponential(x, alpha ?? seluAlpha, gamma ?? seluGamma);
    }),
  ],
  [
    "HardSigmoid",
    over((call) =>
      clamp(add(mul(call.tensor(0), call.attributes.float("alpha", 0.2)), call.attributes.float("beta", 0.5)), 0, 1),
    ),
  ],
  [
    "Gelu",
    over((call) => gelu(call.tensor(0), { approximate: call.attributes.string("approximate", "none") as "none" | "tanh" })),
  ],
  ["Swish", over((call) => mul(call.tensor(0), sigmoid(mul(call.tensor(0), call.attributes.float("alpha", 1)))))],
  ["ThresholdedRelu", over((call) => where(greater(call.tensor(0), call.attributes.float("alpha", 1)), call.tensor(0), 0))],
  [
    "Shrink",
    over((call) => {
      const x = call.tensor(0);
      const [lambda, bias] = [call.attributes.float("lambd", 0.5), call.attributes.float("bias", 0)];
      return where(less(x, -lambda), add(x, bias), where(greater(x, lambda), sub(x, bias), 0));
    }),
  ],
  ["Softmax", along((x, axis) => softmax(x, { axis }))],
  ["LogSoftmax", along((x, axis) => logSoftmax(x, { axis }))],
  ["Hardmax", along(hardmax).map(([since, operator]) => [since, { ...operator, opaque: "all" as const }] as const)],
];

/** Activations of recurrent operators, by their names in lower case. */
export function recurrentActivation(
  name: string,
  alpha: number | undefined,
  beta: number | undefined,
): ((x: Tensor) => Tensor) | undefined {
  switch (name.toLowerCase()) {
    case "tanh":
      return tanh;
    case "relu":
      return relu;
    case "sigmoid":
      return sigmoid;
    case "softsign":
      return softsign;
    case "softplus":
      return softplus;
    case "affine":
      return (x) => add(mul(x, alpha ?? 1), beta ?? 0);
    case "leakyrelu":
      return (x) => leakyRelu(x, { negativeSlope: alpha ?? 0.01 });
    case "thresholdedrelu":
      return (x) => where(greater(x, alpha ?? 1), x, 0);
    case "scaledtanh":
      return (x) => mul(alpha ?? 1, tanh(mul(beta ?? 1, x)));
    case "hardsigmoid":
      return (x) => clamp(add(mul(x, alpha ?? 0.2), beta ?? 0.5), 0, 1);
    case "elu":
      return (x) => elu(x, { alpha: alpha ?? 1 });
    default:
      return undefined;
  }
}
