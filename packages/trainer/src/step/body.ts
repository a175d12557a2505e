/** One update of the empirical risk, as a function of tensors: the same code runs traced and eagerly. */
import {
  abs,
  add,
  cast,
  div,
  equal,
  ErmineError,
  greater,
  greaterEqual,
  indexAdd,
  logicalAnd,
  logicalOr,
  mul,
  ones,
  reshape,
  slice,
  stack,
  valueAndRowGrads,
  isRowGradient,
  where,
  withRandom,
  type RowGradient,
  type Tensor,
  type Variable,
} from "@ermine/core";
import { currentTrace } from "@ermine/core/backend";

import type { Module } from "@ermine/core/nn";
import { clipFactor, clipGradValue, globalNorm, type NormType } from "../optimizers/clip.js";
import { forward, termsOf, type AnyLoss, type BatchTensors, type Sums, type Term } from "../risk/objective.js";
import { totalPenalty, type Regularizer } from "../risk/regularizers.js";
import { inMode } from "./mode.js";
import {
  isRows,
  mapGradient,
  normOf,
  requireRows,
  stepOnRows,
  stepsOnRows,
  summed,
  wholeGradient,
  type SummedRows,
} from "./rows.js";
import type { Accumulated, GroupState } from "./state.js";
import { commitCondition, stillFinite } from "./commitCondition.js";

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

export type Update = readonly [variable: Variable, value: Tensor];

/** `report` is [ok, penalty, the gradients' norm where it is computed, then Σ value and Σ normalizer of each part]: what the host reads, once. */
export interface Stepped {
  readonly report: Tensor;
  readonly ok: Tensor;
  readonly norm?: Tensor | undefined;
  readonly updates: readonly Update[];
}

interface Differentiated {
  readonly terms: readonly Term[];
  readonly penalty: Tensor | undefined;
  /** undefined: neither loss nor penalty depends on the parameter. */
  readonly gradients: readonly (Tensor | RowGradient | undefined)[];
  /** New values of buffers that the forward has changed. */
  readonly changed: readonly Tensor[];
  /** Of a gradient that was added up, and whose step is on looked-up rows alone: how often each row was. Default: none is such a one. */
  readonly lookups?: readonly (Variable | undefined)[];
}

/** Runs fn. @returns its result, and the float32 values of the buffers that it has changed */
function withChanged<T>(buffers: readonly Variable[], fn: () => T): readonly [T, Tensor[]] {
  const watched = buffers.filter(({ type }) => type.dtype === "float32");
  const trace = currentTrace();
  // Reading one in a trace would make it part of the program, used or not.
  const before = trace === undefined ? watched.map(({ value }) => value) : [];
  const result = fn();
  const changed = watched.filter((buffer, i) => (trace === undefined ? buffer.value !== before[i] : trace.isWritten(buffer)));
  return [result, changed.map(({ value }) => value)];
}

/** Gradients of tables that are only looked up in are their rows. */
function differentiate(
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
  const [{ value, grads }, changed] = withChanged(setup.buffers, () =>
    inMode(setup.model, "train", () => withRandom({ seed: setup.seed, counters }, gradients)),
  );
  return { terms: value[1], penalty: value[2], gradients: grads, changed };
}

const total = (parts: readonly Tensor[]): Tensor => parts.reduce((a, b) => add(a, b));
const weigh = (t: Tensor, weight: number): Tensor => (weight === 1 ? t : mul(t, weight));

/** value / normalizer; of several parts one for which nothing counts is 0, and has no gradient. */
function meanOf(value: Tensor, normalizer: Tensor, alone: boolean): Tensor {
  if (alone) return div(value, normalizer);
  const counts = greater(normalizer, 0);
  return where(counts, div(value, where(counts, normalizer, 1)), 0);
}

/** Forward, backward and update of one batch: the risk Σ value / Σ normalizer, of each part, plus the penalty. */
export function updateBody(setup: StepSetup, batch: BatchTensors, counters: Tensor, scalars: Tensor, order?: StepOrder): Stepped {
  const before = order === undefined ? [] : setup.buffers.map(({ value }) => value);
  const made = differentiate(setup, batch, counters, (terms, penalty) => {
    const risk = total(terms.map((term) => weigh(meanOf(term.value, term.normalizer, terms.length === 1), term.weight)));
    return penalty === undefined ? risk : add(risk, penalty);
  });
  const stepped = finish(setup, made, counters, scalars);
  return order === undefined ? stepped : inOrder(order, made, stepped, [setup.buffers, before]);
}

/** Steps in flight: how many were accepted on the device, and as the host counts them where none of them is refused. */
export interface StepOrder {
  readonly accepted: Variable;
  readonly expected: Tensor;
}

/**
 * A step that was queued before the verdict on the last one was read. It is done only where all before it were accepted, so that a refused one keeps those
 * after it from changing anything. An empty batch is accepted, and leaves the values as they are.
 */
function inOrder(
  { accepted, expected }: StepOrder,
  { terms, penalty }: Pick<Differentiated, "terms" | "penalty">,
  { ok, norm, updates }: Stepped,
  [buffers, before]: readonly [buffers: readonly Variable[], before: readonly Tensor[]],
): Stepped {
  const isNext = reshape(equal(accepted.value, expected), []);
  const isEmpty = terms.map(({ normalizer }) => equal(normalizer, 0)).reduce((a, b) => logicalAnd(a, b));
  const kept = updates.map(([variable, value]): Update => [variable, where(isEmpty, variable.value, value)]);
  buffers.forEach((buffer, i) => {
    const { value } = buffer;
    if (value !== before[i]) kept.push([buffer, where(isEmpty, before[i]!, value)]);
  });
  return {
    report: report(terms, logicalAnd(ok, isNext), penalty, norm),
    ok: logicalAnd(logicalOr(ok, isEmpty), isNext),
    updates: [...kept, [accepted, add(accepted.value, 1)]],
  };
}

/** Before the micro-batches of an update whose loss has several parts: what each part's mean will be over. */
export function sumNormalizersBody(setup: StepSetup, batch: BatchTensors, { normalizers }: Accumulated): Stepped {
  // Normalizers are a matter of the targets: of the forward nothing is left but shapes.
  const terms = inMode(setup.model, "eval", () => termsOf(setup.loss, forward(setup.model, batch.inputs), batch));
  const ok = greaterEqual(total(terms.map(({ normalizer }) => normalizer)), 0);
  const added = add(normalizers.value, stack(terms.map(({ normalizer }) => normalizer)));
  return { report: report(terms, ok, undefined), ok, updates: [[normalizers, added]] };
}

/**
 * Forward and backward of a micro-batch: Σ value's gradient, added to what the update's earlier ones gave. Of several parts it is
 * Σ weight · value / the normalizer of the whole update, which is known by then.
 */
export function accumulateBody(setup: StepSetup, batch: BatchTensors, counters: Tensor, sums: Accumulated): Stepped {
  const {
    terms,
    gradients: found,
    changed,
  } = differentiate(setup, batch, counters, (own) =>
    own.length === 1
      ? own[0]!.value
      : total(own.map(({ value, weight }, i) => weigh(meanOf(value, at(sums.normalizers.value, i), false), weight))),
  );
  const places = placesOf(setup);
  const updates: Update[] = [];
  const looked: Tensor[] = [];
  found.forEach((gradient, i) => {
    if (gradient === undefined) return;
    const sum = sums.gradients[i]!;
    sums.reached.add(sum);
    if (!isRowGradient(gradient)) {
      requireRows(places[i]!.group, places[i]!.name);
      looked.push(gradient);
      updates.push([sum, add(sum.value, gradient)]);
      return;
    }
    const { indices, rows } = gradient;
    looked.push(rows);
    updates.push([sum, indexAdd(sum.value, 0, indices, rows)]);
    const counts = sums.lookups[i];
    if (counts !== undefined) updates.push([counts, indexAdd(counts.value, 0, indices, ones([indices.shape[0]!, 1]))]);
  });
  const ok = commitCondition({ scalars: terms.map(({ value }) => value), tensors: [...looked, ...changed] });
  updates.push([sums.totals, add(sums.totals.value, stack(terms.flatMap(({ value, normalizer }) => [value, normalizer])))]);
  return { report: report(terms, ok, undefined), ok, updates };
}

/** Each parameter's group, and its name in the model. */
const placesOf = ({ groups }: StepSetup): readonly { readonly group: GroupState; readonly name: string }[] =>
  groups.flatMap((group) => group.names.map((name) => ({ group, name })));

const at = (vector: Tensor, i: number): Tensor => reshape(slice(vector, [i], [1]), []);

/** The update from what was accumulated: Σ ∇value / Σ normalizer plus the penalty's gradient, once. */
export function applyBody(setup: StepSetup, sums: Accumulated, counters: Tensor, scalars: Tensor): Stepped {
  const parameters = setup.groups.flatMap((group) => group.parameters);
  const terms = Array.from({ length: sums.totals.shape[0]! / 2 }, (_, i) => ({
    value: at(sums.totals.value, 2 * i),
    normalizer: at(sums.totals.value, 2 * i + 1),
  }));
  const [alone] = terms.length === 1 ? terms : [];
  let gradients = sums.gradients.map((sum): Tensor | undefined => {
    if (!sums.reached.has(sum)) return undefined;
    return alone === undefined ? sum.value : div(sum.value, alone.normalizer);
  });
  let penalty: Tensor | undefined;
  if (setup.regularizers.length > 0) {
    const { value, grads } = valueAndRowGrads(
      () => [totalPenalty(setup.model, setup.regularizers)!],
      parameters,
      () => false,
    );
    penalty = value[0];
    const places = placesOf(setup);
    gradients = gradients.map((g, i) => {
      const own = grads[i] as Tensor | undefined;
      if (own !== undefined) requireRows(places[i]!.group, places[i]!.name);
      return g === undefined || own === undefined ? (g ?? own) : add(g, own);
    });
  }
  const lookups = sums.lookups.map((counts, i) => (sums.reached.has(sums.gradients[i]!) ? counts : undefined));
  const stepped = finish(setup, { gradients, lookups, terms, penalty, changed: [] }, counters, scalars);
  // By the absolute value: a sum below 0 would leave −0, and training that goes on from a snapshot begins with 0.
  const counted = lookups.filter((counts) => counts !== undefined);
  const cleared = [...sums.reached, ...counted, sums.totals, sums.normalizers].map((variable): Update => [
    variable,
    mul(abs(variable.value), 0),
  ]);
  return { ...stepped, updates: [...stepped.updates, ...cleared] };
}

/** The gradients held within their limits, and their norm before they are scaled. */
function clipped(
  { gradNorm, clipGradValue: most }: StepSetup,
  raw: readonly (Tensor | SummedRows)[],
): { readonly held: readonly (Tensor | SummedRows)[]; readonly norm: Tensor | undefined } {
  const held = most === undefined ? raw : raw.map((g) => mapGradient(g, (t) => clipGradValue([t], most)[0]!));
  if (gradNorm === undefined) return { held, norm: undefined };
  const { maxNorm, normType } = gradNorm;
  const norm = globalNorm(
    held.map((g) => normOf(g, normType)),
    normType,
  );
  if (maxNorm === undefined) return { held, norm };
  const factor = clipFactor(maxNorm, norm);
  return { held: held.map((g) => mapGradient(g, (t) => mul(t, factor))), norm };
}

function report(terms: readonly Sums[], ok: Tensor, penalty: Tensor | undefined, norm?: Tensor): Tensor {
  const none = mul(terms[0]!.normalizer, 0);
  const norms = norm === undefined ? [] : [norm];
  return stack([
    cast(ok, "float32"),
    penalty ?? none,
    ...norms,
    ...terms.flatMap(({ value, normalizer }) => [value, normalizer]),
  ]);
}

function finish(
  setup: StepSetup,
  { gradients: found, lookups, terms, penalty, changed }: Omit<Differentiated, "terms"> & { readonly terms: readonly Sums[] },
  counters: Tensor,
  scalars: Tensor,
): Stepped {
  const raw = found.flatMap((gradient) =>
    gradient === undefined ? [] : [isRowGradient(gradient) ? summed(gradient) : gradient],
  );
  if (raw.length === 0) throw nothingToTrain(setup);
  const counted = total(terms.map(({ normalizer }) => normalizer));
  const may = commitCondition({
    counted,
    scalars: [...terms.map(({ value }) => value), ...(penalty === undefined ? [] : [penalty])],
    tensors: [...raw.map((g) => (isRows(g) ? g.rows : g)), ...changed],
  });
  const { held, norm } = clipped(setup, raw);
  const updates: Update[] = [];
  let [first, next] = [0, 0];
  for (const group of setup.groups) {
    const { optimizer, firstScalar, parameters } = group;
    const counts = parameters.map((_, i) => lookups?.[first + i]);
    const own = parameters.map(() => (found[first++] === undefined ? undefined : held[next++]!));
    if (own.every((gradient) => gradient === undefined)) continue;
    const gradients = own.map((gradient, i) => ({ gradient, lookups: counts[i] }));
    updates.push(...groupUpdates(setup, group, gradients, counters, slice(scalars, [firstScalar], [optimizer.scalarCount])));
  }
  const ok = setup.checksWritten
    ? stillFinite(
        may,
        updates.map(([, value]) => value),
      )
    : may;
  return { report: report(terms, ok, penalty, norm), ok, norm, updates };
}

const nothingToTrain = ({ groups }: StepSetup): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    groups.length === 0
      ? "The model has nothing to train: no parameters were found in it, or all are frozen. Layers are found in its properties, and thaw() ends a freeze()."
      : `The loss depends on none of the model's parameters (${groups.flatMap(({ names }) => names).join(", ")}), so there is nothing to train. ` +
          "A gradient ends at stopGradient, at comparisons, argMax and casts to int32, and at numbers that were read out of a tensor.",
  );

/** A parameter's gradient, and of one that was added up for looked-up rows alone how often each row was. */
interface GroupGradient {
  readonly gradient: Tensor | SummedRows | undefined;
  readonly lookups: Variable | undefined;
}

/** New values of a group's parameters and their slots. One without a gradient, and what is kept for it, stays as it is. */
function groupUpdates(
  { seed }: StepSetup,
  group: GroupState,
  gradients: readonly GroupGradient[],
  counters: Tensor,
  scalars: Tensor,
): Update[] {
  const { optimizer, parameters, names, slots } = group;
  const updates: Update[] = [];
  const dense: number[] = [];
  const take = (i: number, p: Tensor, kept: readonly Tensor[]): void => {
    updates.push([parameters[i]!, p], ...slots[i]!.map((slot, k): Update => [slot, kept[k]!]));
  };
  gradients.forEach(({ gradient, lookups }, i) => {
    if (gradient === undefined) return;
    if (!isRows(gradient) || !stepsOnRows(group)) {
      if (!isRows(gradient) && lookups === undefined) requireRows(group, names[i]!);
      dense.push(i);
      return;
    }
    const place = { p: parameters[i]!.value, slots: slots[i]!.map((slot) => slot.value), name: names[i]! };
    const next = stepOnRows(optimizer, place, gradient, scalars);
    take(i, next.p, next.slots);
  });
  if (dense.length === 0) return updates;
  const state = {
    parameters: dense.map((i) => parameters[i]!.value),
    slots: dense.map((i) => slots[i]!.map((slot) => slot.value)),
    names: dense.map((i) => names[i]!),
  };
  // A link of a chain may draw numbers.
  const next = withRandom({ seed, counters }, () =>
    optimizer.update(
      state,
      dense.map((i) => {
        const { gradient } = gradients[i]!;
        return isRows(gradient!) ? wholeGradient(gradient) : gradient!;
      }),
      scalars,
    ),
  );
  dense.forEach((i, k) => {
    const counts = gradients[i]!.lookups?.value;
    if (counts === undefined) return take(i, next.parameters[k]!, next.slots[k]!);
    const moved = greater(counts, 0);
    const rows = (value: Tensor, before: Tensor): Tensor => where(moved, value, before);
    take(
      i,
      rows(next.parameters[k]!, state.parameters[k]!),
      next.slots[k]!.map((slot, s) => rows(slot, state.slots[k]![s]!)),
    );
  });
  return updates;
}
