/** The entries of the trainer's program: step, accumulate, apply, evaluate and predict. */
import { leaves, mapTree, stack, type Tensor, type Tree } from "@ermine/core";
import { signatureOf } from "../data/columns.js";
import type { ColumnTypes } from "../data/source.js";
import { forward, mainOutput, outputOf, partReading, partsOf, pick, termsOf, type BatchTensors } from "../risk/objective.js";
import { applyLink } from "../risk/reading.js";
import type { StepSetup } from "./differentiate.js";
import { reportOf, type Outcome } from "./outcome.js";
import type { EntryArguments, EntryBody, EntryResult, EntrySpec } from "./engine.js";
import { inMode } from "./mode.js";
import type { RunOrder } from "./runOrder.js";
import { linkOf, type OutputReading, type Training } from "./training.js";
import { updateBody } from "./update.js";

/** Setup of a step, with its parameter groups. */
export const stepSetup = ({ setup, state, engine }: Training): StepSetup => ({
  ...setup,
  groups: state.begin(() => engine.forget(["step", "sumNormalizers", "accumulate", "apply"])),
  checksWritten: state.checksWritten,
});

/** Makes the entries that write anew where from now on everything that they write is looked at before. */
export function redefineUpdate(training: Training, data: ColumnTypes): void {
  training.engine.forget(["step", "apply"]);
  defineUpdate(training, data);
}

const specOf = ({ state }: Training, columns: ColumnTypes | undefined): EntrySpec => ({
  columns,
  scalarCount: state.scalarCount,
});

/** An update in one go, or as parts that are added up and then applied. */
export function defineUpdate(training: Training, data: ColumnTypes): void {
  training.targetColumns = data;
  training.columns = data;
  const setup = stepSetup(training);
  if (training.accumulate === 1) defineStep(training, setup, data);
  else training.defineMicroBatches!(training, setup, data);
}

export const resultOf = (outcome: Outcome): EntryResult => ({
  outputs: [reportOf(outcome)],
  ok: outcome.ok,
  updates: outcome.updates,
});

/** Structure of the feeds of an update's entry. */
export const updateSpec = (training: Training, columns: ColumnTypes | undefined): EntrySpec => ({
  ...specOf(training, columns),
  isInFlight: training.isInFlight,
});

/** The order of runs in flight; undefined where each is waited for. */
export function orderOf({ state, isInFlight }: Training): (args: EntryArguments) => RunOrder | undefined {
  if (!isInFlight) return () => undefined;
  const accepted = state.acceptedRuns();
  return (args) => ({ accepted, expected: args.accepted() });
}

function defineStep(training: Training, setup: StepSetup, data: ColumnTypes): void {
  const order = orderOf(training);
  training.engine.define("step", updateSpec(training, data), (args) =>
    resultOf(updateBody(setup, args.batch!, args.counters, args.scalars, order(args))),
  );
}

/** The entries that an update calls. */
export const updateEntries = ({ accumulate, setup: { loss } }: Training): string[] =>
  accumulate === 1 ? ["step"] : [...(partsOf(loss).length > 1 ? ["sumNormalizers"] : []), "accumulate", "apply"];

/** Number of runs of an update over `count` micro-batches. */
export const runsOf = (training: Training, parts = training.accumulate): number =>
  training.accumulate === 1 ? 1 : (updateEntries(training).length - 1) * parts + 1;

/**
 * @param hasMetrics is the model's output read too, for metrics?
 * @returns the entry's name: data of other columns than those that are trained on have an entry of their own, so that neither replaces the other's
 */
export function defineEvaluate(training: Training, data: ColumnTypes, hasMetrics: boolean): string {
  training.targetColumns = data;
  const { model, loss } = training.setup;
  const isOther = training.columns !== undefined && signatureOf(training.columns) !== signatureOf(data);
  // The usual one is called as the call is, in messages; one that is asked for other metrics than the trainer's stands next to it.
  const kind = hasMetrics === training.metrics.length > 0 ? "evaluate" : hasMetrics ? "evaluateMetrics" : "evaluateLoss";
  const name = isOther ? `${kind}.other` : kind;
  const body: EntryBody = ({ batch }) => {
    const output = forward(model, batch!.inputs);
    const terms = termsOf(loss, output, batch!);
    const metricOutputs = hasMetrics ? [applyLink(linkOf(training), mainOutput(loss, output))] : [];
    return { outputs: [stack(terms.flatMap(({ value, normalizer }) => [value, normalizer])), ...metricOutputs] };
  };
  training.engine.define(name, specOf(training, data), (args) => inMode(model, "eval", () => body(args)));
  return name;
}

/** @returns the entry's name */
export function definePredict(training: Training, unlabelled: ColumnTypes, reading: OutputReading): string {
  const { model, loss } = training.setup;
  const { as, output: key } = reading;
  const place = key === undefined ? "" : `.${key}`;
  const evaluated = (batch: BatchTensors): Tree<Tensor> => inMode(model, "eval", () => forward(model, batch.inputs));
  if (as === "output") {
    const name = `predict${place}`;
    training.engine.define(name, specOf(training, unlabelled), ({ batch }) => {
      const outputs = evaluated(batch!);
      const selectedOutputs = key === undefined ? outputs : pick("output", "predict", outputs, key);
      const tensors = leaves(selectedOutputs) as Tensor[];
      let place = 0;
      return { outputs: tensors, structure: mapTree(selectedOutputs, () => place++) };
    });
    return name;
  }
  const link = linkOf(training, key);
  // Named by the link too: it may follow the targets.
  const name = `predictProbabilities.${link}${place}`;
  training.engine.define(name, specOf(training, unlabelled), ({ batch }) => ({
    outputs: [applyLink(link, outputOf(partReading(loss, key), evaluated(batch!)))],
    structure: 0,
  }));
  return name;
}
