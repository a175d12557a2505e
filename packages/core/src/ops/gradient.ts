/** Rules of gradients apart from the definitions of their ops: whoever differentiates nothing carries none. */
import { bindKernels } from "../ir/kernels.js";
import type { Attributes, GradientRule, Op, RowGradientRule } from "../ir/op.js";
import { gradientOpOf, ruleOfOp } from "./fused.js";

/** How gradients flow through an op. */
export interface Gradient {
  readonly op: Op;
  readonly rule: GradientRule;
  readonly rowRule?: RowGradientRule | undefined;
}

/** The gradient of an op of core's. */
/* @__NO_SIDE_EFFECTS__ */
export const gradientOf = <A extends Attributes>(op: Op<A>, rule: GradientRule<A>, rowRule?: RowGradientRule<A>): Gradient =>
  ({ op, rule, rowRule }) as unknown as Gradient;

/**
 * The gradient of an op of core's as an op of its own, `<name>Gradient`, for which backends may have a kernel.
 *
 * @param flops see `Op`
 */
/* @__NO_SIDE_EFFECTS__ */
export function fusedGradient<A extends Attributes>(
  op: Op<A>,
  rule: GradientRule<A>,
  flops?: Op<A>["flops"],
): Gradient & { readonly gradientOp: Op<A> } {
  const gradientOp = bindKernels({ ...gradientOpOf(op, rule), ...(flops && { flops }) });
  return { ...gradientOf(op, ruleOfOp(op, gradientOp)), gradientOp };
}
