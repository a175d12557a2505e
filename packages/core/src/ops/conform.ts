/** Inputs in the dtypes that an op or a loss computes in. */
import { computedDType, type Input } from "../ir/inputs.js";
import type { Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";

/**
 * The tensors in the dtypes that the inputs are computed in. The same list where nothing is cast.
 *
 * @throws ErmineError ERMINE_DTYPE for a dtype that an input does not take
 */
export function conform<T extends readonly (Tensor | undefined)[]>(where: string, inputs: readonly Input[], given: T): T {
  let result: readonly (Tensor | undefined)[] = given;
  for (let i = 0; i < given.length; i++) {
    const t = given[i];
    if (t === undefined) continue;
    const wanted = computedDType(where, inputs, result, i);
    if (wanted === t.dtype) continue;
    const converted = cast(t, wanted);
    result = result.map((other, k) => (k === i ? converted : other));
  }
  return result as T;
}
