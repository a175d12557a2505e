/** A model's file that knows what to make of raw rows: what `ermine train` writes. */
import { readFile } from "node:fs/promises";
import { ErmineError } from "@ermine/core";
import type { Cell, ColumnKind, TableRow } from "@ermine/data";
import { loadPredictor, type OutputPrediction, type Predictor } from "@ermine/predict";
import { TargetClasses, tablePreprocessingFrom, type FittedTarget, type TablePreprocessing } from "@ermine/preprocessing";
import { checkFile } from "../table/readTable.js";
import type { Task } from "../table/roles.js";
import type { Predictions } from "../training/probabilities.js";

/** What a model says of a row. */
export interface Answer {
  /** The value, or the class. */
  readonly prediction: string | number | boolean;
  /** The probability of each class, by its name; undefined of regression. */
  readonly probabilities?: Readonly<Record<string, number>>;
}

/** A model, and what its columns and its output mean. */
export class TableModel {
  readonly path: string;
  readonly predictor: Predictor;
  readonly preprocessing: TablePreprocessing;
  readonly #output: string;
  readonly #meaning: FittedTarget;
  /** The column that it predicts. */
  readonly target: string;
  readonly task: Task;
  /** The classes; none of regression. */
  readonly classes: readonly (string | number | boolean)[];

  private constructor(path: string, predictor: Predictor, preprocessing: TablePreprocessing) {
    this.path = path;
    this.predictor = predictor;
    this.preprocessing = preprocessing;
    const [output, ...others] = predictor.outputs;
    const meaning = output === undefined ? undefined : preprocessing.outputs[output.name];
    if (output === undefined || others.length > 0 || meaning === undefined)
      throw new ErmineError("ERMINE_DATA", `${path}: its preprocessing is that of another model.`);
    this.#output = output.name;
    this.#meaning = meaning;
    this.classes = meaning instanceof TargetClasses ? meaning.classes : [];
    this.target = predictor.metadata.get("target") ?? "target";
    this.task = this.classes.length === 0 ? "regression" : this.classes.length === 2 ? "binary" : "classes";
  }

  /** @throws ErmineError ERMINE_DATA where it is no such file */
  static async load(path: string): Promise<TableModel> {
    await checkFile(path);
    const { cpu } = await import("@ermine/backend-cpu");
    let preprocessing: TablePreprocessing | undefined;
    const read = (json: unknown): TablePreprocessing => (preprocessing = tablePreprocessingFrom(json));
    let predictor: Predictor;
    try {
      predictor = await loadPredictor(await readFile(path), { backend: await cpu(), batchSize: 4096, preprocessing: read });
    } catch (error) {
      throw error instanceof ErmineError ? error.at(path) : error;
    }
    if (preprocessing !== undefined) return new TableModel(path, predictor, preprocessing);
    predictor.dispose();
    throw new ErmineError(
      "ERMINE_DATA",
      `${path} is a model that does not say what its inputs are made of. Those of ermine train do; saveModel(model, { preprocessing }) writes it into others.`,
    );
  }

  /** The kind of the cells of each column that it reads. */
  get columnKinds(): Readonly<Record<string, ColumnKind>> {
    const kinds: Record<string, ColumnKind> = {};
    for (const { columns } of Object.values(this.preprocessing.toJSON().inputs))
      for (const { name, column = name, steps } of columns) if (steps[0]!.kind !== "missing") kinds[column] = kindOf(steps[0]!);
    return kinds;
  }

  /**
   * What it says of rows: of regression a value each, of classes the probability of each class. A column that a row lacks is missing in it.
   *
   * @throws ErmineError for values that do not fit, with column and row
   */
  async predict(rows: readonly TableRow[]): Promise<Predictions> {
    const output = (await this.predictor.predict(rows))[this.#output];
    const { data, probabilities } = output as OutputPrediction;
    if (this.#meaning instanceof TargetClasses) return Float64Array.from(probabilities!);
    const [cells] = Object.values(this.#meaning.invert({ data: data as Float32Array, shape: [rows.length, 1] }));
    return Float64Array.from(cells!, Number);
  }

  /** What is said of one of the rows. */
  answer(predictions: Predictions, row: number): Answer {
    const { classes } = this;
    if (classes.length === 0) return { prediction: predictions[row]! };
    const shares = predictions.subarray(row * classes.length, (row + 1) * classes.length);
    return {
      prediction: classes[shares.indexOf(Math.max(...shares))]!,
      probabilities: Object.fromEntries(classes.map((name, i) => [String(name), shares[i]!])),
    };
  }

  dispose(): void {
    this.predictor.dispose();
  }
}

/** The kind of the cells that a step takes. */
function kindOf(step: { readonly kind: string; readonly [field: string]: unknown }): ColumnKind {
  const { kind, categories, value } = step;
  if (kind === "dates" || kind === "textIds") return "string";
  const sample: unknown = Array.isArray(categories) ? (categories[0] as Cell) : kind === "impute" ? value : 0;
  return typeof sample === "string" ? "string" : typeof sample === "boolean" ? "boolean" : "number";
}
