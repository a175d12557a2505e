/** The input of layers with weights, as float32. */
import { cast } from "../ops/cast.js";
import { Tensor } from "../types/tensor.js";

/** @internal Whole numbers (bytes, counts) as float32, each the same number; anything else as it is, for the op to take or to refuse. */
export const floatInput = (x: Tensor): Tensor => (x instanceof Tensor && x.dtype === "int32" ? cast(x, "float32") : x);
