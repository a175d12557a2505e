/** Ops whose gradient is an op of its own, which a backend can implement in one kernel. */
import { checkArguments } from "../types/arguments.js";
import { bindBuiltin } from "../ir/kernels.js";
import { defineOp, type Attributes, type GradientRule, type InputSpec, type Op, type Tensors } from "../ir/op.js";
import { ErmineError } from "../types/errors.js";
import type { Tensor } from "../types/tensor.js";
import { apply } from "./apply.js";

/** The positions of the inputs that are there and get a gradient. */
const differentiableInputs = (inputs: readonly InputSpec[], present: readonly unknown[]): number[] =>
  inputs.flatMap((spec, i) => (spec.differentiable !== false && present[i] !== undefined ? [i] : []));

/**
 * The op `<name>Gradient` of a rule. Its inputs are the gradients of the outputs, the inputs, the outputs; its outputs the gradients of the
 * differentiable inputs that are there.
 */
/* @__NO_SIDE_EFFECTS__ */
export function gradientOpOf<A extends Attributes>({ inputs, name }: Op<A>, rule: GradientRule<A>): Op<A> {
  const outputCount = (total: number): number => (total - inputs.length) / 2;
  const split = <T>(all: readonly T[]): { gradOutputs: readonly T[]; operands: readonly T[]; outputs: readonly T[] } => {
    const n = outputCount(all.length);
    return { gradOutputs: all.slice(0, n), operands: all.slice(n, n + inputs.length), outputs: all.slice(n + inputs.length) };
  };
  const specs = new Map<number, readonly InputSpec[]>();
  return defineOp<A>({
    name: `${name}Gradient`,
    inputs: [{ name: "operands", variadic: true, optional: true }],
    inputsOf(count) {
      let spec = specs.get(count);
      if (spec === undefined) {
        const outputs = Array.from({ length: outputCount(count) }, (_, i) => `output ${i}`);
        spec = [
          ...outputs.map((output): InputSpec => ({ name: `gradient of ${output}`, dtype: "float32", optional: true })),
          ...inputs,
          ...outputs.map((output): InputSpec => ({ name: output, optional: true })),
        ];
        specs.set(count, spec);
      }
      return spec;
    },
    infer(types) {
      const { operands } = split(types);
      return differentiableInputs(inputs, operands).map((i) => ({ ...operands[i]!, domain: "real" }));
    },
    decompose(all, attributes) {
      const { gradOutputs, operands, outputs } = split(all);
      const positions = differentiableInputs(inputs, operands);
      const needed = operands.map((_, i) => positions.includes(i));
      const gradients = rule(gradOutputs as Tensors, operands, outputs as Tensors, attributes, needed);
      return positions.map((i) => {
        const gradient = gradients[i];
        if (gradient === undefined)
          throw new ErmineError("ERMINE_USAGE", `${name}: its gradient gives nothing for "${inputs[i]!.name}".`);
        return gradient;
      });
    },
  });
}

/** The rule that runs a gradient op. */
/* @__NO_SIDE_EFFECTS__ */
export const ruleOfOp =
  <A extends Attributes>({ inputs }: Op<A>, gradientOp: Op<A>): GradientRule<A> =>
  (gradOutputs, operands, outputs, attributes) => {
    const gradients = apply(gradientOp, [...gradOutputs, ...operands, ...outputs], attributes);
    const result: (Tensor | undefined)[] = operands.map(() => undefined);
    differentiableInputs(inputs, operands).forEach((input, k) => (result[input] = gradients[k]));
    return result;
  };

/** An op whose gradient is an op of its own, `<name>Gradient`: see `gradientOpOf`. */
/* @__NO_SIDE_EFFECTS__ */
export function defineFusedOp<A extends Attributes>(
  definition: Op<A> & Required<Pick<Op<A>, "gradient">>,
): Op<A> & { readonly gradientOp: Op<A> } {
  if (arguments.length > 1) checkArguments("defineFusedOp", arguments, 1);
  const { gradient, name } = defineOp(definition);
  if (gradient === undefined)
    throw new ErmineError("ERMINE_OPTION", `defineFusedOp: ${name} needs gradient, which becomes an op of its own.`);
  const gradientOp = gradientOpOf(definition, (...given) => definition.gradient(...given));
  return { ...definition, gradientOp, gradient: ruleOfOp(definition, gradientOp) };
}

/** @internal An op of core's own with a backward op: the kernels of their names are theirs. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinFusedOp<A extends Attributes>(
  definition: Op<A> & Required<Pick<Op<A>, "gradient">>,
): Op<A> & { readonly gradientOp: Op<A> } {
  const op = defineFusedOp(definition);
  bindBuiltin(op);
  return op;
}
