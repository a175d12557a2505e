/** All of a training at one moment, copied; and a training made what it was at that moment. */
import { ErmineError, scope, Variable, zeros, type Parameter, type TypedArray } from "@ermine/core";
import { formatShape, show } from "@ermine/core/define";
import { optimizerFor, optimizersOf } from "../optimizers/groups.js";
import type { Schedule } from "../schedules/schedule.js";
import type { HostState, ParameterAge, SavedState, SnapshotSettings, TrainingSnapshot, VariableState } from "./contract.js";
import { slotName, type ParameterState } from "./optimizerState.js";
import { copyState } from "./savedState.js";
import type { Training } from "./training.js";

/** A copy of everything that training changes. Nobody may change it meanwhile: it is called in a turn. */
export async function takeSnapshot(training: Training, settings: SnapshotSettings): Promise<TrainingSnapshot> {
  const { state, setup, averaged } = training;
  const named = setup.model.namedParameters();
  const nameOf = new Map(named.map(([name, parameter]) => [parameter, name]));
  const ages: [string, ParameterAge][] = [];
  const slots: Variable[] = [];
  for (const [parameter, { slots: slotsOfParameter, skippedSteps, since = null }] of state.parameterStates) {
    const name = nameOf.get(parameter);
    if (name === undefined) continue;
    ages.push([name, { skippedSteps, frozenSince: since }]);
    slots.push(...slotsOfParameter);
  }
  const host: HostState = {
    batch: state.batch,
    update: state.update,
    epoch: state.epoch,
    cursor: state.cursor,
    seed: setup.seed,
    schedules: schedulesOf(training).map((rates) =>
      rates.map((rate) => (rate === null ? null : copyState(`The state of ${rate.name}`, state.schedules.get(rate) ?? null))),
    ),
    ages: Object.fromEntries(ages),
    frozen: named.flatMap(([name, { trainable }]) => (trainable ? [] : [name])),
    trained: state.cursor === null ? null : state.groups.flatMap(({ names }) => names),
    hasLargeScalars: state.hasLargeScalars,
    sums: { ...state.sums, parts: state.sums.parts.map((part) => ({ ...part })) },
    history: { epochs: [...state.history.epochs], steps: [...state.history.steps] },
    span: state.span ?? null,
    stopped: state.stopped,
    callbacks: state
      .callbackStates()
      .map(({ name, state: value }) => ({ name, state: copyState(`What state() of ${name} gives`, value) })),
  };
  const all: [string, Variable][] = [
    ...setup.model.namedVariables(),
    ...slots.map((slot): [string, Variable] => [slot.name, slot]),
  ];
  const variables = await Promise.all(
    all.map(async ([name, variable]): Promise<VariableState> => {
      const { role, type } = variable;
      const data = averaged.weightsOf(variable)?.slice() ?? (await variable.data());
      return { name, role, shape: variable.shape, dtype: type.dtype, data };
    }),
  );
  return { variables, host, settings };
}

/** For each parameter group its rates: the schedules that follow a log, null for others. */
const schedulesOf = ({ state }: Training): (Schedule | null)[][] =>
  optimizersOf(state.optimizer).map(({ rates }) =>
    rates.map((rate) => (typeof rate === "object" && rate.observe !== undefined ? rate : null)),
  );

const isVariableOfModel = ({ role }: Pick<VariableState, "role">): boolean => role === "parameter" || role === "buffer";

/**
 * Makes a training what it was. The parameters that its next update moves are those of the epoch that it was in: `state.switchFrozen()` freezes what
 * was frozen in the middle of that.
 *
 * @throws ErmineError ERMINE_USAGE that names the first variable that is missing, not expected or of another shape; nothing is changed
 */
export function restoreSnapshot(training: Training, snapshot: TrainingSnapshot): void {
  checkSnapshot(snapshot);
  const { state, setup, engine, averaged } = training;
  const { host } = snapshot;
  const values = new Map(
    snapshot.variables.map((savedVariable) => [
      `${isVariableOfModel(savedVariable) ? "model" : "slot"} ${savedVariable.name}`,
      savedVariable,
    ]),
  );
  const take = (kind: "model" | "slot", name: string, shape: readonly number[], dtype: string): TypedArray => {
    const value = values.get(`${kind} ${name}`);
    values.delete(`${kind} ${name}`);
    if (value === undefined) throw anotherModel(`it has no ${name} ${dtype}${formatShape(shape)}, which this trainer's has`);
    if (value.dtype === dtype && value.shape.length === shape.length && value.shape.every((size, i) => size === shape[i]))
      return value.data;
    throw anotherModel(
      `its ${name} is ${value.dtype}${formatShape(value.shape)}, and this trainer's is ${dtype}${formatShape(shape)}`,
    );
  };
  const setupVariables = setup.model
    .namedVariables()
    .map(([name, variable]) => [variable, take("model", name, variable.shape, variable.type.dtype)] as const);
  const named = new Map(setup.model.namedParameters());
  for (const name of [...Object.keys(host.ages), ...host.frozen, ...(host.trained ?? [])])
    if (!named.has(name)) throw anotherModel(`it has a parameter ${name}, and this trainer's model has none of that name`);
  const schedules = new Map<Schedule, SavedState>();
  schedulesOf(training).forEach((rates, group) =>
    rates.forEach((rate, i) => {
      const saved = host.schedules[group]?.[i] ?? null;
      if (rate !== null && saved !== null) schedules.set(rate, copyState(`The state of ${rate.name}`, saved));
    }),
  );
  // Looked at before the first is made.
  const plans = Object.entries(host.ages).map(([name, { skippedSteps, frozenSince }]) => {
    const parameter = named.get(name)!;
    const optimizer = optimizerFor(state.optimizer, name, parameter);
    const slots = Object.entries(optimizer.slots(parameter.shape)).map(([slot, { shape }]) => {
      const full = slotName(name, slot);
      return {
        name: full,
        shape,
        role: slot === optimizer.average ? "average" : "slot",
        data: take("slot", full, shape, "float32"),
      } as const;
    });
    return { parameter, slots, skippedSteps, since: frozenSince };
  });
  const [unusedVariable] = values.values();
  if (unusedVariable !== undefined)
    throw anotherModel(
      `it has ${unusedVariable.name} ${unusedVariable.dtype}${formatShape(unusedVariable.shape)}, which this trainer has not`,
    );

  engine.forget(["step", "sumNormalizers", "accumulate", "apply"]);
  averaged.putBack();
  const states = new Map<Parameter, ParameterState>();
  for (const { parameter, slots, skippedSteps, since } of plans) {
    const variables = slots.map(({ name, shape, role, data }) => {
      const variable = new Variable(zeros(shape), { name, trainable: false, role });
      scope(() => variable.write(data));
      return variable;
    });
    states.set(parameter, { slots: variables, skippedSteps, ...(since === null ? {} : { since }) });
  }
  state.restore(host, states, schedules);
  scope(() => {
    for (const [variable, data] of setupVariables) variable.write(data);
  });
}

const anotherModel = (difference: string): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `The snapshot is of another model or optimizer: ${difference}. Make the trainer as the one that was saved. To load the model's values alone: ` +
      "model.loadStateDict(values, { strict: false }).",
  );

/** @throws ErmineError ERMINE_USAGE where it is no snapshot */
export function checkSnapshot(snapshot: TrainingSnapshot): void {
  const { variables, host, settings } = (snapshot ?? {}) as Partial<TrainingSnapshot>;
  const isSnapshot = Array.isArray(variables) && typeof host === "object" && host !== null && typeof settings === "object";
  if (isSnapshot) return;
  const isPromise = typeof (snapshot as { then?: unknown } | null | undefined)?.then === "function";
  throw new ErmineError(
    "ERMINE_USAGE",
    `A training is restored from a snapshot, got ${isPromise ? "a promise. Await it" : `${show(snapshot)}. trainer.snapshot() gives one`}.`,
  );
}
