/** Gradients of core's own ops, which are no parts of their definitions: whoever differentiates nothing carries none. */
import { bindKernels } from "../ir/kernels.js";
import type { Attributes, GradientRule, Op, RowGradientRule } from "../ir/op.js";
import { gradientOpOf, ruleOfOp } from "./fused.js";

/** How gradients flow through an op. */
export interface OpGradient {
  readonly rule: GradientRule;
  readonly rowRule?: RowGradientRule | undefined;
  /** The op that the gradient is, `<name>Gradient`, where it is one. */
  readonly gradientOp?: Op | undefined;
}

/**
 * The gradient of the op of core's that has the name. It takes the definition when it is asked, so that whoever differentiates carries the definitions of
 * those ops alone that are used.
 */
export interface Gradient {
  readonly name: string;
  of(op: Op): OpGradient;
}

type AttributesOf<O> = O extends Op<infer A> ? A : never;

/** @param name the op's; its type is the type argument: `gradientOf<typeof negOp>("neg", …)` */
/* @__NO_SIDE_EFFECTS__ */
export function gradientOf<O>(
  name: string,
  rule: GradientRule<AttributesOf<O>>,
  rowRule?: RowGradientRule<AttributesOf<O>>,
): Gradient {
  const gradient = { rule, rowRule } as unknown as OpGradient;
  return { name, of: () => gradient };
}

/**
 * A gradient that is an op of its own, `<name>Gradient`, for which backends may have a kernel.
 *
 * @param flops see `Op`
 */
/* @__NO_SIDE_EFFECTS__ */
export function fusedGradient<O>(
  name: string,
  rule: GradientRule<AttributesOf<O>>,
  flops?: Op<AttributesOf<O>>["flops"],
): Gradient {
  let gradient: OpGradient | undefined;
  return {
    name,
    of(op) {
      if (gradient === undefined) {
        const gradientOp = bindKernels({
          ...gradientOpOf(op, rule as unknown as GradientRule<Attributes>),
          ...(flops && { flops: flops as unknown as Op["flops"] & {} }),
        });
        gradient = { rule: ruleOfOp(op, gradientOp), gradientOp };
      }
      return gradient;
    },
  };
}
