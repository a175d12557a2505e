/** Every op that the backend has: its own, and those that other packages registered. */
import { ErmineError, type DType } from "@ermine/core";
import { checkArguments, show, type Attributes, type Op } from "@ermine/core/define";
import { type TensorType, bindKernelAs, kernelName } from "@ermine/core/backend";
import { kinds, stepForms } from "../generated/instructions.js";
import { attentions } from "./attention.js";
import { chain, chainOp } from "./chain.js";
import { convolutions } from "./convolution.js";
import { alone, elementwise } from "./elementwise.js";
import { fused } from "./fused.js";
import { movement } from "./movement.js";
import { normalizations } from "./normalization.js";
import type { Lowering } from "./operand.js";
import { pointwise, type PointwiseLowering, type Step } from "./pointwise.js";
import { pools } from "./pooling.js";
import { products } from "./product.js";
import { recurrentCells } from "./recurrent.js";
import { reductions } from "./reduction.js";
import { tableUpdate, tableUpdateOp, updates } from "./updates.js";
import { windows } from "./window.js";

export type { Lowering, Operand } from "./operand.js";

const builtin: ReadonlyMap<string, Lowering> = new Map([
  ...elementwise,
  ...movement,
  ...reductions,
  ...products,
  ...recurrentCells,
  ...windows,
  ...pools,
  ...convolutions,
  ...attentions,
  ...normalizations,
  ...fused,
  ...updates,
]);

const all = new Map(builtin);
const steps = new Map(pointwise);
let registrations = 0;

/** Every lowering, by the name that its op is bound to. */
export const lowerings: ReadonlyMap<string, Lowering> = all;

/** How often a lowering was registered: who copies the table makes it anew when this changes. */
export const registrationCount = (): number => registrations;

/** The definition's lowering, or that of what the compiler makes of several ops. */
export function loweringOf(op: Op): Lowering | undefined {
  if (op === chainOp) return chain;
  if (op === tableUpdateOp) return tableUpdate;
  const name = kernelName(op);
  return name === undefined ? undefined : all.get(name);
}

/** The definition as a step, where it is one. */
export function pointwiseOf(op: Op): PointwiseLowering | undefined {
  const name = kernelName(op);
  return name === undefined ? undefined : steps.get(name);
}

/** Does the lowering of that name take these? */
export const supports = (name: string, inputs: readonly (TensorType | undefined)[], attributes: Attributes): boolean =>
  all.get(name)?.supports?.(inputs, attributes) ?? true;

/**
 * Gives an op of another package a lowering of its own on every cpu backend of the process, present and future: the op is then one kernel eagerly, and
 * one instruction or a step of its neighbours' chain in compiled programs, instead of its decomposition. It belongs to the object `op`: others of its
 * name are not concerned. Registered again, the new lowering holds for what is compiled from then on.
 *
 * @param op a definition made with `defineOp` or `defineFusedOp`; of the latter's backward op, `op.gradientOp`, register one as well
 * @param lowering a step of the kernels for what works element by element, or what emits instructions
 * @throws ErmineError ERMINE_OPTION where one of the two is none, or the op is one of ermine's that has a lowering already
 *
 * @example
 * // leaky, as the kernel of leakyRelu
 * const leakyOp = defineOp({ name: "leaky", inputs: [{ name: "x", dtype: "float32" }], infer: ([x]) => [x!], decompose: ([x]) => [maximum(x!, mul(x!, 0.1))] });
 * registerLowering(leakyOp, {
 *   dtypes: ["float32"],
 *   step: () => ({ family: "activation", kind: kinds.activation.leakyRelu, reads: [0], p: 0.1 }),
 * });
 */
export function registerLowering(op: Op<never>, lowering: Lowering | PointwiseLowering): void {
  if (arguments.length > 2) checkArguments("registerLowering", arguments, 2);
  const { name, infer } = (op ?? {}) as Partial<Op>;
  if (typeof name !== "string" || typeof infer !== "function") {
    throw new ErmineError(
      "ERMINE_OPTION",
      `registerLowering takes an op (defineOp gives one) and its lowering, got ${show(op)}.`,
    );
  }
  const { dtypes, emit, step } = (lowering ?? {}) as Partial<Lowering & PointwiseLowering>;
  const dtypeNames: readonly unknown[] = ["float32", "int32", "bool"] satisfies DType[];
  const hasTypes = Array.isArray(dtypes) && dtypes.length > 0 && dtypes.every((dtype) => dtypeNames.includes(dtype));
  if (!hasTypes || (typeof emit === "function") === (typeof step === "function")) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `registerLowering: the lowering of ${name} has dtypes (of "float32", "int32", "bool") and either step or emit, got ${show(lowering)}.`,
    );
  }
  const listed = bindKernelAs(op, () => `${name}, registered ${registrations + 1}`);
  if (builtin.has(listed)) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `registerLowering: ${name} is an op of ermine's and has a lowering. Register one for an op of yours.`,
    );
  }
  registrations++;
  steps.delete(listed);
  if ("step" in lowering) {
    const checked: PointwiseLowering = { ...lowering, step: (...args) => checkStep(name, lowering.step(...args)) };
    steps.set(listed, checked);
    all.set(listed, alone(checked));
  } else all.set(listed, lowering);
}

/** Inputs that a step of each family reads. */
const operandCounts: Readonly<Record<string, number>> = { gradient: 2, binary: 2, where: 3, combine: 3 };

/** @throws ErmineError ERMINE_OPTION where it is no step of the kernels: they would end the program */
function checkStep(name: string, step: Step): Step {
  const { family, kind, reads } = step;
  const count = operandCounts[family] ?? 1;
  const fits =
    family in stepForms &&
    family !== "spread" &&
    Object.values<number>(kinds[family]).includes(kind) &&
    Array.isArray(reads) &&
    reads.length === count;
  if (fits) return step;
  throw new ErmineError(
    "ERMINE_OPTION",
    `The lowering of ${name} gives the step ${JSON.stringify(step)}: it has a family, one of that family's kinds, and reads as many inputs as the family takes.`,
  );
}
