/**
 * Optimizers' steps: (parameter, gradient, slots…, the step's scalars) → new values. Eagerly they are what they mean; in a program TensorFlow's own kernels
 * write the variables where they stand (`compiled/inPlace.ts`). Which step it is stands in the op's attributes: the form of its chain of
 * transformations, and the names of its scalars.
 */
import type { Attributes, Op } from "@ermine/core/define";
import { kernelName } from "@ermine/core/backend";
import { binary, call, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports } from "./emitter.js";

export const add = (e: Emitter, a: Operand, b: Operand): Operand => binary(e, "AddV2", a, b);
export const mul = (e: Emitter, a: Operand, b: Operand): Operand => binary(e, "Mul", a, b);

/** The scalars of a step by their names: all of them are one op's outputs. */
export type NamedScalars = (name: string) => Operand;

/** @param vector the named scalars in their order, before those of what is wrapped around the optimizer (an average) */
export const namedScalars =
  (e: Emitter, vector: Operand, attributes: Attributes): NamedScalars =>
  (name) => {
    const names = attributes["scalars"] as readonly string[];
    const { dtype } = vector;
    const count = vector.shape[0] as number;
    const unpacked = { num: { int: count }, T: { type: dtype }, axis: { int: 0 } };
    const outputs = Array.from({ length: count }, () => ({ shape: [], dtype }));
    return e.op("Unpack", [vector], unpacked, outputs)[names.indexOf(name)]!;
  };

/** The gradient of what is minimized. */
export const downhill = (e: Emitter, g: Operand, { climbs }: UpdateRule): Operand => (climbs ? unary(e, "Neg", g) : g);

const adam = (e: Emitter, operands: readonly Operand[], s: NamedScalars, rule: UpdateRule): Operand[] => {
  const [p, g, m, v] = operands as [Operand, Operand, Operand, Operand];
  const slope = downhill(e, g, rule);
  const gradient = rule.decay === "L2" ? add(e, slope, mul(e, p, s("weightDecay"))) : slope;
  const first = add(e, mul(e, m, s("beta1")), mul(e, gradient, s("taken1")));
  const second = add(e, mul(e, v, s("beta2")), mul(e, mul(e, gradient, gradient), s("taken2")));
  const root = call(e, "Sqrt", [second], second.shape, "float32", { T: { type: "float32" } });
  const denominator = add(e, mul(e, root, s("second")), s("eps"));
  const direction = binary(e, "RealDiv", mul(e, first, s("first")), denominator);
  const update = rule.decay === "decoupled" ? add(e, direction, mul(e, p, s("weightDecay"))) : direction;
  return [binary(e, "Sub", p, mul(e, update, s("learningRate"))), first, second];
};

const sgd = (e: Emitter, operands: readonly Operand[], s: NamedScalars, rule: UpdateRule): Operand[] => {
  const [p, g, momentum] = operands as [Operand, Operand, Operand?];
  const slope = downhill(e, g, rule);
  const gradient = rule.decay === "L2" ? add(e, slope, mul(e, p, s("weightDecay"))) : slope;
  const moved = (direction: Operand): Operand => binary(e, "Sub", p, mul(e, direction, s("learningRate")));
  if (momentum === undefined) return [moved(gradient)];
  const buffer = add(e, mul(e, momentum, s("momentum")), gradient);
  return [moved(rule.nesterov ? add(e, gradient, mul(e, buffer, s("momentum"))) : buffer), buffer];
};

/** How an update is taken in place: by which of TensorFlow's kernels, and what there is around it. */
export interface UpdateRule {
  readonly kernel: "adam" | "sgd";
  readonly decay: "none" | "L2" | "decoupled";
  readonly nesterov: boolean;
  readonly climbs: boolean;
}

/** The forms that TensorFlow has kernels for. */
const forms: Readonly<Record<string, Pick<UpdateRule, "kernel" | "decay"> & { readonly nesterov?: true }>> = {
  "scaleByAdam scaleByLearningRate": { kernel: "adam", decay: "none" },
  "addDecayedWeights scaleByAdam scaleByLearningRate": { kernel: "adam", decay: "L2" },
  "scaleByAdam addDecayedWeights scaleByLearningRate": { kernel: "adam", decay: "decoupled" },
  scaleByLearningRate: { kernel: "sgd", decay: "none" },
  "addDecayedWeights scaleByLearningRate": { kernel: "sgd", decay: "L2" },
  "applyMomentum scaleByLearningRate": { kernel: "sgd", decay: "none" },
  "addDecayedWeights applyMomentum scaleByLearningRate": { kernel: "sgd", decay: "L2" },
  "applyMomentum nesterov scaleByLearningRate": { kernel: "sgd", decay: "none", nesterov: true },
  "addDecayedWeights applyMomentum nesterov scaleByLearningRate": { kernel: "sgd", decay: "L2", nesterov: true },
};

const climbing = "negate ";

function ruleOf({ form }: Attributes): UpdateRule | undefined {
  if (typeof form !== "string") return undefined;
  const climbs = form.startsWith(climbing);
  const rule = forms[climbs ? form.slice(climbing.length) : form];
  return rule && { nesterov: false, ...rule, climbs };
}

/** The optimizers whose ops have a lowering, where their form has a rule. */
const names = ["adamUpdate", "adamwUpdate", "sgdUpdate"];

/** The rule of an update that can be taken in place. */
export function updateRuleOf(op: Op, attributes: Attributes): UpdateRule | undefined {
  const name = kernelName(op);
  return name !== undefined && names.includes(name) ? ruleOf(attributes) : undefined;
}

const update: Lowering = (e, operands, attributes: Attributes) => {
  const rule = ruleOf(attributes)!;
  const values = [...operands] as Operand[];
  const s = namedScalars(e, values.pop()!, attributes);
  return (rule.kernel === "adam" ? adam : sgd)(e, values, s, rule);
};

export const updateLowerings: Readonly<Record<string, Lowering>> = Object.fromEntries(names.map((name) => [name, update]));

export const updateSupports: Readonly<Record<string, Supports>> = Object.fromEntries(
  names.map((name) => [name, (_, attributes) => ruleOf(attributes as Attributes) !== undefined] satisfies [string, Supports]),
);
