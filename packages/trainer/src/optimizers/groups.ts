/** Parameter groups: parts of a model with an optimizer of their own. */
import type { Module } from "@ermine/core/nn";
import { ErmineError, type Parameter } from "@ermine/core";
import { checkArgument, checkArguments, checkFunction } from "@ermine/core/define";
import { isSchedule, type Rate } from "../schedules/schedule.js";
import type { Optimizer } from "./optimizer.js";

/** Some of a model's parameters, with an optimizer of their own. */
export interface ParameterGroup {
  /** Selects the group's parameters, by name or by object. */
  readonly parameters: ((name: string, parameter: Parameter) => boolean) | readonly Parameter[];
  /** Optimizer of the group. */
  readonly optimizer: Optimizer;
  /**
   * Update the rows of a table that were looked up, and no others: these keep their values and slots, and neither decay nor go on by momentum. For
   * embeddings, and optimizers that treat each element by itself; corrections count the updates of the whole table. Default false: every row takes each step.
   */
  readonly lazy?: boolean;
}

/** One optimizer for all, or groups; a parameter belongs to the first group that takes it. */
export type OptimizerSetup = Optimizer | readonly ParameterGroup[];

/** Update settings of a group. */
export type UpdateSetup = Pick<ParameterGroup, "optimizer" | "lazy">;

/** @internal The groups in their order; one of all parameters where there is an optimizer alone. */
export const groupsOf = (setup: OptimizerSetup): readonly UpdateSetup[] =>
  Array.isArray(setup) ? (setup as readonly ParameterGroup[]) : [{ optimizer: setup as Optimizer }];

/** @internal The optimizers, in the order of their groups. */
export const optimizersOf = (setup: OptimizerSetup): Optimizer[] => groupsOf(setup).map(({ optimizer }) => optimizer);

/** @internal The learning rate as the optimizer was given it; undefined: it has none. */
export function learningRateOf({ options }: Optimizer): Rate | undefined {
  const rate = options["learningRate"];
  return typeof rate === "number" || isSchedule(rate) ? rate : undefined;
}

/** @internal Each group's parameters, by name. @throws ErmineError ERMINE_OPTION where one belongs to none */
export function assignGroups(
  model: Module,
  setup: OptimizerSetup,
): { optimizer: Optimizer; lazy: boolean; parameters: [string, Parameter][] }[] {
  const trainable = model.namedParameters().filter(([, p]) => p.trainable);
  const groups = groupsOf(setup).map(({ optimizer, lazy = false }) => ({
    optimizer,
    lazy,
    parameters: [] as [string, Parameter][],
  }));
  for (const [name, parameter] of trainable) groups[groupOf(setup, name, parameter)]!.parameters.push([name, parameter]);
  return Array.isArray(setup) ? groups.filter((group) => group.parameters.length > 0) : groups;
}

/** The place of a parameter's group. @throws ErmineError ERMINE_OPTION where it belongs to none */
function groupOf(setup: OptimizerSetup, name: string, parameter: Parameter): number {
  if (!Array.isArray(setup)) return 0;
  const index = (setup as readonly ParameterGroup[]).findIndex(({ parameters }) =>
    typeof parameters === "function" ? parameters(name, parameter) : parameters.includes(parameter),
  );
  if (index >= 0) return index;
  throw new ErmineError(
    "ERMINE_OPTION",
    `The parameter ${name} belongs to no group. End with a group for the rest: { parameters: () => true, optimizer }.`,
  );
}

/** @internal What updates a parameter, frozen or not. @throws ErmineError ERMINE_OPTION where it belongs to no group */
export const optimizerFor = (setup: OptimizerSetup, name: string, parameter: Parameter): Optimizer =>
  optimizersOf(setup)[groupOf(setup, name, parameter)]!;

/**
 * Two groups that leave biases and normalization parameters (all of rank < 2) undecayed, the usual recipe; the default of every
 * optimizer decays all, as PyTorch does.
 *
 * @example
 * const optimizer = undecayedBiasesAndNorms((weightDecay) => adamw({ learningRate: 1e-3, weightDecay }), 0.01);
 * new Trainer({ model, loss: crossEntropy, optimizer, backend: await cpu() });
 */
export function undecayedBiasesAndNorms(
  make: (weightDecay: number) => Optimizer,
  weightDecay: number,
): readonly ParameterGroup[] {
  checkFunction("undecayedBiasesAndNorms", make, "undecayedBiasesAndNorms((weightDecay) => adamw({ weightDecay }), 0.01)");
  if (arguments.length > 2) checkArguments("undecayedBiasesAndNorms", arguments, 2);
  checkArgument("undecayedBiasesAndNorms(make, weightDecay)", "weightDecay", weightDecay, "number");
  return [
    { parameters: (_, parameter) => parameter.shape.length < 2, optimizer: make(0) },
    { parameters: () => true, optimizer: make(weightDecay) },
  ];
}
