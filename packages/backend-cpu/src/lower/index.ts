/** Every op that the backend has, and the cases that a kernel leaves to the op's meaning. */
import { kernelName, type Attributes, type Op, type TensorType } from "@ermine/core";
import { chain, chainOp } from "./chain.js";
import { attentions } from "./attention.js";
import { convolutions } from "./convolution.js";
import { elementwise } from "./elementwise.js";
import { fused } from "./fused.js";
import { movement } from "./movement.js";
import type { Lowering } from "./operand.js";
import { pools } from "./pooling.js";
import { products } from "./product.js";
import { reductions } from "./reduction.js";
import { updates } from "./updates.js";
import { windows } from "./window.js";

export type { Lowering, Operand } from "./operand.js";

export const lowerings: ReadonlyMap<string, Lowering> = new Map([
  ...elementwise,
  ...movement,
  ...reductions,
  ...products,
  ...windows,
  ...pools,
  ...convolutions,
  ...attentions,
  ...fused,
  ...updates,
]);

/** The definition's lowering, or that of what the compiler makes of several ops. */
export function loweringOf(op: Op): Lowering | undefined {
  if (op === chainOp) return chain;
  const name = kernelName(op);
  return name === undefined ? undefined : lowerings.get(name);
}

type Types = readonly (TensorType | undefined)[];

const spatial = (x: TensorType | undefined, most: number): boolean => x !== undefined && x.shape.length - 2 <= most;
const rows = (logits: TensorType | undefined, target: TensorType | undefined): boolean =>
  logits?.shape.length === 2 && target?.dtype === "int32";

const meanOptions = ["kernel", "stride", "padBefore", "padAfter", "countIncludePad"];
const plainMean = (attributes: Attributes): boolean => Object.keys(attributes).every((name) => meanOptions.includes(name));

/** The cases that a kernel takes; ops that are not named take all. */
const cases: Readonly<Record<string, (inputs: Types, attributes: Attributes) => boolean>> = {
  crossEntropyElements: ([logits, target]) => rows(logits, target),
  // (two gradients, logits, target, weight, two outputs)
  crossEntropyElementsGradient: (inputs) => inputs.length === 7 && rows(inputs[2], inputs[3]),
  bceWithLogitsElements: ([, , weight, posWeight]) => weight === undefined && posWeight === undefined,
  bceWithLogitsElementsGradient: (inputs) => inputs[3] === undefined && inputs[4] === undefined,
  maxPool: ([x]) => spatial(x, 3),
  maxPoolGradient: ([g]) => spatial(g, 3),
  avgPool: ([x], attributes) => spatial(x, 3) && plainMean(attributes),
  avgPoolGradient: ([g], attributes) => spatial(g, 3) && plainMean(attributes),
  convolution: ([x]) => spatial(x, 3),
  convolutionGradient: ([g]) => spatial(g, 3),
  convolutionTranspose: ([x]) => spatial(x, 3),
  unfold: ([x]) => spatial(x, 3),
  // The kernels know eˣ − 1 for x ≤ 0 only.
  celu: (_, { alpha }) => (alpha as number) > 0,
  celuGradient: (_, { alpha }) => (alpha as number) > 0,
  // Five operands: a parameter, its gradient, two moments, the scalars. amsgrad has a third moment.
  adamUpdate: (inputs) => inputs.length === 5,
  adamwUpdate: (inputs) => inputs.length === 5,
};

export function supports(op: string, inputs: Types, attributes: Attributes): boolean {
  return cases[op]?.(inputs, attributes) ?? true;
}
