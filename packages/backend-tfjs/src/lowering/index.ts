/** Every op of ermine's that TensorFlow has, each said once for eager and compiled. What is not here core decomposes. */
import type { DType } from "@ermine/core";
import { activationLowerings } from "./activations.js";
import { convolutionLowerings } from "./convolution.js";
import { elementwiseLowerings } from "./elementwise.js";
import type { Lowering } from "./emitter.js";
import { lossLowerings } from "./losses.js";
import { movementLowerings } from "./movement.js";
import { poolingLowerings } from "./pooling.js";
import { productLowerings } from "./product.js";
import { reductionLowerings } from "./reduction.js";
import { updateLowerings } from "./updates.js";
import { windowLowerings } from "./window.js";

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...movementLowerings,
  ...windowLowerings,
  ...convolutionLowerings,
  ...poolingLowerings,
  ...productLowerings,
  ...activationLowerings,
  ...lossLowerings,
  ...updateLowerings,
};

export const dtypes: readonly DType[] = ["float32", "int32", "bool"];

/** For `capabilities.ops`. */
export const loweredOps: ReadonlyMap<string, readonly DType[]> = new Map(Object.keys(lowerings).map((name) => [name, dtypes]));
