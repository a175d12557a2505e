/**
 * What each op that works number by number is as one step of the kernels. A step runs alone over whole tensors (elementwise.ts) or, in
 * compiled programs, with its neighbours over a block at a time (compiled/fuse.ts).
 */
import { kernelName, type Attributes, type DType, type Op } from "@ermine/core";

/** Which kernel: assembly/unary.ts, activation.ts, binary.ts. "move" copies; "combine", a product and a sum, is of chains only. */
export type Family = "unary" | "activation" | "gradient" | "binary" | "where" | "move" | "combine";

export interface Step {
  readonly family: Family;
  readonly kind: number;
  /** The op's inputs that are read, by position; others are not needed. */
  readonly reads: readonly number[];
  /** An activation's options. */
  readonly p?: number;
  readonly q?: number;
}

/** Kinds of assembly/activation.ts that are one or two exponentials. */
const exponential = [3, 4, 5, 6, 8, 9, 14, 16, 17, 18, 19];

/** How long a step takes beside an addition. */
export function costOfStep({ family, kind }: Step): number {
  if (family === "unary") return kind >= 3 && kind <= 6 ? 8 : kind === 10 || kind === 11 ? 10 : kind === 8 || kind === 9 ? 60 : 1;
  if (family === "binary") return kind === 6 || kind === 7 ? 60 : 1;
  return (family === "activation" || family === "gradient") && exponential.includes(kind) ? 10 : 1;
}

export interface Pointwise {
  /** The dtypes of its first input. */
  readonly dtypes: readonly DType[];
  step(dtypes: readonly (DType | undefined)[], attributes: Attributes, result: DType): Step;
}

const float: readonly DType[] = ["float32"];
const numeric: readonly DType[] = ["float32", "int32"];
const all: readonly DType[] = ["float32", "int32", "bool"];

const unary = (kind: number, whole?: number): Pointwise => ({
  dtypes: whole === undefined ? float : numeric,
  step: ([dtype]) => ({ family: "unary", kind: dtype === "int32" ? whole! : kind, reads: [0] }),
});

const binary = (kind: number, whole: number, dtypes: readonly DType[]): Pointwise => ({
  dtypes,
  step: ([dtype]) => ({ family: "binary", kind: dtype === "float32" ? kind : whole, reads: [0, 1] }),
});

type Options = Readonly<Record<string, number>>;
type Parameters = (options: Options) => readonly [p: number, q?: number];

const activation = (kind: number, parameters: Parameters = () => [0]): Pointwise => ({
  dtypes: float,
  step(_, attributes) {
    const [p, q = 0] = parameters(attributes as Options);
    return { family: "activation", kind, reads: [0], p, q };
  },
});

/** Of (gradient of the output, input, output); `from` is which of the two is read. */
const gradient = (kind: number, parameters: Parameters = () => [0], from: 1 | 2 = 1): Pointwise => ({
  dtypes: float,
  step(_, attributes) {
    const [p, q = 0] = parameters(attributes as Options);
    return { family: "gradient", kind, reads: [0, from], p, q };
  },
});

const slope: Parameters = ({ negativeSlope }) => [negativeSlope!];
const meanSlope: Parameters = ({ lower, upper }) => [(lower! + upper!) / 2];
const alpha: Parameters = (options) => [options["alpha"]!];
const lambda: Parameters = (options) => [options["lambda"]!];
const within: Parameters = ({ minValue, maxValue }) => [minValue!, maxValue!];
const threshold: Parameters = (options) => [options["threshold"]!, options["value"]!];
const softplus: Parameters = (options) => [options["beta"]!, options["threshold"]!];

const approximated = (attributes: Attributes): number => (attributes["approximate"] === "tanh" ? 1 : 0);

const castKind = (from: DType, to: DType): number | undefined => {
  if (to === "bool") return from === "float32" ? 22 : from === "int32" ? 23 : undefined;
  if (to === "int32") return from === "float32" ? 20 : undefined;
  return from === "float32" ? undefined : 21;
};

export const pointwise: ReadonlyMap<string, Pointwise> = new Map(
  Object.entries({
    neg: unary(0, 17),
    abs: unary(1, 18),
    sign: unary(2, 19),
    exp: unary(3),
    log: unary(4),
    log1p: unary(5),
    expm1: unary(6),
    sqrt: unary(7),
    sin: unary(8),
    cos: unary(9),
    tanh: unary(10),
    erf: unary(11),
    floor: unary(12),
    ceil: unary(13),
    round: unary(14),
    isFinite: unary(15),
    logicalNot: { dtypes: ["bool"], step: () => ({ family: "unary", kind: 16, reads: [0] }) },
    cast: {
      dtypes: all,
      step([from], _, to) {
        const kind = castKind(from!, to);
        // bool and int32 are stored alike: the numbers only move.
        return { family: kind === undefined ? "move" : "unary", kind: kind ?? 0, reads: [0] };
      },
    },

    add: binary(0, 13, numeric),
    sub: binary(1, 14, numeric),
    mul: binary(2, 15, numeric),
    div: binary(3, 3, float),
    maximum: binary(4, 16, numeric),
    minimum: binary(5, 17, numeric),
    pow: binary(6, 6, float),
    remainder: binary(7, 18, numeric),
    equal: binary(8, 19, all),
    less: binary(9, 20, all),
    lessEqual: binary(10, 21, all),
    logicalAnd: binary(11, 11, ["bool"]),
    logicalOr: binary(12, 12, ["bool"]),
    where: { dtypes: ["bool"], step: () => ({ family: "where", kind: 0, reads: [0, 1, 2] }) },

    leakyRelu: activation(0, slope),
    rrelu: activation(0, meanSlope),
    clamp: activation(1, ({ min, max }) => [min ?? -Infinity, max ?? Infinity]),
    hardTanh: activation(1, within),
    relu6: activation(1, () => [0, 6]),
    threshold: activation(2, threshold),
    elu: activation(3, alpha),
    celu: activation(4, alpha),
    selu: activation(5),
    softplus: activation(6, softplus),
    softsign: activation(7),
    logSigmoid: activation(8),
    tanhshrink: activation(9),
    softshrink: activation(10, lambda),
    hardshrink: activation(11, lambda),
    hardSigmoid: activation(12),
    hardSwish: activation(13),
    mish: activation(14),
    relu: activation(15),
    sigmoid: activation(16),
    silu: activation(17),
    gelu: {
      dtypes: float,
      step: (_, attributes) => ({ family: "activation", kind: 18 + approximated(attributes), reads: [0], p: 0, q: 0 }),
    },

    leakyReluGradient: gradient(0, slope),
    rreluGradient: gradient(0, meanSlope),
    thresholdGradient: gradient(2, threshold),
    eluGradient: gradient(3, alpha),
    celuGradient: gradient(4, alpha),
    seluGradient: gradient(5),
    softplusGradient: gradient(6, softplus),
    softsignGradient: gradient(7),
    logSigmoidGradient: gradient(8),
    tanhshrinkGradient: gradient(9),
    hardSigmoidGradient: gradient(12),
    hardSwishGradient: gradient(13),
    mishGradient: gradient(14),
    reluGradient: gradient(15),
    sigmoidGradient: gradient(16, undefined, 2),
    siluGradient: gradient(17),
    geluGradient: {
      dtypes: float,
      step: (_, attributes) => ({ family: "gradient", kind: 18 + approximated(attributes), reads: [0, 1], p: 0, q: 0 }),
    },
    tanhGradient: gradient(20, undefined, 2),
    hardTanhGradient: gradient(21, within),
    relu6Gradient: gradient(21, () => [0, 6]),
    softshrinkGradient: gradient(22, lambda),
    hardshrinkGradient: gradient(22, lambda),
  } satisfies Record<string, Pointwise>),
);

/** The definition as a step, where it is one. */
export function pointwiseOf(op: Op): Pointwise | undefined {
  const name = kernelName(op);
  return name === undefined ? undefined : pointwise.get(name);
}
