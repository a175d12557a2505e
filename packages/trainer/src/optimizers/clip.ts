/** Gradients held within bounds: by their norm all together, or number by number. */
import { checkArgument, checkArguments } from "@ermine/core/define";
import { abs, add, amax, clamp, div, ErmineError, maximum, minimum, mul, pow, sqrt, sum, type Tensor } from "@ermine/core";

/** The order of a norm: 1, 2, Infinity, or any other above 0. */
export type NormType = 1 | 2 | typeof Infinity | (number & {});

/** @throws ErmineError ERMINE_USAGE where it is no list of tensors */
function checkGradientList(signature: string, gradients: readonly Tensor[]): void {
  checkArgument(signature, "gradients", gradients, "list");
  for (const [i, gradient] of gradients.entries()) checkArgument(signature, `gradients[${i}]`, gradient, "tensor");
}

/**
 * ‖g‖ₚ over all gradients together: (Σ |g|ᵖ)^(1/p), the largest |g| for p = Infinity.
 *
 * @throws ErmineError ERMINE_OPTION where normType is not above 0
 * @example
 * globalNorm([tensor([3]), tensor([4])]).item(); // => 5
 */
export function globalNorm(gradients: readonly Tensor[], normType: NormType = 2): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("globalNorm", arguments, 2);
  checkGradientList("globalNorm(gradients, normType)", gradients);
  checkArgument("globalNorm(gradients, normType)", "normType", normType, "number");
  if (!(normType > 0)) throw new ErmineError("ERMINE_OPTION", `normType must be above 0 (1, 2, Infinity …), got ${normType}.`);
  const total = (each: (g: Tensor) => Tensor, join: (a: Tensor, b: Tensor) => Tensor): Tensor => gradients.map(each).reduce(join);
  if (normType === Infinity) return total((g) => amax(abs(g)), maximum);
  if (normType === 1) return total((g) => sum(abs(g)), add);
  if (normType === 2) return sqrt(total((g) => sum(mul(g, g)), add));
  return pow(
    total((g) => sum(pow(abs(g), normType)), add),
    1 / normType,
  );
}

/** min(1, maxNorm / (‖g‖ + 1e-6)). */
export const clipFactor = (maxNorm: number | Tensor, totalNorm: Tensor): Tensor => minimum(div(maxNorm, add(totalNorm, 1e-6)), 1);

/**
 * g · min(1, maxNorm / (‖g‖ + 1e-6)), PyTorch's clip_grad_norm_. `totalNorm` is the norm before.
 *
 * @example
 * clipGradNorm([tensor([3, 4])], 1).gradients.map((g) => g.toArray()); // => [[0.6, 0.8]]
 */
export function clipGradNorm(
  gradients: readonly Tensor[],
  maxNorm: number | Tensor,
  normType: NormType = 2,
): { gradients: Tensor[]; totalNorm: Tensor } {
  if (arguments.length > 3) checkArguments("clipGradNorm", arguments, 3);
  checkArgument("clipGradNorm(gradients, maxNorm, normType)", "maxNorm", maxNorm, ["number", "tensor"]);
  const totalNorm = globalNorm(gradients, normType);
  const factor = clipFactor(maxNorm, totalNorm);
  return { gradients: gradients.map((g) => mul(g, factor)), totalNorm };
}

/**
 * Each number held in [−clipValue, clipValue], PyTorch's clip_grad_value_.
 *
 * @example
 * clipGradValue([tensor([3, -4])], 1).map((g) => g.toArray()); // => [[1, -1]]
 */
export function clipGradValue(gradients: readonly Tensor[], clipValue: number): Tensor[] {
  if (arguments.length > 2) checkArguments("clipGradValue", arguments, 2);
  checkGradientList("clipGradValue(gradients, clipValue)", gradients);
  checkArgument("clipGradValue(gradients, clipValue)", "clipValue", clipValue, "number");
  if (!(clipValue > 0)) throw new ErmineError("ERMINE_OPTION", `clipValue must be above 0, got ${clipValue}.`);
  return gradients.map((g) => clamp(g, -clipValue, clipValue));
}
