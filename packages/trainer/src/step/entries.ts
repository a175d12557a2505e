/** The entries of the trainer's program, step, accumulate, apply, evaluate and predict, and what they are fed. */
import { stack, type Feed } from "@ermine/core";
import { batchFeeds, type Rows } from "../data/batches.js";
import { Dataset } from "../data/dataset.js";
import { mainTargetType } from "../data/targets.js";
import type { Resident } from "../data/resident.js";
import { forward, isLoss, isSum, mainOutput, partsOf, termsOf } from "../risk/objective.js";
import { applyLink } from "../risk/reading.js";
import { accumulateBody, applyBody, updateBody, weighBody, type StepSetup, type Stepped } from "./body.js";
import type { EntryBody, EntryResult, EntrySpec } from "./engine.js";
import { inMode } from "./mode.js";
import { linkOf, type Training } from "./training.js";

/** How a step is made, its groups among it. */
export const stepSetup = ({ setup, state, engine }: Training): StepSetup => ({
  ...setup,
  groups: state.begin(() => engine.forget(["step", "weigh", "accumulate", "apply"])),
  checksWritten: state.checksWritten,
});

/** Makes the entries that write anew where from now on everything that they write is looked at before. */
export function redefineUpdate(training: Training, data: Dataset): void {
  training.engine.forget(["step", "apply"]);
  defineUpdate(training, data);
}

const specOf = ({ state }: Training, columns: Dataset | undefined): EntrySpec => ({ columns, scalarCount: state.scalarCount });

/** An update in one go, or as parts that are added up and then applied. */
export function defineUpdate(training: Training, data: Dataset): void {
  training.targetType = mainTargetType(training.setup.loss, data);
  const setup = stepSetup(training);
  if (training.accumulate === 1) defineStep(training, setup, data);
  else defineParts(training, setup, data);
}

const resultOf = ({ report, ok, updates }: Stepped): EntryResult => ({ outputs: [report], ok, updates });

function defineStep(training: Training, setup: StepSetup, data: Dataset): void {
  training.engine.define("step", specOf(training, data), ({ batch, counters, scalars }) =>
    resultOf(updateBody(setup, batch!, counters, scalars)),
  );
}

function defineParts(training: Training, setup: StepSetup, data: Dataset): void {
  const { engine, state } = training;
  const sums = state.accumulated(countParts(training, data));
  if (sums.normalizers.shape[0]! > 1) {
    engine.define("weigh", specOf(training, data), ({ batch }) => resultOf(weighBody(setup, batch!, sums)));
  }
  const changed = engine.define("accumulate", specOf(training, data), ({ batch, counters }) =>
    resultOf(accumulateBody(setup, batch!, counters, sums)),
  );
  // Other columns may reach other parameters, which is what is applied.
  if (changed) {
    sums.reached.clear();
    engine.forget(["apply"]);
  }
  engine.define("apply", specOf(training, undefined), ({ counters, scalars }) =>
    resultOf(applyBody(setup, sums, counters, scalars)),
  );
}

/** How many parts the loss has: of a function of one's own it is known when it was traced. */
function countParts(training: Training, data: Dataset): number {
  const { loss } = training.setup;
  if (!isLoss(loss) && !isSum(loss) && partsOf(loss).length === 0) {
    defineEvaluate(training, data);
    training.engine.trace();
  }
  return partsOf(loss).length;
}

/** The entries that an update calls. */
export const updateEntries = ({ accumulate, setup: { loss } }: Training): string[] =>
  accumulate === 1 ? ["step"] : [...(partsOf(loss).length > 1 ? ["weigh"] : []), "accumulate", "apply"];

export function defineEvaluate(training: Training, data: Dataset): void {
  training.targetType = mainTargetType(training.setup.loss, data);
  const { model, loss } = training.setup;
  const wanted = training.metrics.length > 0;
  const body: EntryBody = ({ batch }) => {
    const output = forward(model, batch!.inputs);
    const terms = termsOf(loss, output, batch!);
    const read = wanted ? [applyLink(linkOf(training), mainOutput(loss, output))] : [];
    return { outputs: [stack(terms.flatMap(({ value, normalizer }) => [value, normalizer])), ...read] };
  };
  training.engine.define("evaluate", specOf(training, data), (args) => inMode(model, "eval", () => body(args)));
}

/** @returns the entry's name */
export function definePredict(training: Training, unlabelled: Dataset, as: "output" | "probabilities"): string {
  const { model, loss } = training.setup;
  const link = as === "output" ? "identity" : linkOf(training);
  // Named by the link too: it may follow the targets.
  const name = as === "output" ? "predict" : `predictProbabilities.${link}`;
  training.engine.define(name, specOf(training, unlabelled), ({ batch }) => {
    const output = mainOutput(
      loss,
      inMode(model, "eval", () => forward(model, batch!.inputs)),
    );
    return { outputs: [applyLink(link, output)] };
  });
  return name;
}

/** What an entry over a batch is fed. `first`: samples of the update in earlier micro-batches. */
export function feedsOf(
  { state, ahead }: Training,
  data: Dataset,
  rows: Int32Array,
  microBatch = 0,
  first = 0,
  resident?: Resident,
): Record<string, Feed> {
  // Added and not spread: a spread makes a hidden class each step, which stays until the next full collection.
  const feeds = batchFeeds(data, { rows, ahead }, resident);
  addTime(feeds, state.step, microBatch, first, state.scalars());
  return feeds;
}

/** An update's feeds, made once for a data set and a batch size and pointed at one batch after the other. */
export class StepFeeds {
  readonly #data: Dataset;
  readonly #resident: Resident | undefined;
  readonly #batch: Rows;
  readonly #feeds: Record<string, Feed>;
  readonly #counters = new Int32Array(3);
  readonly #scalars: Float32Array;

  constructor({ state, resident }: Training, data: Dataset, rows: Int32Array) {
    this.#data = data;
    this.#resident = resident;
    this.#batch = { rows };
    this.#feeds = batchFeeds(data, this.#batch, resident);
    this.#scalars = new Float32Array(state.scalarCount);
    this.#feeds["counters"] = { shape: [3], value: this.#counters };
    this.#feeds["scalars"] = { shape: [state.scalarCount], value: this.#scalars };
  }

  /** Do they fit this batch? */
  fits({ state, resident }: Training, data: Dataset, rows: Int32Array): boolean {
    return (
      this.#data === data &&
      this.#resident === resident &&
      this.#batch.rows.length === rows.length &&
      this.#scalars.length === state.scalarCount
    );
  }

  /** The feeds of the step that is next; they hold until they are pointed elsewhere. */
  pointedAt({ state, ahead }: Training, rows: Int32Array): Readonly<Record<string, Feed>> {
    this.#batch.rows = rows;
    this.#batch.ahead = ahead;
    this.#counters[0] = state.step;
    state.writeScalars(this.#scalars);
    state.checkScalars(this.#scalars);
    return this.#feeds;
  }
}

/** What an entry without a batch is fed. */
export function timeFeeds({ state }: Training): Record<string, Feed> {
  const feeds: Record<string, Feed> = {};
  addTime(feeds, state.step, 0, 0, state.scalars());
  return feeds;
}

/** A call of an entry. */
export interface EntryRun {
  readonly entry: string;
  readonly feeds: Readonly<Record<string, Feed>>;
}

/** The calls that an update over these micro-batches is. `resident`: where their rows lie on the backend that is called. */
export function updateRuns(training: Training, data: Dataset, parts: readonly Int32Array[], resident?: Resident): EntryRun[] {
  training.state.checkScalars(training.state.scalars());
  if (training.accumulate === 1) return [{ entry: "step", feeds: feedsOf(training, data, parts[0]!) }];
  let first = 0;
  const feeds = parts.map((rows, microBatch) => {
    first += rows.length;
    return feedsOf(training, data, rows, microBatch, first - rows.length, resident);
  });
  return updateEntries(training).flatMap((entry): EntryRun[] =>
    entry === "apply" ? [{ entry, feeds: timeFeeds(training) }] : feeds.map((own) => ({ entry, feeds: own })),
  );
}

function addTime(feeds: Record<string, Feed>, step: number, microBatch: number, first: number, scalars: Float32Array): void {
  feeds["counters"] = { shape: [3], value: Int32Array.of(step, microBatch, first) };
  feeds["scalars"] = { shape: [scalars.length], value: scalars };
}
