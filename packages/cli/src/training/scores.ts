/** How good predictions are, in the words of their task. */
import { accuracy, f1, logLoss, meanAbsoluteError, meanSquaredError, r2, rocAuc, type Metric } from "@ermine/trainer";
import type { Task } from "../table/roles.js";
import type { Predictions } from "./probabilities.js";

/** Scores by their names; the first is the one that a task is judged by. */
export type Scores = Readonly<Record<string, number>>;

/** The score that a task is judged by. */
export const mainScore: Readonly<Record<Task, string>> = { regression: "r2", binary: "auc", classes: "accuracy" };

/** How scores are called where people read. */
export const scoreTitles: Readonly<Record<string, string>> = {
  r2: "R²",
  rmse: "RMSE",
  mae: "MAE",
  auc: "AUC",
  accuracy: "accuracy",
  f1: "F1",
  logLoss: "log loss",
};

const valueOf = <S>(
  metric: Metric<string, S>,
  data: Float64Array,
  shape: readonly number[],
  target: ArrayLike<number>,
): number => {
  const isOfClasses = shape.length === 2;
  const truth = isOfClasses ? Int32Array.from(target) : Float32Array.from(target);
  return metric.compute(
    metric.update(metric.init(), { data: Float32Array.from(data), shape }, { data: truth, shape: [truth.length] }),
  );
};

/** @param target the true values, or the indices of the true classes */
export function scoresOf(task: Task, predictions: Predictions, target: ArrayLike<number>): Scores {
  const rows = target.length;
  if (task === "regression") {
    const of = (metric: Metric): number => valueOf(metric as Metric<string, unknown>, predictions, [rows], target);
    return { r2: of(r2()), rmse: Math.sqrt(of(meanSquaredError())), mae: of(meanAbsoluteError()) };
  }
  const shape = [rows, predictions.length / rows];
  const of = (metric: unknown): number => valueOf(metric as Metric<string, unknown>, predictions, shape, target);
  const common = { accuracy: of(accuracy()), logLoss: of(logLoss()) };
  if (task === "classes") return { ...common, f1: of(f1()) };
  const second = Float64Array.from({ length: rows }, (_, row) => predictions[2 * row + 1]!);
  return { auc: valueOf(rocAuc() as Metric<string, unknown>, second, [rows], target), ...common };
}

/** What is said of rows that nobody has looked at: the mean, or how often each class is there. */
export function ignorantPredictions(task: Task, training: ArrayLike<number>, rows: number, classes: number): Predictions {
  const count = training.length;
  if (task === "regression") return new Float64Array(rows).fill(Array.from(training).reduce((a, b) => a + b, 0) / count);
  const shares = new Float64Array(classes);
  for (let i = 0; i < count; i++) shares[training[i]!]! += 1 / count;
  const predictions = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) predictions.set(shares, row * classes);
  return predictions;
}

/** The means of scores of the same names, each of which counts for the rows that it is of. */
export function meanScores(all: readonly Scores[], rows: readonly number[]): Scores {
  const total = rows.reduce((a, b) => a + b, 0);
  const meanOf = (name: string): number => all.reduce((sum, scores, i) => sum + scores[name]! * rows[i]!, 0) / total;
  return Object.fromEntries(Object.keys(all[0]!).map((name) => [name, meanOf(name)]));
}
