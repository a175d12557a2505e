/** Choosing between two tensors, and keeping values within bounds. */
import { builtinOp } from "../ir/op.js";
import { elementOf, type Domain } from "../types/dtype.js";
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { maximum, minimum } from "./arithmetic.js";
import { cast } from "./cast.js";
import { promoteOperands, type Operand } from "./elementwise.js";
import { whereOp } from "./primitives.js";

/**
 * a where `condition`, b elsewhere; all three broadcast. A gradient flows only to what was chosen, but 0 · ∞ is NaN: mask what
 * goes into a function with a pole, not only what comes out, as in `where(ok, log(where(ok, x, 1)), 0)`.
 *
 * @example
 * where(tensor([true, false]), tensor([1, 2]), 0); // => [1, 0]
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("where", arguments, 3);
  checkTensor("where", condition);
  const [x, y] = promoteOperands("where", a, b, "bool");
  return apply1(whereOp, [cast(condition, "bool"), x, y], {});
}

/** null: no bound on that side. */
export type ClampAttributes = {
  /** The lower bound; null: none. */
  readonly min: number | null;
  /** The upper bound; null: none. */
  readonly max: number | null;
};

/** The op of `clamp`. */
export const clampOp = builtinOp<ClampAttributes>({
  name: "clamp",
  inputs: [{ name: "x", dtype: "numeric" }],
  infer: ([x], { min, max }) => {
    const within = x!.domain === "probabilities" && (min === null || min <= 1) && (max === null || max >= 0);
    return [{ ...x!, domain: within ? "probabilities" : "real" }];
  },
  decompose([x], { min, max }) {
    const above = min === null ? x! : maximum(x!, min);
    return [max === null ? above : minimum(above, max)];
  },
});

/**
 * min(max(x, min), max). The gradient is 1 between the bounds and 0 on them and outside, as PyTorch 2.15's. Probabilities stay probabilities
 * where the bounds lie within [0, 1].
 *
 * @throws ErmineError ERMINE_OPTION where there is no bound, or min > max
 * @example
 * clamp(tensor([-2, 0.5, 2]), 0, 1); // => [0, 0.5, 1]
 */
export function clamp<D extends Domain>(
  x: Tensor<D>,
  min: number | undefined,
  max?: number,
): Tensor<D extends "logProbabilities" ? "real" : D> {
  if (arguments.length > 3) checkArguments("clamp", arguments, 3);
  checkTensor("clamp", x);
  if (min !== undefined) checkArgument("clamp(x, min, max)", "min", min, "number");
  if (max !== undefined) checkArgument("clamp(x, min, max)", "max", max, "number");
  if (min === undefined && max === undefined) throw new ErmineError("ERMINE_OPTION", "clamp needs a bound: clamp(x, min, max).");
  if (min !== undefined && max !== undefined && !(min <= max)) {
    throw new ErmineError("ERMINE_OPTION", `clamp: the lower bound ${min} is above the upper bound ${max}.`);
  }
  const whole = x.dtype === "int32" && Number.isInteger(min ?? 0) && Number.isInteger(max ?? 0);
  if (whole) for (const bound of [min, max]) if (bound !== undefined) elementOf("clamp", bound, "int32");
  return apply1(clampOp, [whole ? x : cast(x, "float32")], { min: min ?? null, max: max ?? null });
}
