/** Classification report: confusion matrix with labels, precision, recall and F1 of each class, and their means. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions } from "@ermine/core/define";
import { answers } from "./accuracy.js";
import { checkHostBatch, type HostBatch } from "./metric.js";
import { isClass } from "./truth.js";

/** The options of `classificationReport`. */
export interface ClassificationReportOptions {
  /** The name of each class, in the order of their indices. Default: "0", "1", …, as many as the prediction or the targets have. */
  readonly labels?: readonly string[];
  /** The weight of each target. Default: 1 each. */
  readonly sampleWeights?: ArrayLike<number>;
  /** Decision threshold for one probability per target: class 1 from this probability on. Default 0.5. */
  readonly threshold?: number;
  /** Class index of targets that are ignored. Default −100. */
  readonly ignoreIndex?: number;
}

/** Scores of a class or a mean of classes, with their support. */
export interface ClassScores {
  /** True positives / predictions of the class; 0 if it is never predicted. */
  readonly precision: number;
  /** True positives / targets of the class; 0 if it has no targets. */
  readonly recall: number;
  /** 2 · precision · recall / (precision + recall); 0 if both are 0. */
  readonly f1: number;
  /** Number of targets (the sum of their weights). */
  readonly support: number;
}

/** Result of `classificationReport`. */
export interface ClassificationReport {
  /** The name of each class. */
  readonly labels: readonly string[];
  /** matrix[truth][predicted]: how many targets (the sum of their weights). */
  readonly matrix: readonly (readonly number[])[];
  /** The scores of each class, in the order of the labels. */
  readonly classes: readonly ClassScores[];
  /** The share of correct predictions. */
  readonly accuracy: number;
  /** The means over the classes. */
  readonly macro: ClassScores;
  /** The means over the classes, weighted by their support. */
  readonly weighted: ClassScores;
  /** The scores as a table to print, and below it the confusion matrix: a row for each true class. */
  toString(): string;
}

/** 0 where there is nothing to divide by. */
const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

/**
 * Precision, recall and F1 of each class of a classifier, their means, and the confusion matrix with the classes' names, over a whole set. scikit-learn's
 * `classification_report` and `confusion_matrix`.
 *
 * @param prediction probabilities or scores (N, K, d…), of which the largest is the answer; or one probability for each target
 * @param target class indices (N, d…)
 * @throws ErmineError ERMINE_VALUE for a prediction that is NaN and for a target that is no class, ERMINE_SHAPE where shapes do not fit, ERMINE_OPTION
 * @example
 * const prediction = { data: Float32Array.of(2, 0, 1, 3, 1, 0), shape: [3, 2] };
 * const report = classificationReport(prediction, { data: Int32Array.of(0, 0, 0), shape: [3] }, { labels: ["cat", "dog"] });
 * report.matrix; // => [[2, 1], [0, 0]]
 * report.classes[0].recall; // => 0.6667
 * console.log(String(report));
 */
export function classificationReport(
  prediction: HostBatch,
  target: HostBatch,
  options: ClassificationReportOptions = {},
): ClassificationReport {
  if (arguments.length > 3) checkArguments("classificationReport", arguments, 3);
  checkOptions(
    "classificationReport",
    options,
    { labels: "any", sampleWeights: "any", threshold: "number", ignoreIndex: "number" },
    "prediction, target",
  );
  checkHostBatch("classificationReport", "prediction", prediction);
  checkHostBatch("classificationReport", "target", target);
  const { sampleWeights, threshold = 0.5, ignoreIndex = -100 } = options;
  checkWeights(sampleWeights, target.data.length);
  const pairs = answers("classificationReport", prediction, target, threshold);
  const labels = labelsOf(options.labels, prediction, target, ignoreIndex);
  const matrix = labels.map(() => labels.map(() => 0));
  pairs.forEach(([predicted, truth], i) => {
    if (truth === ignoreIndex) return;
    checkClass("prediction", i, predicted, labels);
    checkClass("target", i, truth, labels);
    matrix[truth]![predicted]! += sampleWeights?.[i] ?? 1;
  });
  return reportOf(labels, matrix);
}

function checkWeights(weights: ArrayLike<number> | undefined, count: number): void {
  if (weights === undefined) return;
  if (weights.length !== count) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `classificationReport: there are ${count} targets and ${weights.length} sampleWeights. Give one weight for each target.`,
    );
  }
  const invalidIndex = Array.from(weights).findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (invalidIndex >= 0) {
    throw new ErmineError(
      "ERMINE_VALUE",
      `classificationReport: sample weight ${invalidIndex} is ${weights[invalidIndex]}. Weights are finite and not below 0.`,
    );
  }
}

/** The names that were given, or an index for each class that there is. */
function labelsOf(
  classNames: readonly string[] | undefined,
  prediction: HostBatch,
  target: HostBatch,
  ignoreIndex: number,
): readonly string[] {
  if (classNames !== undefined) {
    if (Array.isArray(classNames) && classNames.length > 0 && classNames.every((label) => typeof label === "string"))
      return classNames;
    throw new ErmineError(
      "ERMINE_OPTION",
      'classificationReport: labels is a list of names, one for each class: ["cat", "dog"].',
    );
  }
  const predictedClasses = prediction.shape.length > target.shape.length ? prediction.shape[1]! : 2;
  const targetClasses = Array.from(target.data).reduce(
    (most, label) => (label === ignoreIndex ? most : Math.max(most, label + 1)),
    0,
  );
  return Array.from({ length: Math.max(predictedClasses, Number.isInteger(targetClasses) ? targetClasses : 0) }, (_, k) =>
    String(k),
  );
}

function checkClass(role: string, i: number, value: number, labels: readonly string[]): void {
  if (isClass(value, labels.length)) return;
  throw new ErmineError(
    "ERMINE_VALUE",
    `classificationReport: ${role} ${i} is ${value}, and there are ${labels.length} classes, 0 … ${labels.length - 1}.`,
  );
}

function reportOf(labels: readonly string[], matrix: readonly (readonly number[])[]): ClassificationReport {
  const classes = labels.map((_, k): ClassScores => {
    const correct = matrix[k]![k]!;
    const predictedWeight = matrix.reduce((sum, row) => sum + row[k]!, 0);
    const support = matrix[k]!.reduce((sum, count) => sum + count, 0);
    return {
      precision: ratio(correct, predictedWeight),
      recall: ratio(correct, support),
      f1: ratio(2 * correct, predictedWeight + support),
      support,
    };
  });
  const total = classes.reduce((sum, { support }) => sum + support, 0);
  const mean = (weightOf: (scores: ClassScores) => number): ClassScores => {
    const weightedMean = (key: "precision" | "recall" | "f1"): number =>
      ratio(
        classes.reduce((sum, scores) => sum + scores[key] * weightOf(scores), 0),
        classes.reduce((sum, scores) => sum + weightOf(scores), 0),
      );
    return { precision: weightedMean("precision"), recall: weightedMean("recall"), f1: weightedMean("f1"), support: total };
  };
  const correct = labels.reduce((sum, _, k) => sum + matrix[k]![k]!, 0);
  const [macro, weighted] = [mean(() => 1), mean(({ support }) => support)];
  const accuracy = total === 0 ? NaN : correct / total;
  return {
    labels,
    matrix,
    classes,
    accuracy,
    macro,
    weighted,
    toString: () => printed(labels, matrix, classes, { macro, weighted }, accuracy),
  };
}

function printed(
  labels: readonly string[],
  matrix: readonly (readonly number[])[],
  classes: readonly ClassScores[],
  means: Readonly<Record<"macro" | "weighted", ClassScores>>,
  accuracy: number,
): string {
  const fixed = (value: number): string => value.toFixed(3);
  const row = (name: string, { precision, recall, f1, support }: ClassScores): string[] => [
    name,
    fixed(precision),
    fixed(recall),
    fixed(f1),
    String(Number(support.toFixed(3))),
  ];
  const scores = [
    ["", "precision", "recall", "f1", "support"],
    ...labels.map((label, k) => row(label, classes[k]!)),
    ["accuracy", "", "", fixed(accuracy), String(Number(means.macro.support.toFixed(3)))],
    row("macro", means.macro),
    row("weighted", means.weighted),
  ];
  const counts = matrix.map((line, k) => [labels[k]!, ...line.map((count) => String(Number(count.toFixed(3))))]);
  return `${aligned(scores)}\n\n${aligned([["truth \\ predicted", ...labels], ...counts])}`;
}

/** Columns of equal width: names on the left, numbers on the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
