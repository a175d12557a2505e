/** One update of the empirical risk, as a function of tensors: the same code runs traced and eagerly. */
import {
  add,
  cast,
  defineOp,
  apply1,
  div,
  greater,
  isFinite as finite,
  logicalAnd,
  mul,
  reshape,
  slice,
  stack,
  sum,
  valueAndGrad,
  withRandom,
  type Tensor,
  type Variable,
} from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import { clipGradNorm, clipGradValue, type NormType } from "../optimizers/clip.js";
import { forward, lossSums, type AnyLoss, type Batch, type Sums } from "../risk/objective.js";
import { totalPenalty, type Regularizer } from "../risk/regularizers.js";
import type { GroupState } from "./state.js";

export interface StepSetup {
  readonly model: Module;
  readonly loss: AnyLoss;
  readonly regularizers: readonly Regularizer[];
  readonly clipGradNorm: { readonly maxNorm: number; readonly normType: NormType } | undefined;
  readonly clipGradValue: number | undefined;
  readonly groups: readonly GroupState[];
  readonly seed: number;
}

export type Update = readonly [variable: Variable, value: Tensor];

/** `report` is [Σ value, Σ normalizer, ok, penalty]: what the host reads, once. */
export interface Stepped {
  readonly report: Tensor;
  readonly ok: Tensor;
  readonly updates: readonly Update[];
}

/** Is every number finite? A bool scalar. */
export const allFiniteOp = defineOp<Record<never, never>>({
  name: "allFinite",
  inputs: [{ name: "x", differentiable: false }],
  infer: () => [{ shape: [], dtype: "bool", domain: "real" }],
  // 0 · x is NaN exactly where x is not finite, and a sum keeps it; Σ x itself could overflow.
  decompose: ([x]) => [finite(sum(mul(x!, 0)))],
});

interface Differentiated {
  readonly sums: Sums;
  readonly penalty: Tensor | undefined;
  readonly gradients: readonly Tensor[];
}

function differentiate(
  setup: StepSetup,
  batch: Batch,
  counters: Tensor,
  objective: (sums: Sums, penalty: Tensor | undefined) => Tensor,
): Differentiated {
  const parameters = setup.groups.flatMap((group) => group.parameters);
  setup.model.train();
  const { value, grads } = withRandom({ seed: setup.seed, counters }, () =>
    valueAndGrad(() => {
      const sums = lossSums(setup.loss, forward(setup.model, batch.inputs), batch);
      const penalty = totalPenalty(setup.model, setup.regularizers);
      return [objective(sums, penalty), sums, penalty] as const;
    }, parameters),
  );
  return { sums: value[1], penalty: value[2], gradients: grads };
}

/** Forward, backward and update of one batch: the risk Σ value / Σ normalizer plus the penalty. */
export function updateBody(setup: StepSetup, batch: Batch, counters: Tensor, scalars: Tensor): Stepped {
  const made = differentiate(setup, batch, counters, (sums, penalty) => {
    const risk = div(sums.value, sums.normalizer);
    return penalty === undefined ? risk : add(risk, penalty);
  });
  return finish(setup, made.gradients, made.sums, made.penalty, counters, scalars);
}

/** Forward and backward of a micro-batch: Σ value's gradient, added to what the update's earlier ones gave. */
export function accumulateBody(
  setup: StepSetup,
  batch: Batch,
  counters: Tensor,
  accumulators: readonly Variable[],
  totals: Variable,
): Stepped {
  const { sums, gradients } = differentiate(setup, batch, counters, (own) => own.value);
  const ok = [finite(sums.value), ...gradients.map(isAllFinite)].reduce((a, b) => logicalAnd(a, b));
  const updates: Update[] = gradients.map((g, i) => [accumulators[i]!, add(accumulators[i]!.value, g)]);
  updates.push([totals, add(totals.value, stack([sums.value, sums.normalizer]))]);
  return { report: report(sums, ok, undefined), ok, updates };
}

/** The update from what was accumulated: Σ ∇value / Σ normalizer plus the penalty's gradient, once. */
export function applyBody(
  setup: StepSetup,
  accumulators: readonly Variable[],
  totals: Variable,
  counters: Tensor,
  scalars: Tensor,
): Stepped {
  const parameters = setup.groups.flatMap((group) => group.parameters);
  const at = (i: number): Tensor => reshape(slice(totals.value, [i], [1]), []);
  const sums: Sums = { value: at(0), normalizer: at(1) };
  let gradients: Tensor[] = accumulators.map((a) => div(a.value, sums.normalizer));
  let penalty: Tensor | undefined;
  if (setup.regularizers.length > 0) {
    const { value, grads } = valueAndGrad(() => totalPenalty(setup.model, setup.regularizers)!, parameters);
    penalty = value;
    gradients = gradients.map((g, i) => add(g, grads[i]!));
  }
  const stepped = finish(setup, gradients, sums, penalty, counters, scalars);
  const cleared: Update[] = [...accumulators, totals].map((variable) => [variable, mul(variable.value, 0)]);
  return { ...stepped, updates: [...stepped.updates, ...cleared] };
}

const isAllFinite = (t: Tensor): Tensor => apply1(allFiniteOp, [t], {});

function report(sums: Sums, ok: Tensor, penalty: Tensor | undefined): Tensor {
  return stack([sums.value, sums.normalizer, cast(ok, "float32"), penalty ?? mul(sums.normalizer, 0)]);
}

function finish(
  setup: StepSetup,
  raw: readonly Tensor[],
  sums: Sums,
  penalty: Tensor | undefined,
  counters: Tensor,
  scalars: Tensor,
): Stepped {
  const checks = [finite(sums.value), greater(sums.normalizer, 0), ...raw.map(isAllFinite)];
  if (penalty !== undefined) checks.push(finite(penalty));
  const ok = checks.reduce((a, b) => logicalAnd(a, b));
  let gradients = raw;
  if (setup.clipGradValue !== undefined) gradients = clipGradValue(gradients, setup.clipGradValue);
  if (setup.clipGradNorm !== undefined)
    gradients = clipGradNorm(gradients, setup.clipGradNorm.maxNorm, setup.clipGradNorm.normType).gradients;
  const updates: Update[] = [];
  let first = 0;
  for (const { optimizer, parameters, names, slots, firstScalar } of setup.groups) {
    const own = gradients.slice(first, first + parameters.length);
    first += parameters.length;
    const state = {
      parameters: parameters.map((p) => p.value),
      slots: slots.map((list) => list.map((slot) => slot.value)),
      names,
    };
    // A link of a chain may draw numbers.
    const next = withRandom({ seed: setup.seed, counters }, () =>
      optimizer.update(state, own, slice(scalars, [firstScalar], [optimizer.scalarCount])),
    );
    parameters.forEach((parameter, i) => {
      updates.push([parameter, next.parameters[i]!]);
      slots[i]!.forEach((slot, k) => updates.push([slot, next.slots[i]![k]!]));
    });
  }
  return { report: report(sums, ok, penalty), ok, updates };
}
