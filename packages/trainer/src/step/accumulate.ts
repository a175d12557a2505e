/**
 * An update over several micro-batches: their gradients are added up, and then applied. What micro-batches write is the accumulation alone
 * (`Accumulated`): the model changes when the update is taken, all at once.
 */
import {
  abs,
  add,
  div,
  equal,
  greaterEqual,
  indexAdd,
  isRowGradient,
  mul,
  ones,
  reshape,
  slice,
  stack,
  valueAndRowGrads,
} from "@ermine/core";
import type { RowGradient, Tensor, Variable } from "@ermine/core";
import { withDomain } from "@ermine/core/define";
import { forward, termsOf, type BatchTensors, type Term } from "../risk/objective.js";
import { totalPenalty } from "../risk/regularizers.js";
import { withholdBuffers } from "./buffers.js";
import { commitCondition } from "./commitCondition.js";
import { differentiate, inTraining, meanOf, total, weighted, type StepSetup } from "./differentiate.js";
import type { Outcome, Update } from "./outcome.js";
import { inMode } from "./mode.js";
import { requireRows } from "./rows.js";
import { acceptEmpty, inOrder, select, type RunOrder } from "./runOrder.js";
import type { Accumulated, GroupState } from "./state.js";
import { updateOf } from "./update.js";

/** Before the micro-batches of an update whose loss has several parts: what each part's mean will be over. */
export function sumNormalizersBody(
  { model, loss }: StepSetup,
  batch: BatchTensors,
  { normalizers }: Accumulated,
  order?: RunOrder,
): Outcome {
  // Normalizers are a matter of the targets: of the forward nothing is left but shapes.
  const terms = inMode(model, "eval", () => termsOf(loss, forward(model, batch.inputs), batch));
  const ok = greaterEqual(total(terms.map(({ normalizer }) => normalizer)), 0);
  const sum = add(normalizers.value, stack(terms.map(({ normalizer }) => normalizer)));
  const outcome: Outcome = { terms, ok, updates: [[normalizers, sum]] };
  return order === undefined ? outcome : inOrder(order, outcome);
}

/** The forward of a micro-batch alone: what it writes to buffers is found by tracing it. */
export function forwardOnly(setup: StepSetup, batch: BatchTensors, counters: Tensor): readonly Term[] {
  return inTraining(setup, counters, () => termsOf(setup.loss, forward(setup.model, batch.inputs), batch));
}

/**
 * Forward and backward of a micro-batch: Σ value's gradient, added to what the update's earlier ones gave. Of several parts it is
 * Σ weight · value / the normalizer of the whole update, which is known by then.
 */
export function accumulateBody(
  setup: StepSetup,
  batch: BatchTensors,
  counters: Tensor,
  sums: Accumulated,
  order?: RunOrder,
): Outcome {
  const [{ terms, gradients, changed }, buffers] = withAccumulatedBuffers(sums.buffers, counters, () =>
    differentiate(setup, batch, counters, (parts) =>
      parts.length === 1
        ? parts[0]!.value
        : total(parts.map(({ value, weight }, i) => weighted(meanOf(value, at(sums.normalizers.value, i), false), weight))),
    ),
  );
  const places = placesOf(setup);
  const addedGradients: Tensor[] = [];
  const updates = gradients.flatMap((gradient, i): Update[] => {
    if (gradient === undefined) return [];
    sums.reached.add(sums.gradients[i]!);
    if (isRowGradient(gradient)) {
      addedGradients.push(gradient.rows);
      return rowUpdates(gradient, sums.gradients[i]!, sums.lookups[i]);
    }
    requireRows(places[i]!.group, places[i]!.name);
    addedGradients.push(gradient);
    return [[sums.gradients[i]!, add(sums.gradients[i]!.value, gradient)]];
  });
  const totals = add(sums.totals.value, stack(terms.flatMap(({ value, normalizer }) => [value, normalizer])));
  const outcome: Outcome = {
    terms,
    ok: commitCondition({ scalars: terms.map(({ value }) => value), tensors: [...addedGradients, ...changed] }),
    updates: [...updates, [sums.totals, totals], ...buffers],
  };
  return order === undefined ? outcome : inOrder(order, outcome);
}

/** @param counts how often each row was looked up, where steps are on these rows alone */
function rowUpdates({ indices, rows }: RowGradient, sum: Variable, counts: Variable | undefined): Update[] {
  const updates: Update[] = [[sum, indexAdd(sum.value, 0, indices, rows)]];
  if (counts !== undefined) updates.push([counts, indexAdd(counts.value, 0, indices, ones([indices.shape[0]!, 1]))]);
  return updates;
}

/**
 * Runs fn, which finds the buffers as the micro-batch before it has left them.
 *
 * @param buffers each with the variable that has what the last micro-batch has made of it
 * @returns its result, and the new values of those variables; the buffers are as they were
 */
function withAccumulatedBuffers<T>(
  buffers: ReadonlyMap<Variable, Variable>,
  counters: Tensor,
  fn: () => T,
): readonly [T, Update[]] {
  if (buffers.size === 0) return [fn(), []];
  const isFirst = equal(at(counters, 1), 0);
  const [result, updates] = withholdBuffers([...buffers.keys()], () => {
    for (const [buffer, last] of buffers) buffer.value = select(isFirst, buffer, buffer.value, last.value);
    return fn();
  });
  return [result, updates.map(([buffer, value]): Update => [buffers.get(buffer)!, value])];
}

/** Each parameter's group, and its name in the model. */
const placesOf = ({ groups }: StepSetup): readonly { readonly group: GroupState; readonly name: string }[] =>
  groups.flatMap((group) => group.names.map((name) => ({ group, name })));

const at = (vector: Tensor, i: number): Tensor => reshape(slice(vector, [i], [1]), []);

/** The update from what was accumulated: Σ ∇value / Σ normalizer plus the penalty's gradient, once. */
export function applyBody(setup: StepSetup, sums: Accumulated, counters: Tensor, scalars: Tensor, order?: RunOrder): Outcome {
  const terms = Array.from({ length: sums.totals.shape[0]! / 2 }, (_, i) => ({
    value: at(sums.totals.value, 2 * i),
    normalizer: at(sums.totals.value, 2 * i + 1),
  }));
  const [onlyPart] = terms.length === 1 ? terms : [];
  const riskGradients = sums.gradients.map((sum): Tensor | undefined => {
    if (!sums.reached.has(sum)) return undefined;
    return onlyPart === undefined ? sum.value : div(sum.value, onlyPart.normalizer);
  });
  const { gradients, penalty } = withPenalty(setup, riskGradients);
  const lookups = sums.lookups.map((counts, i) => (sums.reached.has(sums.gradients[i]!) ? counts : undefined));
  const [applied, buffers] = withholdBuffers([...sums.buffers.keys()], () => {
    for (const [buffer, last] of sums.buffers) buffer.value = withDomain(last.value, buffer.type.domain);
    return updateOf(setup, { gradients, lookups, terms, penalty, changed: [] }, counters, scalars);
  });
  // First, so that a parameter that the forward has changed becomes what the optimizer makes of it.
  const outcome = { ...applied, updates: [...buffers, ...applied.updates] };
  const { updates, ...reported } = order === undefined ? outcome : acceptEmpty(outcome);
  const clearedOutcome = { ...reported, updates: [...updates, ...clearAccumulated(sums, lookups)] };
  return order === undefined ? clearedOutcome : inOrder(order, clearedOutcome);
}

/** The gradients of the risk and of the regularizers together. */
function withPenalty(
  setup: StepSetup,
  riskGradients: readonly (Tensor | undefined)[],
): { readonly gradients: readonly (Tensor | undefined)[]; readonly penalty: Tensor | undefined } {
  if (setup.regularizers.length === 0) return { gradients: riskGradients, penalty: undefined };
  const { value, grads } = valueAndRowGrads(
    () => [totalPenalty(setup.model, setup.regularizers)!],
    setup.groups.flatMap((group) => group.parameters),
    () => false,
  );
  const places = placesOf(setup);
  const gradients = riskGradients.map((riskGradient, i) => {
    const penaltyGradient = grads[i] as Tensor | undefined;
    if (penaltyGradient !== undefined) requireRows(places[i]!.group, places[i]!.name);
    if (riskGradient === undefined || penaltyGradient === undefined) return riskGradient ?? penaltyGradient;
    return add(riskGradient, penaltyGradient);
  });
  return { gradients, penalty: value[0] };
}

/** The next update begins at 0. By the absolute value: a sum below 0 would leave −0, and training that goes on from a snapshot begins with 0. */
function clearAccumulated({ reached, totals, normalizers }: Accumulated, lookups: readonly (Variable | undefined)[]): Update[] {
  const lookupCounts = lookups.filter((counts) => counts !== undefined);
  return [...reached, ...lookupCounts, totals, normalizers].map((variable): Update => [variable, mul(abs(variable.value), 0)]);
}
