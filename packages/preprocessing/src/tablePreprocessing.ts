/** What a model of a table needs to know of its rows: which columns each of its inputs takes, and what its outputs mean. */
import { ErmineError } from "@ermine/core";
import { checkArguments, requireOptions, show } from "@ermine/core/define";
import { TargetClasses, type TargetClassesJson } from "./categories.js";
import type { Cell, Cells } from "./cells.js";
import { columnsFrom, FittedColumns, targetClassesFrom, type Columns, type ColumnsJson, type Features } from "./columns.js";
import { damaged } from "./step.js";

/** What an output means: classes, or columns that are scaled. */
export type FittedTarget = TargetClasses | FittedColumns;

/** What `tablePreprocessing` takes. */
export interface TablePreprocessingParts {
  /** The fitted columns of each input, by the input's name in the model's file. */
  readonly inputs: Readonly<Record<string, FittedColumns>>;
  /** What outputs mean, by their names in the model's file. */
  readonly outputs: Readonly<Record<string, FittedTarget>>;
}

/** A table's preprocessing as JSON: what stands in a model's file. */
export interface TablePreprocessingJson {
  /** Says what it is. */
  readonly kind: "table";
  /** The columns of each input. */
  readonly inputs: Readonly<Record<string, ColumnsJson>>;
  /** What outputs mean. */
  readonly outputs: Readonly<Record<string, TargetClassesJson | ColumnsJson>>;
}

/** From rows of a table to the inputs of a model. `tablePreprocessing` makes it. */
export class TablePreprocessing implements TablePreprocessingParts {
  readonly inputs: Readonly<Record<string, FittedColumns>>;
  readonly outputs: Readonly<Record<string, FittedTarget>>;

  /** @internal */
  constructor({ inputs, outputs }: TablePreprocessingParts) {
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** The columns that it reads, each once. */
  get columns(): readonly string[] {
    return [...new Set(Object.values(this.inputs).flatMap(({ columns }) => columns))];
  }

  /** What each input of the model is given. @throws ErmineError as `FittedColumns.apply` */
  apply(columns: Columns): Record<string, Features> {
    return Object.fromEntries(Object.entries(this.inputs).map(([name, fitted]) => [name, fitted.apply(columns)]));
  }

  /** What each input is given of rows by their columns' names; a column that a row lacks is missing in it. @throws ErmineError as `FittedColumns.apply` */
  applyRows(rows: readonly Readonly<Record<string, Cell>>[]): Record<string, Features> {
    const columns: Record<string, Cells> = {};
    for (const name of this.columns) columns[name] = rows.map((row) => (Object.hasOwn(row, name) ? row[name]! : null));
    return this.apply(columns);
  }

  /** All that was learned, as `tablePreprocessingFrom` reads it. */
  toJSON(): TablePreprocessingJson {
    const json = <T extends { toJSON(): unknown }>(parts: Readonly<Record<string, T>>): Record<string, ReturnType<T["toJSON"]>> =>
      Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.toJSON() as ReturnType<T["toJSON"]>]));
    return { kind: "table", inputs: json(this.inputs), outputs: json(this.outputs) };
  }
}

/**
 * All of a table's preprocessing: the columns of each input of a model, and what its outputs mean. `saveModel(…, { preprocessing })` of `@ermine/onnx` keeps it
 * in the model's file.
 *
 * @example
 * const rows = { mass: [150, 20], kind: ["ermine", "mouse"] };
 * const preprocessing = tablePreprocessing({
 *   inputs: { numbers: columns({ mass: standardize() }).fit(rows) },
 *   outputs: { output: targetClasses(rows.kind) },
 * });
 * preprocessing.applyRows([{ mass: 85 }]).numbers.data; // => [0]
 * @throws ErmineError ERMINE_OPTION where it has no input, or a part is none
 */
export function tablePreprocessing(parts: TablePreprocessingParts): TablePreprocessing {
  if (arguments.length > 1) checkArguments("tablePreprocessing", arguments, 1);
  requireOptions<TablePreprocessingParts>("tablePreprocessing", parts, { inputs: "object", outputs: "object" });
  const { inputs, outputs } = parts;
  const wrong =
    Object.entries(inputs ?? {}).find(([, part]) => !(part instanceof FittedColumns)) ??
    Object.entries(outputs ?? {}).find(([, part]) => !(part instanceof FittedColumns || part instanceof TargetClasses));
  if (wrong !== undefined)
    throw new ErmineError(
      "ERMINE_OPTION",
      `tablePreprocessing: ${JSON.stringify(wrong[0])} is ${show(wrong[1])}. Inputs are fitted columns, columns({ … }).fit(training); outputs are these or target classes.`,
    );
  if (Object.keys(inputs ?? {}).length === 0)
    throw new ErmineError(
      "ERMINE_OPTION",
      "tablePreprocessing: a model has an input: inputs: { numbers: columns({ … }).fit(training) }.",
    );
  return new TablePreprocessing({ inputs: { ...inputs }, outputs: { ...outputs } });
}

/**
 * A table's preprocessing from its JSON.
 *
 * @example
 * const preprocessing = tablePreprocessing({ inputs: { numbers: columns({ x: standardize() }).fit({ x: [1, 3] }) }, outputs: {} });
 * tablePreprocessingFrom(JSON.parse(JSON.stringify(preprocessing))).columns; // => ["x"]
 * @throws ErmineError ERMINE_DATA where it is none
 */
export function tablePreprocessingFrom(json: unknown): TablePreprocessing {
  if (arguments.length > 1) checkArguments("tablePreprocessingFrom", arguments, 1);
  const { kind, inputs, outputs } = (typeof json === "object" && json !== null ? json : {}) as Partial<TablePreprocessingJson>;
  const isRecord = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);
  if (kind !== "table" || !isRecord(inputs) || !isRecord(outputs) || Object.keys(inputs).length === 0)
    throw damaged("it is not that of a table");
  const targetFrom = (part: unknown): FittedTarget =>
    (part as { readonly kind?: unknown } | null)?.kind === "columns" ? columnsFrom(part) : targetClassesFrom(part);
  return new TablePreprocessing({
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, part]) => [name, columnsFrom(part)])),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, part]) => [name, targetFrom(part)])),
  });
}
