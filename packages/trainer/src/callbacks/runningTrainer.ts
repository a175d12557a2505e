/** The trainer as callbacks see it, while its `fit` runs. */
import type { Backend, Tree } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import type { ColumnSource, Dataset } from "../data/dataset.js";
import type { DataSource } from "../data/source.js";
import type { HostBatch, Metric } from "../metrics/metric.js";
import type { Logs } from "../monitor.js";
import type { Rate } from "../schedules/schedule.js";

/**
 * The trainer as its callbacks see it: the trainer without the methods that cannot be called within a `fit`. While a call is awaited no
 * further step is taken; one that is not awaited runs between two steps.
 */
export interface RunningTrainer {
  /** The model that it trains. */
  readonly model: Module;
  /** The backend. */
  readonly backend: Backend;
  /** Updates taken so far. */
  readonly step: number;
  /** Value of a rate at the next update. */
  rateNow(rate: Rate): number;
  /**
   * The risk and the metrics over a whole set.
   *
   * @param options.metrics what is reported next to the loss, in place of the trainer's metrics
   * @param options.batchSize samples at a time; default 256
   * @param options.weights "averaged": with the average that an optimizer keeps; default "latest"
   */
  evaluate(
    data: DataSource,
    options?: { metrics?: readonly Metric[]; batchSize?: number; weights?: "latest" | "averaged" },
  ): Promise<Logs>;
  /**
   * Predicts outputs for inputs, on the host: a tree of outputs, or of one output probabilities or classes.
   *
   * @param options.as "output" (default), "probabilities" or "classes"
   * @param options.output the key or place of one of several outputs
   * @param options.threshold from which probability on the class is 1, where there is one for each
   * @param options.batchSize samples at a time; default 256
   */
  predict(
    inputs: Dataset | Tree<ColumnSource>,
    options: { as: "probabilities" | "classes"; output?: string | number; threshold?: number; batchSize?: number },
  ): Promise<HostBatch>;
  predict(
    inputs: Dataset | Tree<ColumnSource>,
    options?: { as?: "output"; output?: string | number; batchSize?: number },
  ): Promise<Tree<HostBatch>>;
  /** Runs fn with the averaged weights in the model. */
  withAveragedWeights<T>(fn: () => T | Promise<T>): Promise<T>;
}
