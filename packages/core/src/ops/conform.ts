/** Inputs in the dtypes that an op or a loss computes in. */
import { computedDType, type Input } from "../ir/inputs.js";
import type { Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";

/**
 * The tensors in the dtypes that the inputs are computed in. The same list where nothing is cast.
 *
 * @throws ErmineError ERMINE_DTYPE for a dtype that an input does not take
 */
export function conform<T extends readonly (Tensor | undefined)[]>(where: string, inputs: readonly Input[], tensors: T): T {
  let result: readonly (Tensor | undefined)[] = tensors;
  for (let i = 0; i < tensors.length; i++) {
    const t = tensors[i];
    if (t === undefined) continue;
    const dtype = computedDType(where, inputs, result, i);
    if (dtype === t.dtype) continue;
    const converted = cast(t, dtype);
    result = result.map((other, k) => (k === i ? converted : other));
  }
  return result as T;
}
