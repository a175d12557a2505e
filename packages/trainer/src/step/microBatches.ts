/** Updates over several micro-batches: their entries, and their runs. Loaded where a trainer accumulates. */
import type { TypedArray, Variable } from "@ermine/core";
import type { Batch, ColumnTypes } from "../data/source.js";
import { isLoss, isSum, partsOf } from "../risk/objective.js";
import { accumulateBody, applyBody, forwardOnly, sumNormalizersBody } from "./accumulate.js";
import type { StepReport } from "./contract.js";
import type { StepSetup } from "./differentiate.js";
import type { EntryFeeds, EntrySpec } from "./engine.js";
import { defineEvaluate, orderOf, resultOf, runsOf, updateEntries, updateSpec } from "./entries.js";
import type { StepFeeds } from "./feeds.js";
import { readReport, Report } from "./report.js";
import { RunWindow } from "./runWindow.js";
import type { TrainingState } from "./state.js";
import type { Training } from "./training.js";

/** Defines what adds micro-batches up, and what applies the sums. */
export function defineMicroBatches(training: Training, setup: StepSetup, data: ColumnTypes): void {
  const { engine, state } = training;
  const order = orderOf(training);
  const sums = state.accumulated(countParts(training, data));
  const ofBatch = updateSpec(training, data);
  if (!engine.isDefined("accumulate", ofBatch)) {
    state.accumulateBuffers(sums, changedByForward(training, setup, ofBatch));
    // Other columns may reach other parameters, which is what is applied.
    sums.reached.clear();
    engine.forget(["apply"]);
  }
  if (sums.normalizers.shape[0]! > 1)
    engine.define("sumNormalizers", ofBatch, (args) => resultOf(sumNormalizersBody(setup, args.batch!, sums, order(args))));
  engine.define("accumulate", ofBatch, (args) => resultOf(accumulateBody(setup, args.batch!, args.counters, sums, order(args))));
  engine.define("apply", updateSpec(training, undefined), (args) =>
    resultOf(applyBody(setup, sums, args.counters, args.scalars, order(args))),
  );
}

/** The variables of the model that the forward of a micro-batch changes. */
function changedByForward({ engine }: Training, setup: StepSetup, spec: EntrySpec): Variable[] {
  return engine.writtenBy("accumulate", spec, ({ batch, counters }) => ({
    outputs: forwardOnly(setup, batch!, counters).map(({ value }) => value),
  }));
}

/** Number of parts of the loss: of a function of one's own it is known when it was traced. */
function countParts(training: Training, data: ColumnTypes): number {
  const { loss } = training.setup;
  if (!isLoss(loss) && !isSum(loss) && partsOf(loss).length === 0) {
    defineEvaluate(training, data, false);
    training.engine.trace();
  }
  return partsOf(loss).length;
}

/** One of the runs that an update is. */
interface Run {
  readonly entry: string;
  readonly feeds: EntryFeeds;
}

/** A run that was read. */
interface Ended {
  readonly entry: string;
  readonly numbers: TypedArray;
}

/** Takes updates over micro-batches. */
export class MicroBatchStep {
  readonly #training: Training;
  readonly #report = new Report();
  readonly #window: RunWindow;
  /** Settles when the last update is queued, where its runs had to wait for others in flight: no step may be taken before. */
  queued: Promise<void> | undefined;

  constructor(training: Training) {
    this.#training = training;
    this.#window = new RunWindow(training.engine.runsInFlight);
  }

  run(state: TrainingState, feeds: StepFeeds, parts: readonly Batch[]): StepReport | Promise<StepReport> {
    const runs = this.#runs(feeds, parts);
    const samples = parts.reduce((sum, { size }) => sum + size, 0);
    const { engine, isInFlight } = this.#training;
    if (isInFlight) return this.#queue(state, runs, parts.length, samples);
    if (!engine.answersAtOnce) return this.#addUpLater(state, runs, samples);
    let last: Ended | undefined;
    try {
      for (const { entry, feeds: fedValues } of runs) {
        last = { entry, numbers: engine.report(entry, fedValues) as TypedArray };
        if (!isAccepted(last.numbers)) break;
      }
    } catch (error) {
      state.dropUpdate();
      throw error;
    }
    return this.#added(state, last!, samples);
  }

  /** The update's runs in their order, each fed when it is asked for. */
  *#runs(feeds: StepFeeds, parts: readonly Batch[]): Generator<Run, void> {
    let run = 0;
    for (const entry of updateEntries(this.#training)) {
      if (entry === "apply") {
        yield { entry, feeds: feeds.withoutBatch(run) };
        return;
      }
      let first = 0;
      for (let i = 0; i < parts.length; i++) {
        const part = parts[i]!;
        yield { entry, feeds: feeds.ofMicroBatch(part, run++, i, first) };
        first += part.size;
      }
    }
  }

  async #addUpLater(state: TrainingState, runs: Iterable<Run>, samples: number): Promise<StepReport> {
    const { engine, turns } = this.#training;
    const { check } = turns.work("fit");
    let last: Ended | undefined;
    try {
      for (const { entry, feeds } of runs) {
        last = { entry, numbers: await engine.report(entry, feeds) };
        check();
        if (!isAccepted(last.numbers)) break;
      }
    } catch (error) {
      state.dropUpdate();
      throw error;
    }
    return this.#added(state, last!, samples);
  }

  /** @param last the update's last run: it was applied, or a micro-batch was refused */
  #added(state: TrainingState, { entry, numbers }: Ended, samples: number): StepReport {
    const report = readReport(this.#training, this.#report, state.batch++, samples, numbers);
    if (entry !== "apply") report.verdict = "refused";
    if (report.verdict !== "refused") state.update++;
    if (report.verdict !== "taken") state.dropUpdate();
    return report;
  }

  /** Queues the update's runs. None after a refused one changes anything. */
  #queue(state: TrainingState, runs: Iterable<Run>, parts: number, samples: number): Promise<StepReport> {
    const { engine, turns } = this.#training;
    const { check } = turns.work("fit");
    const number = state.batch++;
    state.update++;
    state.accepted += runsOf(this.#training, parts);
    const answers: Promise<TypedArray>[] = [];
    const queue = async (): Promise<void> => {
      for (const { entry, feeds } of runs) {
        if (this.#window.isFull) {
          await this.#window.next();
          check();
        }
        const answer = engine.report(entry, feeds) as Promise<TypedArray>;
        this.#window.add(answer);
        answers.push(answer);
      }
    };
    const queued = queue();
    this.queued = queued;
    const readReports = async (): Promise<StepReport> => {
      await queued;
      const numbers = await Promise.all(answers);
      check();
      const report = readReport(this.#training, new Report(), number, samples, numbers.at(-1)!);
      if (!numbers.slice(0, -1).every(isAccepted)) report.verdict = "refused";
      return report;
    };
    // What was queued comes to its end before anything is said.
    return readReports().catch(async (error: unknown) => {
      await Promise.allSettled(answers);
      throw error;
    });
  }
}

const isAccepted = (numbers: TypedArray): boolean => numbers[0] === 1;
