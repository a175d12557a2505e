/** Forward and backward of a batch: the terms of the objective, and the gradients of the parameters. The same code runs traced and eagerly. */
import {
  add,
  div,
  greater,
  mul,
  valueAndRowGrads,
  where,
  withRandom,
  type RowGradient,
  type Tensor,
  type Variable,
} from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import type { NormType } from "../optimizers/clip.js";
import { forward, termsOf, type AnyLoss, type BatchTensors, type Term } from "../risk/objective.js";
import { totalPenalty, type Regularizer } from "../risk/regularizers.js";
import { withChanged } from "./buffers.js";
import { inMode } from "./mode.js";
import type { GroupState } from "./state.js";

/** Components of a step. */
export interface StepSetup {
  readonly model: Module;
  readonly loss: AnyLoss;
  readonly regularizers: readonly Regularizer[];
  /** The norm of all gradients together: a part of the report, and what they are scaled by where there is a limit; undefined: it is not computed. */
  readonly gradNorm: { readonly maxNorm: number | undefined; readonly normType: NormType } | undefined;
  readonly clipGradValue: number | undefined;
  readonly groups: readonly GroupState[];
  /** The model's variables that a forward changes by itself (running means). */
  readonly buffers: readonly Variable[];
  readonly seed: number;
  /** Is every value that the step would write looked at before? Where finite gradients may give values that are not: see `keepsFinite`. */
  readonly checksWritten: boolean;
}

export interface Differentiated {
  readonly terms: readonly Term[];
  readonly penalty: Tensor | undefined;
  /** One for each parameter of the groups; undefined: neither loss nor penalty depends on it. Of tables that are only looked up in they are rows. */
  readonly gradients: readonly (Tensor | RowGradient | undefined)[];
  /** New values of buffers that the forward has changed, those of float32. */
  readonly changed: readonly Tensor[];
}

/** Runs fn with the model in training, its random numbers keyed by the counters. */
export const inTraining = <T>({ model, seed }: StepSetup, counters: Tensor, fn: () => T): T =>
  inMode(model, "train", () => withRandom({ seed, counters }, fn));

/** @param objective what is differentiated, of the terms of the loss and the penalty */
export function differentiate(
  setup: StepSetup,
  batch: BatchTensors,
  counters: Tensor,
  objective: (terms: readonly Term[], penalty: Tensor | undefined) => Tensor,
): Differentiated {
  const parameters = setup.groups.flatMap((group) => group.parameters);
  const gradients = () =>
    valueAndRowGrads(
      () => {
        const terms = termsOf(setup.loss, forward(setup.model, batch.inputs), batch);
        const penalty = totalPenalty(setup.model, setup.regularizers);
        return [objective(terms, penalty), terms, penalty] as const;
      },
      parameters,
      () => true,
    );
  const [{ value, grads }, changed] = withChanged(setup.buffers, () => inTraining(setup, counters, gradients));
  return { terms: value[1], penalty: value[2], gradients: grads, changed };
}

export const total = (parts: readonly Tensor[]): Tensor => parts.reduce((a, b) => add(a, b));

/** A part of the loss as it counts in the whole. */
export const weighted = (t: Tensor, weight: number): Tensor => (weight === 1 ? t : mul(t, weight));

/** value / normalizer; of several parts one for which nothing counts is 0, and has no gradient. */
export function meanOf(value: Tensor, normalizer: Tensor, isOnlyPart: boolean): Tensor {
  if (isOnlyPart) return div(value, normalizer);
  const counts = greater(normalizer, 0);
  return where(counts, div(value, where(counts, normalizer, 1)), 0);
}
