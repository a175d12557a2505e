/** The entries of the trainer's program, step, accumulate, apply, evaluate and predict, and what they are fed. */
import type { Feed } from "@ermine/core";
import { batchFeeds, type Rows } from "../data/batches.js";
import { Dataset } from "../data/dataset.js";
import { forward, lossSums } from "../risk/objective.js";
import { applyLink, pair } from "../risk/reading.js";
import { accumulateBody, applyBody, updateBody, type StepSetup } from "./body.js";
import type { EntrySpec } from "./engine.js";
import { linkOf, type Training } from "./training.js";

/** How a step is made, its groups among it. */
export const stepSetup = ({ setup, state, engine }: Training): StepSetup => ({
  ...setup,
  groups: state.begin(() => engine.forget(["step", "accumulate", "apply"])),
});

const specOf = ({ state }: Training, columns: Dataset | undefined): EntrySpec => ({ columns, scalarCount: state.scalarCount });

/** An update in one go, or as parts that are added up and then applied. */
export function defineUpdate(training: Training, data: Dataset): void {
  const setup = stepSetup(training);
  if (training.accumulate === 1) defineStep(training, setup, data);
  else defineParts(training, setup, data);
}

function defineStep(training: Training, setup: StepSetup, data: Dataset): void {
  training.engine.define("step", specOf(training, data), ({ batch, counters, scalars }) => {
    const { report, ok, updates } = updateBody(setup, batch!, counters, scalars);
    return { outputs: [report], ok, updates };
  });
}

function defineParts(training: Training, setup: StepSetup, data: Dataset): void {
  const { gradients, totals } = training.state.accumulated();
  training.engine.define("accumulate", specOf(training, data), ({ batch, counters }) => {
    const { report, ok, updates } = accumulateBody(setup, batch!, counters, gradients, totals);
    return { outputs: [report], ok, updates };
  });
  training.engine.define("apply", specOf(training, undefined), ({ counters, scalars }) => {
    const { report, ok, updates } = applyBody(setup, gradients, totals, counters, scalars);
    return { outputs: [report], ok, updates };
  });
}

export function defineEvaluate(training: Training, data: Dataset): void {
  const { model, loss } = training.setup;
  const wanted = training.metrics.length > 0;
  training.engine.define("evaluate", specOf(training, data), ({ batch }) => {
    model.eval();
    const output = forward(model, batch!.inputs);
    const { value, normalizer } = lossSums(loss, output, batch!);
    return { outputs: [pair(value, normalizer), ...(wanted ? [applyLink(linkOf(training), output)] : [])] };
  });
}

/** @returns the entry's name */
export function definePredict(training: Training, unlabelled: Dataset, as: "output" | "probabilities"): string {
  const { model } = training.setup;
  const name = as === "output" ? "predict" : "predictProbabilities";
  training.engine.define(name, specOf(training, unlabelled), ({ batch }) => {
    model.eval();
    const output = forward(model, batch!.inputs);
    return { outputs: [as === "output" ? output : applyLink(linkOf(training), output)] };
  });
  return name;
}

/** What an entry over a batch is fed. `first`: samples of the update in earlier micro-batches. */
export function feedsOf({ state }: Training, data: Dataset, rows: Int32Array, microBatch = 0, first = 0): Record<string, Feed> {
  // Added and not spread: a spread makes a hidden class each step, which stays until the next full collection.
  const feeds = batchFeeds(data, { rows });
  addTime(feeds, state.step, microBatch, first, state.scalars());
  return feeds;
}

/** An update's feeds, made once for a data set and a batch size and pointed at one batch after the other. */
export class StepFeeds {
  readonly #data: Dataset;
  readonly #batch: Rows;
  readonly #feeds: Record<string, Feed>;
  readonly #counters = new Int32Array(3);
  readonly #scalars: Float32Array;

  constructor({ state }: Training, data: Dataset, rows: Int32Array) {
    this.#data = data;
    this.#batch = { rows };
    this.#feeds = batchFeeds(data, this.#batch);
    this.#scalars = new Float32Array(state.scalarCount);
    this.#feeds["counters"] = { shape: [3], value: this.#counters };
    this.#feeds["scalars"] = { shape: [state.scalarCount], value: this.#scalars };
  }

  /** Do they fit this batch? */
  fits({ state }: Training, data: Dataset, rows: Int32Array): boolean {
    return this.#data === data && this.#batch.rows.length === rows.length && this.#scalars.length === state.scalarCount;
  }

  /** The feeds of the step that is next; they hold until they are pointed elsewhere. */
  pointedAt({ state }: Training, rows: Int32Array): Readonly<Record<string, Feed>> {
    this.#batch.rows = rows;
    this.#counters[0] = state.step;
    state.writeScalars(this.#scalars);
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

/** The calls that an update over these micro-batches is. */
export function updateRuns(training: Training, data: Dataset, parts: readonly Int32Array[]): EntryRun[] {
  if (training.accumulate === 1) return [{ entry: "step", feeds: feedsOf(training, data, parts[0]!) }];
  let first = 0;
  const runs = parts.map((rows, microBatch) => {
    const feeds = feedsOf(training, data, rows, microBatch, first);
    first += rows.length;
    return { entry: "accumulate", feeds };
  });
  return [...runs, { entry: "apply", feeds: timeFeeds(training) }];
}

function addTime(feeds: Record<string, Feed>, step: number, microBatch: number, first: number, scalars: Float32Array): void {
  feeds["counters"] = { shape: [3], value: Int32Array.of(step, microBatch, first) };
  feeds["scalars"] = { shape: [scalars.length], value: scalars };
}
