/** Features of a table's columns, fitted on the training part. */
import { ErmineError } from "@ermine/core";
import type { Cell, Table } from "@ermine/data";
import {
  columns,
  dates,
  embeddingIds,
  impute,
  log,
  missing,
  standardize,
  TargetClasses,
  targetClasses,
  textIds,
  type ColumnSteps,
  type DatePart,
  type Features,
  type FittedColumns,
  type Step,
} from "@ermine/preprocessing";
import type { TableShape, TextShape } from "../network/tableShape.js";
import { isMissing } from "./contents.js";
import type { Roles } from "./roles.js";

/** What a model is given of rows, and what its output means. */
export interface TableFeatures {
  /** The fitted columns of each input of the model, by its name in the model's file, in order. */
  readonly inputs: Readonly<Record<string, FittedColumns>>;
  /** Classes, or the scaled target. */
  readonly target: TargetClasses | FittedColumns;
  readonly shape: TableShape;
}

type Steps = Record<string, ColumnSteps[string]>;

/** Where a number's third moment is larger, and no value is below 0, its logarithm is the feature. */
const mostSkewness = 2;

/**
 * Learns the features from the training part. A column of which there is nothing to learn is left out.
 *
 * Where the split is by time the year is no feature, as the test has others.
 */
export function fitFeatures(training: Table, { features, target, task, time }: Roles): TableFeatures {
  const isInTime = time !== null;
  const numbers: Steps = {};
  const categories: Steps = {};
  const texts: Steps = {};
  for (const { column, kind } of features) {
    const present = Array.from(training.values(column) as ArrayLike<Cell>).filter((cell) => !isMissing(cell));
    const lacksSome = present.length < training.length;
    if (new Set(present).size < (lacksSome ? 1 : 2)) continue;
    if (kind === "category") categories[column] = embeddingIds({ minCount: Math.min(2, largestCount(present)) });
    else if (kind === "text") {
      const steps = textSteps(present as string[]);
      if (steps !== undefined) texts[column] = steps;
    } else if (kind === "date") Object.assign(numbers, dateSteps(column, present as string[], isInTime));
    else {
      const isSkewed = skewness(present as number[]) > mostSkewness && present.every((value) => (value as number) >= 0);
      numbers[column] = isSkewed ? [impute(), log(), standardize()] : [impute(), standardize()];
    }
    if ((kind === "number" || kind === "date") && lacksSome) numbers[`${column} is missing`] = { column, steps: missing() };
  }
  const inputs: Record<string, FittedColumns> = {};
  if (Object.keys(numbers).length > 0) inputs["numbers"] = columns(numbers).fit(training);
  if (Object.keys(categories).length > 0) inputs["categories"] = columns(categories).fit(training);
  if (Object.keys(texts).length > 0) inputs["texts"] = columns(texts).fit(training);
  if (Object.keys(inputs).length === 0)
    throw new ErmineError("ERMINE_DATA", "No column has different values in the training part.");
  const fittedTarget =
    task === "regression"
      ? columns({ [target]: standardize() }).fit(training)
      : targetClasses(training.values(target) as ArrayLike<Cell>);
  return {
    inputs,
    target: fittedTarget,
    shape: {
      numbers: inputs["numbers"]?.width ?? 0,
      categories: inputs["categories"] === undefined ? [] : tableSizes(inputs["categories"]),
      texts: inputs["texts"] === undefined ? [] : textShapes(inputs["texts"]),
      outputs: fittedTarget instanceof TargetClasses ? fittedTarget.classes.length : 1,
    },
  };
}

function dateSteps(column: string, texts: readonly string[], isInTime: boolean): Steps {
  const parts: DatePart[] = ["month", "dayOfYear", "weekday"];
  if (texts.some((text) => /[T ](?!00:00)\d\d:\d\d/.test(text))) parts.push("hour");
  const hasYears = !isInTime && new Set(texts.map((text) => text.slice(0, 4))).size > 1;
  return hasYears
    ? { [column]: dates({ parts }), [`${column}, year`]: { column, steps: dates({ parts: ["year"] }) } }
    : { [column]: dates({ parts }) };
}

/** Rows of the table of each column of ids. */
const tableSizes = (ids: FittedColumns): number[] =>
  ids.toJSON().columns.map(({ steps }) => (steps.at(-1)!["categories"] as readonly unknown[]).length + 1);

const textShapes = (ids: FittedColumns): TextShape[] =>
  ids.toJSON().columns.map(({ steps }) => {
    const { vocabulary, length } = steps[0] as unknown as { readonly vocabulary: readonly string[]; readonly length: number };
    return { words: vocabulary.length + 2, length };
  });

/** Most words of a column's vocabulary. */
const mostWords = 10_000;

/** Words that are there twice at least, so that there is something to learn of each; where there are none, all; undefined: there is no word. */
function textSteps(texts: readonly string[]): Step | undefined {
  for (const minCount of [2, 1]) {
    const step = textIds({ vocabulary: mostWords, minCount });
    try {
      step.fit(texts);
      return step;
    } catch (error) {
      if (!(error instanceof ErmineError && error.code === "ERMINE_DATA")) throw error;
    }
  }
  return undefined;
}

function largestCount(values: readonly Cell[]): number {
  const counts = new Map<Cell, number>();
  let most = 0;
  for (const value of values) {
    const count = (counts.get(value) ?? 0) + 1;
    counts.set(value, count);
    most = Math.max(most, count);
  }
  return most;
}

/** The third standardized moment. */
function skewness(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  let [second, third] = [0, 0];
  for (const value of values) {
    second += (value - mean) ** 2;
    third += (value - mean) ** 3;
  }
  return second === 0 ? 0 : third / values.length / (second / values.length) ** 1.5;
}

/** The inputs of a model, in order. */
export const inputsOfTable = ({ inputs }: TableFeatures, table: Table): readonly Features[] =>
  Object.values(inputs).map((fitted) => fitted.apply(table));

/** The target as a model learns it: class indices, or scaled numbers. */
export const targetOfTable = ({ target }: TableFeatures, table: Table, name: string): Int32Array | Float32Array =>
  target instanceof TargetClasses
    ? target.apply(table.values(name) as ArrayLike<Cell>)
    : (target.apply(table).data as Float32Array);
