/** One update of the parameters: in one go, or its micro-batches added up and then applied. A refused one changes nothing. */
import type { TypedArray } from "@ermine/core";
import type { DeviceCache } from "../data/deviceCache.js";
import type { Batch } from "../data/source.js";
import { readSums, riskOf, type HostSums } from "../risk/means.js";
import { partsOf } from "../risk/objective.js";
import type { Step, StepReport, Verdict } from "./contract.js";
import type { HostOutput } from "./engine.js";
import { redefineUpdate } from "./entries.js";
import { StepFeeds, updateRuns } from "./feeds.js";
import { variablesOf, type TrainingState } from "./state.js";
import type { Training } from "./training.js";

/** A report that is written again and again. */
class Report implements StepReport {
  verdict: Verdict = "taken";
  batch = 0;
  samples = 0;
  loss = NaN;
  penalty = 0;
  gradNorm: number | undefined = undefined;
  sums: HostSums[] = [];
}

/** The step of a trainer's program, for as long as `fit` goes over one source. */
export class UpdateStep implements Step<TrainingState> {
  readonly #training: Training;
  readonly #cache: DeviceCache | undefined;
  readonly #report = new Report();
  #feeds: StepFeeds | undefined;

  /** @param cache the columns that the backend holds itself */
  constructor(training: Training, cache: DeviceCache | undefined) {
    this.#training = training;
    this.#cache = cache;
  }

  run(state: TrainingState, batch: Batch | readonly Batch[]): StepReport | Promise<StepReport> {
    if (!("columns" in batch)) return this.#accumulated(state, batch);
    const { engine, isInFlight } = this.#training;
    const feeds = this.#fed(state, batch);
    const numbers = engine.report("step", feeds, batch.size);
    const number = state.batch++;
    // Until it is known that the step was refused: what is queued after it counts on it.
    state.update++;
    if (isInFlight) state.accepted++;
    if (numbers instanceof Promise) {
      const { check } = this.#training.turns.work("fit");
      // Of steps in flight whoever queued them puts the counters right: others count on this one by now.
      const takeBack = (): void => {
        if (!isInFlight) state.update--;
      };
      return numbers.then(
        (later) => {
          check();
          const report = this.#read(new Report(), number, batch.size, later);
          if (report.verdict === "refused") takeBack();
          return report;
        },
        (error: unknown) => {
          takeBack();
          throw error;
        },
      );
    }
    const report = this.#read(this.#report, number, batch.size, numbers);
    if (report.verdict === "refused") state.update--;
    return report;
  }

  #fed(state: TrainingState, batch: Batch) {
    if (this.#feeds?.fits(state) !== true) this.#feeds = new StepFeeds(state, this.#cache);
    const checked = state.hasLargeScalars;
    const feeds = this.#feeds.of(state, batch);
    if (state.hasLargeScalars !== checked) redefineUpdate(this.#training, this.#training.columns!);
    return feeds;
  }

  /** @param numbers the step's first output (body.ts) */
  #read(report: Report, batch: number, samples: number, numbers: TypedArray): Report {
    const hasNorm = this.#training.setup.gradNorm !== undefined;
    report.gradNorm = hasNorm ? numbers[2]! : undefined;
    readSums(report.sums, numbers, hasNorm ? 3 : 2);
    report.batch = batch;
    report.samples = samples;
    report.penalty = numbers[1]!;
    report.verdict = numbers[0] === 1 ? "taken" : report.sums.every(isEmpty) ? "empty" : "refused";
    report.loss = report.verdict === "empty" ? NaN : riskOf(partsOf(this.#training.setup.loss), report.sums) + report.penalty;
    return report;
  }

  async #accumulated(state: TrainingState, parts: readonly Batch[]): Promise<StepReport> {
    const { check } = this.#training.turns.work("fit");
    const outputs = await this.#addedUp(state, parts, check);
    const number = state.batch++;
    const samples = parts.reduce((sum, { size }) => sum + size, 0);
    const report = this.#read(this.#report, number, samples, outputs[0]!.data);
    if (report.verdict !== "refused") state.update++;
    return report;
  }

  /** @param check refuses to go on where the trainer was disposed */
  async #addedUp(state: TrainingState, parts: readonly Batch[], check: () => void): Promise<HostOutput[]> {
    const training = this.#training;
    const { engine } = training;
    const before = await Promise.all(state.buffers.map(async (buffer) => buffer.data()));
    check();
    training.undo = () => {
      state.buffers.forEach((buffer, i) => buffer.write(before[i]!));
      for (const sum of variablesOf(state.accumulated())) sum.write(new Float32Array(sum.shape.reduce((a, b) => a * b, 1)));
    };
    const undo = (): void => {
      training.undo?.();
      training.undo = undefined;
    };
    let outputs: HostOutput[] = [];
    try {
      const checked = state.hasLargeScalars;
      const runs = updateRuns(training, parts, this.#cache);
      if (state.hasLargeScalars !== checked) redefineUpdate(training, training.columns!);
      for (const { entry, feeds, size } of runs) {
        outputs = await engine.run(entry, feeds, size);
        check();
        if (!isAccepted(outputs)) break;
      }
    } catch (error) {
      // A dispose has done so.
      undo();
      throw error;
    }
    if (!isAccepted(outputs)) undo();
    training.undo = undefined;
    return outputs;
  }
}

const isAccepted = (outputs: readonly HostOutput[]): boolean => outputs[0]!.data[0] === 1;

const isEmpty = ({ normalizer }: HostSums): boolean => normalizer === 0;
