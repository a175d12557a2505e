/** One epoch: batch after batch from the loader into the step, and what its reports add up. */
import { ErmineError } from "@ermine/core";
import { loadChunk } from "@ermine/core/backend";
import type { Control, StepInfo } from "../callbacks/callback.js";
import { addSums, meansOf } from "../risk/means.js";
import { partsOf } from "../risk/objective.js";
import type { Prefetcher } from "../data/prefetch.js";
import type { Batch, Cursor } from "../data/source.js";
import type { FitRun } from "./fitOptions.js";
import type { Shadow } from "../plan/shadow.js";
import type { StepReport } from "../step/contract.js";
import type { UpdateStep } from "../step/step.js";
import type { Training } from "../step/training.js";
import type { Work } from "../step/turns.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import { microBatchesOf, type Loader, type UpdateBatch } from "./loader.js";
import type { Snapshots } from "./snapshots.js";

/** A step whose report was not read yet, and what the counters were before it. */
interface Queued {
  readonly batch: UpdateBatch;
  readonly report: Promise<StepReport>;
  /** undefined where no further step may be queued before the report is read: the step puts its own counters right. */
  readonly before: Counters | undefined;
}

interface Counters {
  readonly batch: number;
  readonly update: number;
  readonly accepted: number;
}

const cursorAfter = (batch: UpdateBatch): Cursor => ("columns" in batch ? batch.cursor : batch.at(-1)!.cursor);

/** Context shared by the epochs of one `fit`. */
export interface EpochContext {
  readonly training: Training;
  readonly run: FitRun;
  readonly work: Work;
  readonly step: UpdateStep;
  /** Refuses values that the loss does not take, before a step uses them; undefined where there is nothing to look at. */
  readonly checkBatch: ((batch: Batch) => void) | undefined;
  readonly loader: Loader;
  readonly prefetcher: Prefetcher | undefined;
  readonly shadow: Shadow | undefined;
  readonly control: Control;
  readonly stepsPerEpoch: number | undefined;
  /** Steps that may be queued before the first report is read. */
  readonly depth: number;
  /** Is a further step to be taken? */
  mayGoOn(): boolean;
  /** Does a callback want to be told of each batch? */
  readonly hasOnBatch: boolean;
  /** Takes a requested snapshot. No step is in flight, and all callbacks have been told of the last one. */
  readonly snapshots: Snapshots;
}

export class Epoch {
  readonly #context: EpochContext;
  readonly #epoch: number;
  readonly #queue: Queued[] = [];

  /** It goes on from `state.sums`. */
  constructor(context: EpochContext, epoch: number) {
    this.#context = context;
    this.#epoch = epoch;
  }

  /** Trains on what the loader gives, to the end of the epoch or until training is ended. */
  async train(): Promise<void> {
    const { training, loader, depth, prefetcher, shadow, step, snapshots, hasOnBatch } = this.#context;
    const { turns, state } = training;
    try {
      while (turns.busy === undefined ? this.#context.mayGoOn() : await turns.free(this.#context.mayGoOn)) {
        const next = loader.next();
        const batch = next instanceof Promise ? await next : next;
        if (batch === undefined) break;
        const batchError = this.#valueError(batch);
        if (batchError !== undefined) {
          await this.#leaveOutBefore(batch, batchError);
          continue;
        }
        if (hasOnBatch) await this.#tellBatch(batch);
        const before = training.isInFlight ? this.#counters() : undefined;
        const report = shadow === undefined ? step.run(state, batch) : this.#watched(shadow, batch);
        if (report instanceof Promise) {
          turns.fly(report);
          this.#queue.push({ batch, report, before });
          loader.prefetch();
          if (step.queued !== undefined) await step.queued;
          while (this.#queue.length >= depth) await this.#settleOldest();
          prefetcher?.stepDone();
        } else {
          const completion = this.#settle(batch, report, undefined);
          if (completion !== undefined) await completion;
        }
        if (snapshots.isRequested) await this.#takeSnapshot();
        const pause = yieldToEventLoop();
        if (pause !== undefined) await pause;
      }
      while (this.#queue.length > 0) await this.#settleOldest();
    } catch (error) {
      // Where the backend answers no more, what it has done is not known.
      await this.#comeToEnd().catch(() => undefined);
      await loader.close().catch(() => undefined);
      throw error;
    }
    await loader.close();
  }

  /** Training has failed: what is in flight ends, and counts as far as it was taken. */
  async #comeToEnd(): Promise<void> {
    const { training, work } = this.#context;
    const { isInFlight, state } = training;
    await Promise.allSettled(this.#queue.map(({ report }) => report));
    if (!isInFlight || work.ended) return;
    // The device knows, also where an answer was lost.
    const [acceptedOnDevice] = await state.acceptedRuns().data();
    if (work.ended) return;
    const after = [...this.#queue.slice(1).map(({ before }) => before!.accepted), state.accepted];
    const first = after.findIndex((accepted) => accepted > acceptedOnDevice!);
    if (first >= 0) Object.assign(state, this.#queue[first]?.before);
    state.dropUpdate();
  }

  /** Between two updates: those in flight come to their end before. */
  async #takeSnapshot(): Promise<void> {
    while (this.#queue.length > 0) await this.#settleOldest();
    // Where training ends here, a snapshot is taken of where it has ended.
    if (this.#context.mayGoOn()) await this.#context.snapshots.take();
  }

  #counters(): Counters {
    const { batch, update, accepted } = this.#context.training.state;
    return { batch, update, accepted };
  }

  #watched(shadow: Shadow, batch: UpdateBatch): StepReport | Promise<StepReport> {
    const { training, step } = this.#context;
    return shadow.watch(microBatchesOf(batch), () => step.run(training.state, batch));
  }

  async #settleOldest(): Promise<void> {
    const { batch, before, report } = this.#queue[0]!;
    const settledReport = await report;
    if (settledReport.verdict !== "refused") this.#queue.shift();
    const completion = this.#settle(batch, settledReport, before);
    if (completion !== undefined) await completion;
  }

  /** Counts what was taken; says what was not. */
  #settle(batch: UpdateBatch, report: StepReport, before: Counters | undefined): undefined | Promise<void> {
    const { training, run } = this.#context;
    const { sums, history } = training.state;
    if (report.verdict === "refused") return this.#refused(batch, before ?? { ...this.#counters(), batch: report.batch });
    const update = before === undefined ? training.state.update : before.update + 1;
    sums.samples += report.samples;
    sums.batches++;
    training.state.cursor = cursorAfter(batch);
    if (report.verdict === "empty") {
      run.notice(
        `ermine: update ${update} changed nothing: nothing in the batch counts (all targets ignored, or all weights 0).`,
      );
      return undefined;
    }
    addSums(sums.parts, report.sums);
    sums.penalty += report.penalty;
    sums.gradNorm += report.gradNorm ?? 0;
    sums.steps++;
    history.steps.push(report.loss);
    return run.callbacks.length === 0 ? undefined : this.#tellStep(update, report);
  }

  #tellBatch(batch: UpdateBatch): undefined | Promise<void> {
    const parts = microBatchesOf(batch);
    const info = {
      epoch: this.#epoch,
      batch: this.#context.training.state.sums.batches + this.#queue.length,
      size: parts.reduce((sum, { size }) => sum + size, 0),
      step: this.#context.training.state.update,
    };
    return this.#tell((callback, control) => callback.onBatch?.(info, control));
  }

  #tellStep(step: number, report: StepReport): Promise<void> | undefined {
    const { training, stepsPerEpoch } = this.#context;
    const info: StepInfo = {
      epoch: this.#epoch,
      step,
      stepInEpoch: training.state.sums.batches,
      stepsPerEpoch,
      samples: training.state.sums.samples,
      loss: report.loss,
      parts: meansOf(partsOf(training.setup.loss), report.sums),
      learningRates: training.state.learningRatesAt(step - 1),
      gradNorm: report.gradNorm,
    };
    const { run, control, work } = this.#context;
    const { callbacks } = run;
    for (let i = 0; i < callbacks.length; i++) {
      const promise = callbacks[i]!.onStep?.(info, control);
      work.check();
      if (promise !== undefined) return this.#tellRest(promise, i + 1, (callback) => callback.onStep?.(info, control));
    }
    return undefined;
  }

  /** Tells the callbacks in their order; a promise where one of them takes its time. */
  #tell(call: (callback: FitRun["callbacks"][number], control: Control) => void | Promise<void>): undefined | Promise<void> {
    const { run, control, work } = this.#context;
    const { callbacks } = run;
    for (let i = 0; i < callbacks.length; i++) {
      const promise = call(callbacks[i]!, control);
      work.check();
      if (promise !== undefined) return this.#tellRest(promise, i + 1, call);
    }
    return undefined;
  }

  async #tellRest(
    promise: Promise<void>,
    from: number,
    call: (callback: FitRun["callbacks"][number], control: Control) => void | Promise<void>,
  ): Promise<void> {
    const { run, control, work } = this.#context;
    await promise;
    work.check();
    for (const callback of run.callbacks.slice(from)) {
      await call(callback, control);
      work.check();
    }
  }

  /** Error of a batch whose values the loss does not accept; undefined if it accepts them. */
  #valueError(batch: UpdateBatch): ErmineError | undefined {
    const { checkBatch } = this.#context;
    if (checkBatch === undefined) return undefined;
    try {
      for (const part of microBatchesOf(batch)) checkBatch(part);
      return undefined;
    } catch (error) {
      if (error instanceof ErmineError) return error;
      throw error;
    }
  }

  /** Of a batch that no step has used: those in flight come to their end before. */
  async #leaveOutBefore(batch: UpdateBatch, error: ErmineError): Promise<void> {
    while (this.#queue.length > 0) await this.#settleOldest();
    this.#leaveOut(batch, error);
    await yieldToEventLoop();
  }

  /** @throws the error itself, where `fit` is to stop */
  #leaveOut(batch: UpdateBatch, error: ErmineError): void {
    const { training, run } = this.#context;
    const { state } = training;
    if (run.onRefusal === "stop") throw error;
    run.notice(`ermine: batch ${state.batch + 1} was left out. ${error.message}`);
    state.batch++;
    state.sums.batches++;
    state.cursor = cursorAfter(batch);
    state.sums.samples += microBatchesOf(batch).reduce((sum, { size }) => sum + size, 0);
  }

  /** Steps in flight come to their end; the batch is diagnosed; then training stops, or goes on with the batches after it. */
  async #refused(batch: UpdateBatch, before: Counters): Promise<void> {
    const { training, work, step } = this.#context;
    const { state, turns } = training;
    const later = this.#queue.splice(0).slice(1);
    await Promise.allSettled(later.map(({ report }) => report));
    work.check();
    Object.assign(state, before);
    state.dropUpdate();
    const { refusalOf } = await loadChunk("The diagnosis of a refused step", () => import("../step/refusal.js"));
    work.check();
    const error = await turns.hold(refusalOf(training, microBatchesOf(batch)));
    work.check();
    this.#leaveOut(batch, error);
    for (const queued of later) {
      const counters = this.#counters();
      const report = Promise.resolve(step.run(state, queued.batch));
      turns.fly(report);
      this.#queue.push({ batch: queued.batch, report, before: counters });
      await step.queued;
    }
  }
}
