/** Penalties in the objective: the risk that is minimized is the mean loss plus these, each counted once an update. */
import { abs, add, ErmineError, mul, type Parameter, sum, type Tensor } from "@ermine/core";
import { checkArgument, checkArguments, checkOptions, show } from "@ermine/core/define";
import type { Module } from "@ermine/core/nn";

/** A penalty on parameters that is added to the loss. */
export interface Regularizer {
  /** For messages and `trainer.configuration`. */
  readonly name: string;
  /** A scalar in ops, from the parameters and their names. */
  penalty(parameters: readonly [string, Parameter][]): Tensor;
}

/** Options of a regularizer. */
export interface RegularizerOptions {
  /** Selects the penalized parameters, by name. Default: all. */
  readonly parameters?: (name: string, parameter: Parameter) => boolean;
}

const selection = { parameters: "function" } as const;

function regularizer(name: string, strength: number, options: RegularizerOptions, penaltyOf: (p: Tensor) => Tensor): Regularizer {
  if (!(typeof strength === "number" && strength >= 0 && Number.isFinite(strength))) {
    throw new ErmineError("ERMINE_OPTION", `${name}: the strength is a number ≥ 0, got ${show(strength)}.`);
  }
  return {
    name,
    penalty(all) {
      const penalized = all.filter(([path, parameter]) => options.parameters?.(path, parameter) ?? true);
      if (penalized.length === 0)
        throw new ErmineError(
          "ERMINE_OPTION",
          `${name}: its selection takes no parameter of ${all.map(([path]) => path).join(", ")}.`,
        );
      return mul(
        penalized.map(([, parameter]) => penaltyOf(parameter.value)).reduce((a, b) => add(a, b)),
        strength,
      );
    },
  };
}

/**
 * λ Σ |θ|: drives parameters to exactly 0.
 *
 * @example
 * new Trainer({ model, loss: crossEntropy, optimizer: adamw(), backend: await cpu(), regularizers: [l1Penalty(1e-4)] });
 */
export function l1Penalty(strength: number, options: RegularizerOptions = {}): Regularizer {
  if (arguments.length > 2) checkArguments("l1Penalty", arguments, 2);
  checkOptions("l1Penalty", options, selection, [strength]);
  return regularizer("l1", strength, options, (p) => sum(abs(p)));
}

/**
 * λ Σ θ². With plain sgd it equals weightDecay = 2λ; with adaptive optimizers it does not, which is why adamw exists.
 *
 * @example
 * new Trainer({ model, loss: crossEntropy, optimizer: adamw(), backend: await cpu(), regularizers: [l2Penalty(1e-4)] });
 */
export function l2Penalty(strength: number, options: RegularizerOptions = {}): Regularizer {
  if (arguments.length > 2) checkArguments("l2Penalty", arguments, 2);
  checkOptions("l2Penalty", options, selection, [strength]);
  return regularizer("l2", strength, options, (p) => sum(mul(p, p)));
}

/**
 * λ (ratio Σ |θ| + (1 − ratio) Σ θ²). Source: Zou and Hastie 2005.
 *
 * @example
 * new Trainer({ model, loss: crossEntropy, optimizer: adamw(), backend: await cpu(), regularizers: [elasticNet(1e-4, 1e-4)] });
 */
export function elasticNet(strength: number, ratio = 0.5, options: RegularizerOptions = {}): Regularizer {
  if (arguments.length > 3) checkArguments("elasticNet", arguments, 3);
  checkOptions("elasticNet", options, selection, [strength, ratio]);
  checkArgument("elasticNet(strength, ratio, options)", "ratio", ratio, "number");
  if (!(ratio >= 0 && ratio <= 1))
    throw new ErmineError("ERMINE_OPTION", `elasticNet: the ratio is in [0, 1], got ${show(ratio)}.`);
  return regularizer("elasticNet", strength, options, (p) => add(mul(sum(abs(p)), ratio), mul(sum(mul(p, p)), 1 - ratio)));
}

/** Σ of all penalties; undefined where there are none. */
export function totalPenalty(model: Module, regularizers: readonly Regularizer[]): Tensor | undefined {
  if (regularizers.length === 0) return undefined;
  const parameters = model.namedParameters();
  return regularizers.map((r) => r.penalty(parameters)).reduce((a, b) => add(a, b));
}
