/**
 * What each op that works element by element is as one step of the kernels: a row of instructions/table.mjs, or below where its options are more
 * than attributes. A step runs alone over whole tensors (elementwise.ts) or, in
 * compiled programs, with its neighbours over a block at a time (compiled/fuse.ts).
 */
import type { DType } from "@ermine/core";
import type { Attributes } from "@ermine/core/define";
import { kinds, stepCosts, stepRows, type Family, type StepRow } from "../generated/instructions.js";
import type { Lowering } from "./operand.js";

/** A kernel over elements, with its options. */
export interface Step {
  /** The family of kernels: "unary", "activation", "gradient", "binary", "where", "move". */
  readonly family: Family;
  /** One of the family's `kinds`. */
  readonly kind: number;
  /** The op's inputs that are read, by position; others are not needed. */
  readonly reads: readonly number[];
  /** An activation's first option. Default 0. */
  readonly p?: number;
  /** An activation's second option. Default 0. */
  readonly q?: number;
}

/** The cost of an element in a step, relative to an addition. */
export const costOfStep = ({ family, kind }: Step): number => stepCosts[family][kind] ?? 1;

/**
 * An op that works element by element, as one step of the kernels: alone over whole tensors, in compiled programs together with its neighbours.
 * `registerLowering` takes one for an op of another package.
 */
export interface PointwiseLowering extends Pick<Lowering, "dtypes" | "supports"> {
  /**
   * The step for these inputs.
   *
   * @param dtypes of the inputs; `result` that of the output
   */
  step(dtypes: readonly (DType | undefined)[], attributes: Attributes, result: DType): Step;
}

type Options = Readonly<Record<string, number>>;
type Parameters = (options: Options) => readonly [p: number, q: number];

const float: readonly DType[] = ["float32"];
const all: readonly DType[] = ["float32", "int32", "bool"];

/** An op of the table: one step, its options the attributes that its row names. */
function fromRow({ family, kind, integers, options = [], reads, dtypes }: StepRow): PointwiseLowering {
  const inputs = family === "gradient" ? [0, reads ?? 1] : family === "where" ? [0, 1, 2] : family === "binary" ? [0, 1] : [0];
  return {
    dtypes: dtypes ?? (integers === undefined ? float : ["float32", "int32"]),
    step([dtype], attributes) {
      const [p = 0, q = 0] = options.map((name) => attributes[name] as number);
      return { family, kind: dtype === "float32" ? kind : (integers ?? kind), reads: inputs, p, q };
    },
  };
}

/** An activation whose options are not attributes as they are. */
const activation = (kind: number, parameters: Parameters): PointwiseLowering => ({
  dtypes: float,
  step(_, attributes) {
    const [p, q] = parameters(attributes as Options);
    return { family: "activation", kind, reads: [0], p, q };
  },
});

const gradient = (kind: number, parameters: Parameters): PointwiseLowering => ({
  dtypes: float,
  step(_, attributes) {
    const [p, q] = parameters(attributes as Options);
    return { family: "gradient", kind, reads: [0, 1], p, q };
  },
});

const meanSlope: Parameters = ({ lower, upper }) => [(lower! + upper!) / 2, 0];
const upToSix: Parameters = () => [0, 6];

/** GELU's two forms are kinds of their own. */
const geluKind = (family: "activation" | "gradient", attributes: Attributes): number =>
  attributes["approximate"] === "tanh" ? kinds[family].geluTanh : kinds[family].gelu;

const castKind = (from: DType, to: DType): number | undefined => {
  const { intToBool, toBool, toFloat, toInt } = kinds.unary;
  if (to === "bool") return from === "float32" ? toBool : from === "int32" ? intToBool : undefined;
  if (to === "int32") return from === "float32" ? toInt : undefined;
  return from === "float32" ? undefined : toFloat;
};

const hasPositiveAlpha: Lowering["supports"] = (_, { alpha }) => (alpha as number) > 0;

export const pointwise: ReadonlyMap<string, PointwiseLowering> = new Map(
  Object.entries({
    ...Object.fromEntries(Object.entries(stepRows).map(([name, row]) => [name, fromRow(row)])),
    // The kernels know eˣ − 1 for x ≤ 0 only.
    celu: { ...fromRow(stepRows["celu"]!), supports: hasPositiveAlpha },
    celuGradient: { ...fromRow(stepRows["celuGradient"]!), supports: hasPositiveAlpha },
    cast: {
      dtypes: all,
      step([from], _, to) {
        const kind = castKind(from!, to);
        // bool and int32 are stored alike: the elements only move.
        return { family: kind === undefined ? "move" : "unary", kind: kind ?? 0, reads: [0] };
      },
    },
    rrelu: activation(kinds.activation.leakyRelu, meanSlope),
    rreluGradient: gradient(kinds.gradient.leakyRelu, meanSlope),
    clamp: activation(kinds.activation.clamp, ({ min, max }) => [min ?? -Infinity, max ?? Infinity]),
    hardTanh: activation(kinds.activation.clamp, ({ minValue, maxValue }) => [minValue!, maxValue!]),
    relu6: activation(kinds.activation.clamp, upToSix),
    relu6Gradient: gradient(kinds.gradient.inside, upToSix),
    hardshrinkGradient: gradient(kinds.gradient.shrink, (options) => [options["lambda"]!, 0]),
    gelu: {
      dtypes: float,
      step: (_, attributes) => ({ family: "activation", kind: geluKind("activation", attributes), reads: [0], p: 0, q: 0 }),
    },
    geluGradient: {
      dtypes: float,
      step: (_, attributes) => ({ family: "gradient", kind: geluKind("gradient", attributes), reads: [0, 1], p: 0, q: 0 }),
    },
  } satisfies Record<string, PointwiseLowering>),
);
