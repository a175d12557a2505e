/** Which elements an op or a loss may refuse before it runs. */
import type { TypedArray } from "../types/dtype.js";
import type { Tensor } from "../types/tensor.js";
import { context } from "./context.js";

/**
 * A tensor's elements on the host, for a check of arguments; undefined where the host does not have them, and in a branch of a conditional: what is wrong there is wrong
 * only where the branch is taken, and then its kernels say so.
 */
export function valuesToCheck({ state }: Tensor): TypedArray | undefined {
  return state.kind === "eager" && context.trace?.mayNotRun !== true ? state.host : undefined;
}
