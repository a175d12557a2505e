/** One-hot vectors along a new axis, in ops that work on every backend and any rank. */
import { equal } from "../ops/comparison.js";
import { cast } from "../ops/cast.js";
import { apply1 } from "../ops/apply.js";
import { iotaOp } from "../ops/creation.js";
import { expandDims, reshape } from "../ops/shape.js";
import type { Tensor } from "../types/tensor.js";

/** indices (…) → float32 with `classes` elements along the new axis `axis`, 1 at the index. */
export function oneHotAlong(indices: Tensor, classes: number, axis: number): Tensor<"real"> {
  const shape = Array.from({ length: indices.rank + 1 }, (_, i) => (i === axis ? classes : 1));
  const places = reshape(apply1(iotaOp, [], { size: classes }), shape);
  return cast(equal(expandDims(indices, axis), places), "float32");
}
