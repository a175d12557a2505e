/** Every op of ermine's that TensorFlow has, each said once for eager and compiled. What is not here core decomposes. */
import type { DType } from "@ermine/core";
import type { Attributes, Op } from "@ermine/core/define";
import { type TensorType, kernelName } from "@ermine/core/backend";
import { activationLowerings } from "./activations.js";
import { convolutionLowerings, convolutionSupports } from "./convolution.js";
import { elementwiseLowerings } from "./elementwise.js";
import type { Lowering, Supports } from "./emitter.js";
import { lossLowerings, lossSupports } from "./losses.js";
import { movementLowerings } from "./movement.js";
import { cpuNormalizations, normalizationLowerings, normalizationSupports } from "./normalization.js";
import { poolingLowerings, poolingSupports } from "./pooling.js";
import { productLowerings } from "./product.js";
import { reductionLowerings, reductionSupports } from "./reduction.js";
import { updateLowerings, updateSupports } from "./updates.js";
import { windowLowerings } from "./window.js";

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...movementLowerings,
  ...windowLowerings,
  ...convolutionLowerings,
  ...normalizationLowerings,
  ...poolingLowerings,
  ...productLowerings,
  ...activationLowerings,
  ...lossLowerings,
  ...updateLowerings,
};

/** The definition's lowering, where it has one. */
export function loweringOf(op: Op): Lowering | undefined {
  const name = kernelName(op);
  return name === undefined ? undefined : lowerings[name];
}

export const dtypes: readonly DType[] = ["float32", "int32", "bool"];

/** For `capabilities.ops`. */
export const loweredOps: ReadonlyMap<string, readonly DType[]> = new Map(Object.keys(lowerings).map((name) => [name, dtypes]));

const conditions: Readonly<Record<string, Supports>> = {
  ...reductionSupports,
  ...convolutionSupports,
  ...normalizationSupports,
  ...poolingSupports,
  ...lossSupports,
  ...updateSupports,
};

/** For `Backend.supports`. */
export const supports = (op: string, inputs: readonly (TensorType | undefined)[], attributes: Attributes): boolean =>
  conditions[op]?.(inputs, attributes as never) ?? true;

/** For `Backend.supports` where TensorFlow uses a GPU. */
export const supportsOnGpu: typeof supports = (op, inputs, attributes) =>
  !cpuNormalizations.includes(op) && supports(op, inputs, attributes);
