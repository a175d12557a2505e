/** One update of the parameters: in one go, or its micro-batches added up and then applied. A refused one changes nothing. */
import type { DeviceCache } from "../data/deviceCache.js";
import type { Batch } from "../data/source.js";
import type { Step, StepReport } from "./contract.js";
import { redefineUpdate } from "./entries.js";
import { StepFeeds } from "./feeds.js";
import type { MicroBatchStep } from "./microBatches.js";
import { readReport, Report } from "./report.js";
import type { TrainingState } from "./state.js";
import type { Training } from "./training.js";

export interface UpdateStepOptions {
  /** The columns that the backend holds itself. */
  readonly cache: DeviceCache | undefined;
  /** Number of batches in use at the same time. */
  readonly batches: number;
  /** Takes updates over several micro-batches, where the trainer accumulates. */
  readonly microBatches: MicroBatchStep | undefined;
}

/** The step of a trainer's program, for as long as `fit` goes over one source. */
export class UpdateStep implements Step<TrainingState> {
  readonly #training: Training;
  readonly #cache: DeviceCache | undefined;
  readonly #batches: number;
  readonly #report = new Report();
  readonly #microBatches: MicroBatchStep | undefined;
  #feeds: StepFeeds | undefined;

  constructor(training: Training, { cache, batches, microBatches }: UpdateStepOptions) {
    this.#training = training;
    this.#cache = cache;
    this.#batches = batches;
    this.#microBatches = microBatches;
  }

  /** Settles when the last update is queued, where its runs had to wait for others in flight: no step may be taken before. */
  get queued(): Promise<void> | undefined {
    return this.#microBatches?.queued;
  }

  run(state: TrainingState, batch: Batch | readonly Batch[]): StepReport | Promise<StepReport> {
    const feeds = this.#begin(state);
    if (!("columns" in batch)) return this.#microBatches!.run(state, feeds, batch);
    const { engine, isInFlight } = this.#training;
    const numbers = engine.report("step", feeds.of(batch));
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
          const report = readReport(this.#training, new Report(), number, batch.size, later);
          if (report.verdict === "refused") takeBack();
          return report;
        },
        (error: unknown) => {
          takeBack();
          throw error;
        },
      );
    }
    const report = readReport(this.#training, this.#report, number, batch.size, numbers);
    if (report.verdict === "refused") state.update--;
    return report;
  }

  /** The feeds of the update that is next. */
  #begin(state: TrainingState): StepFeeds {
    if (this.#feeds?.fits(state) !== true) this.#feeds = new StepFeeds(state, this.#cache, this.#batches);
    const checked = state.hasLargeScalars;
    this.#feeds.begin(state);
    if (state.hasLargeScalars !== checked) redefineUpdate(this.#training, this.#training.columns!);
    return this.#feeds;
  }
}
