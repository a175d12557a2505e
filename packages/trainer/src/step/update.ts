/** One update of the empirical risk, as a function of tensors: the same code runs traced and eagerly. */
import {
  add,
  ErmineError,
  greater,
  isRowGradient,
  mul,
  slice,
  where,
  withRandom,
  type Tensor,
  type Variable,
} from "@ermine/core";
import { clipFactor, clipGradValue, globalNorm } from "../optimizers/clip.js";
import type { BatchTensors, Sums } from "../risk/objective.js";
import { withholdBuffers } from "./buffers.js";
import { commitCondition, stillFinite } from "./commitCondition.js";
import { differentiate, meanOf, total, weighted, type Differentiated, type StepSetup } from "./differentiate.js";
import type { Outcome, Update } from "./outcome.js";
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
import { acceptEmpty, inOrder, type RunOrder } from "./runOrder.js";
import type { GroupState } from "./state.js";

/** Forward, backward and update of one batch: the risk Σ value / Σ normalizer, of each part, plus the penalty. */
export function updateBody(setup: StepSetup, batch: BatchTensors, counters: Tensor, scalars: Tensor, order?: RunOrder): Outcome {
  const run = (): Outcome => {
    const differentiated = differentiate(setup, batch, counters, (terms, penalty) => {
      const risk = total(terms.map((term) => weighted(meanOf(term.value, term.normalizer, terms.length === 1), term.weight)));
      return penalty === undefined ? risk : add(risk, penalty);
    });
    return updateOf(setup, differentiated, counters, scalars);
  };
  if (order === undefined) return run();
  const [outcome, buffers] = withholdBuffers(setup.buffers, run);
  return inOrder(order, acceptEmpty({ ...outcome, updates: [...outcome.updates, ...buffers] }));
}

/** Input of an update: gradients of the risk and the penalty, and their values. */
interface Gradients extends Omit<Differentiated, "terms"> {
  readonly terms: readonly Sums[];
  /** Of a gradient that was added up, and whose step is on looked-up rows alone: how often each row was. Default: none is such a one. */
  readonly lookups?: readonly (Variable | undefined)[];
}

/** From gradients to new values of parameters and slots, and the condition under which they are taken. */
export function updateOf(
  setup: StepSetup,
  { gradients, lookups, terms, penalty, changed }: Gradients,
  counters: Tensor,
  scalars: Tensor,
): Outcome {
  const presentGradients = gradients.flatMap((gradient) =>
    gradient === undefined ? [] : [isRowGradient(gradient) ? summed(gradient) : gradient],
  );
  if (presentGradients.length === 0) throw nothingToTrain(setup);
  const condition = commitCondition({
    counted: total(terms.map(({ normalizer }) => normalizer)),
    scalars: [...terms.map(({ value }) => value), ...(penalty === undefined ? [] : [penalty])],
    tensors: [...presentGradients.map((g) => (isRows(g) ? g.rows : g)), ...changed],
  });
  const { limited, norm } = clipped(setup, presentGradients);
  const updates: Update[] = [];
  let [first, nextGradient] = [0, 0];
  for (const group of setup.groups) {
    const { optimizer, firstScalar, parameters } = group;
    const ofGroup = parameters.map((_, i): GroupGradient => ({
      gradient: gradients[first + i] === undefined ? undefined : limited[nextGradient++]!,
      lookups: lookups?.[first + i],
    }));
    first += parameters.length;
    if (ofGroup.every(({ gradient }) => gradient === undefined)) continue;
    updates.push(...groupUpdates(setup, group, ofGroup, counters, slice(scalars, [firstScalar], [optimizer.scalarCount])));
  }
  const ok = setup.checksWritten
    ? stillFinite(
        condition,
        updates.map(([, value]) => value),
      )
    : condition;
  return { terms, penalty, norm, ok, updates };
}

/** The gradients held within their limits, and their norm before they are scaled. */
function clipped(
  { gradNorm, clipGradValue: most }: StepSetup,
  raw: readonly (Tensor | SummedRows)[],
): { readonly limited: readonly (Tensor | SummedRows)[]; readonly norm: Tensor | undefined } {
  const limited = most === undefined ? raw : raw.map((g) => mapGradient(g, (t) => clipGradValue([t], most)[0]!));
  if (gradNorm === undefined) return { limited, norm: undefined };
  const { maxNorm, normType } = gradNorm;
  const norm = globalNorm(
    limited.map((g) => normOf(g, normType)),
    normType,
  );
  if (maxNorm === undefined) return { limited, norm };
  const factor = clipFactor(maxNorm, norm);
  return { limited: limited.map((g) => mapGradient(g, (t) => mul(t, factor))), norm };
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
  const take = (i: number, p: Tensor, newSlots: readonly Tensor[]): void => {
    updates.push([parameters[i]!, p], ...slots[i]!.map((slot, k): Update => [slot, newSlots[k]!]));
  };
  gradients.forEach(({ gradient, lookups }, i) => {
    if (gradient === undefined) return;
    if (!isRows(gradient) || !stepsOnRows(group)) {
      if (!isRows(gradient) && lookups === undefined) requireRows(group, names[i]!);
      dense.push(i);
      return;
    }
    const place = { p: parameters[i]!.value, slots: slots[i]!.map((slot) => slot.value), name: names[i]! };
    const stepped = stepOnRows(optimizer, place, gradient, scalars);
    take(i, stepped.p, stepped.slots);
  });
  if (dense.length === 0) return updates;
  const state = {
    parameters: dense.map((i) => parameters[i]!.value),
    slots: dense.map((i) => slots[i]!.map((slot) => slot.value)),
    names: dense.map((i) => names[i]!),
  };
  // A link of a chain may draw numbers.
  const stepped = withRandom({ seed, counters }, () =>
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
    if (counts === undefined) return take(i, stepped.parameters[k]!, stepped.slots[k]!);
    const isLookedUp = greater(counts, 0);
    const rows = (value: Tensor, before: Tensor): Tensor => where(isLookedUp, value, before);
    take(
      i,
      rows(stepped.parameters[k]!, state.parameters[k]!),
      stepped.slots[k]!.map((slot, s) => rows(slot, state.slots[k]![s]!)),
    );
  });
  return updates;
}
