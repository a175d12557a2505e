/**
 * Optimizers' steps: (parameter, gradient, what is kept beside it…, the step's scalars) → new values. Eagerly they are what they
 * mean; in a program TensorFlow's own kernels write the variables where they stand (`compiled/inPlace.ts`).
 */
import { kernelName, type Op } from "@ermine/core";
import { binary, call, scalar, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports } from "./emitter.js";

/** The static options of an optimizer, as its op's attributes have them. */
export interface AdamOptions {
  readonly maximize: boolean;
  /** 0: none. What it is at this step is one of the scalars. */
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly amsgrad: boolean;
  /** adam's; adamw's always is. */
  readonly decoupledWeightDecay?: boolean;
}

export interface SgdOptions {
  readonly maximize: boolean;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
}

export const add = (e: Emitter, a: Operand, b: Operand): Operand => binary(e, "AddV2", a, b);
export const mul = (e: Emitter, a: Operand, b: Operand): Operand => binary(e, "Mul", a, b);
/** One number of a vector: all of them are one op's outputs. */
export function scalarAt(e: Emitter, vector: Operand, i: number): Operand {
  const { shape, dtype } = vector;
  const count = shape[0] as number;
  const attributes = { num: { int: count }, T: { type: dtype }, axis: { int: 0 } };
  return e.op(
    "Unpack",
    [vector],
    attributes,
    Array.from({ length: count }, () => ({ shape: [], dtype })),
  )[i]!;
}

/** The gradient of what is minimized. */
export const downhill = (e: Emitter, g: Operand, maximize: boolean): Operand => (maximize ? unary(e, "Neg", g) : g);

const adam =
  (always: boolean): Lowering =>
  (e, operands, { options }: { options: AdamOptions }) => {
    const decoupled = always || options.decoupledWeightDecay === true;
    const [p, g, m, v, ...rest] = operands as readonly Operand[] as [Operand, Operand, Operand, Operand, ...Operand[]];
    const scalars = rest.at(-1)!;
    const decays = options.weightDecay !== 0;
    const factor = scalarAt(e, scalars, 2);
    const start = decays && decoupled ? mul(e, p, factor) : p;
    const own = downhill(e, g, options.maximize);
    const gradient = decays && !decoupled ? add(e, own, mul(e, p, factor)) : own;
    const first = add(e, mul(e, m, scalar(e, options.beta1)), mul(e, gradient, scalar(e, 1 - options.beta1)));
    const second = add(e, mul(e, v, scalar(e, options.beta2)), mul(e, mul(e, gradient, gradient), scalar(e, 1 - options.beta2)));
    const root = call(e, "Sqrt", [second], second.shape, "float32", { T: { type: "float32" } });
    const denominator = add(e, mul(e, root, scalarAt(e, scalars, 1)), scalar(e, options.epsilon));
    const next = binary(e, "Sub", start, mul(e, scalarAt(e, scalars, 0), binary(e, "RealDiv", first, denominator)));
    return [next, first, second];
  };

const sgd: Lowering = (e, operands, { options }: { options: SgdOptions }) => {
  const [p, g, ...rest] = operands as readonly Operand[] as [Operand, Operand, ...Operand[]];
  const scalars = rest.at(-1)!;
  const own = downhill(e, g, options.maximize);
  const gradient = options.weightDecay === 0 ? own : add(e, own, mul(e, p, scalarAt(e, scalars, 1)));
  const moved = (direction: Operand): Operand => binary(e, "Sub", p, mul(e, direction, scalarAt(e, scalars, 0)));
  if (options.momentum === 0) return [moved(gradient)];
  const momentum = scalar(e, options.momentum);
  const buffer = add(e, mul(e, rest[0]!, momentum), gradient);
  return [moved(options.nesterov ? add(e, gradient, mul(e, buffer, momentum)) : buffer), buffer];
};

/** How an update is taken in place: which of TensorFlow's kernels, and whether the decay is decoupled whatever its options say. */
export interface UpdateRule {
  readonly kernel: "adam" | "sgd";
  readonly decoupled: boolean;
}

const rules: Readonly<Record<string, UpdateRule>> = {
  adamUpdate: { kernel: "adam", decoupled: false },
  adamwUpdate: { kernel: "adam", decoupled: true },
  sgdUpdate: { kernel: "sgd", decoupled: false },
};

/** The rule of an update that can be taken in place. */
export function updateRuleOf(op: Op): UpdateRule | undefined {
  const name = kernelName(op);
  return name === undefined ? undefined : rules[name];
}

export const updateLowerings: Readonly<Record<string, Lowering>> = Object.fromEntries(
  Object.entries(rules).map(([name, { kernel, decoupled }]) => [name, kernel === "adam" ? adam(decoupled) : sgd]),
);

export const updateSupports: Readonly<Record<string, Supports>> = {
  adamUpdate: (_, { options }: { options: AdamOptions }) => !options.amsgrad,
  adamwUpdate: (_, { options }: { options: AdamOptions }) => !options.amsgrad,
  // With a dampening the gradient is scaled on its way into the momentum, which TensorFlow's kernel cannot.
  sgdUpdate: (_, { options }: { options: SgdOptions }) => options.momentum === 0 || options.dampening === 0,
};
