/** Class indices as vectors. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";
import { equal } from "./comparison.js";
import { iota } from "./creation.js";
import { withDomain } from "../types/views.js";
import { checkedIndices } from "./gather.js";
import { expandDims } from "./shape.js";

/**
 * 1 at the index and 0 elsewhere along a new last axis of `classes`: int32 [...] → float32 [..., classes].
 *
 * @throws ErmineError ERMINE_DTYPE for indices that are not int32, ERMINE_VALUE for one outside of 0 … classes − 1
 * @example
 * oneHot(tensor([2, 0], { dtype: "int32" }), 3); // => [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot(indices: Tensor, classes: number): Tensor<"probabilities"> {
  if (arguments.length > 2) checkArguments("oneHot", arguments, 2);
  checkTensor("oneHot", indices);
  if (indices.dtype !== "int32")
    throw new ErmineError("ERMINE_DTYPE", `oneHot expects int32 indices, got ${indices.dtype}. Use cast(x, "int32").`);
  checkArgument("oneHot(indices, classes)", "classes", classes, "integer");
  const checked = checkedIndices("oneHot", indices, classes);
  return withDomain(cast(equal(expandDims(checked, -1), iota(classes)), "float32"), "probabilities");
}
