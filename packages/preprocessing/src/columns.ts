/** Several columns as one input of a model. */
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import { embeddingIdsKind, oneHotKind, ordinalKind, TargetClasses } from "./categories.js";
import type { Block, Cell, Cells } from "./cells.js";
import { datesKind } from "./dates.js";
import { imputeKind } from "./impute.js";
import { missingKind } from "./missing.js";
import { logKind, minMaxKind, robustKind, standardizeKind } from "./scale.js";
import { textIdsKind, textLengthKind } from "./text.js";
import { damaged, stepFrom, type FittedStep, type Step, type AnyStepKind, type StepJson } from "./step.js";

/** Columns by name: a table of `@ermine/data`, or an object of arrays. */
export type Columns = ValuesByName | Readonly<Record<string, Cells>>;

/** A table: columns that are asked for by name. */
export interface ValuesByName {
  /** The values of a column; it throws where there is none of that name. */
  values(name: string): Cells;
}

/** Steps of a column that has another name: so that one column gives several features. */
export interface NamedColumnSteps {
  /** The column's name. */
  readonly column: string;
  /** A step, or several one after the other. */
  readonly steps: Step | readonly Step[];
}

/** What is done to each column: a step, or several one after the other; or, under a name of its own, what is done to a column that it names. */
export type ColumnSteps = Readonly<Record<string, Step | readonly Step[] | NamedColumnSteps>>;

/** What a model is given: `dataset({ inputs })` takes it. */
export interface Features {
  /** Row by row. */
  readonly data: Float32Array | Int32Array;
  /** [rows, width]. */
  readonly shape: readonly [number, number];
  /** float32; int32 where all columns are ids. */
  readonly dtype: "float32" | "int32";
}

/** Fitted columns as JSON. */
export interface ColumnsJson {
  /** Says what it is. */
  readonly kind: "columns";
  /** The steps of each feature, in order; its column, where that has another name. */
  readonly columns: readonly { readonly name: string; readonly column?: string; readonly steps: readonly StepJson[] }[];
}

interface FittedColumn {
  readonly name: string;
  /** Where the cells come from. */
  readonly column: string;
  readonly steps: readonly FittedStep[];
}

const kinds: readonly AnyStepKind[] = [
  standardizeKind,
  minMaxKind,
  robustKind,
  logKind,
  imputeKind,
  oneHotKind,
  ordinalKind,
  embeddingIdsKind,
  datesKind,
  missingKind,
  textIdsKind,
  textLengthKind,
];

/** Columns whose steps have seen the training part: they never learn from what they are applied to. */
export class FittedColumns {
  readonly #columns: readonly FittedColumn[];

  /** @internal */
  constructor(columns: readonly FittedColumn[]) {
    this.#columns = columns;
  }

  /** A name for each value in a row: "weight", "species=ermine", "date.month.sin". */
  get names(): readonly string[] {
    return this.#columns.flatMap(({ name, steps }) => steps.at(-1)!.names(name));
  }

  /** Values in a row. */
  get width(): number {
    return this.names.length;
  }

  /** The columns that it reads, each once. */
  get columns(): readonly string[] {
    return [...new Set(this.#columns.map(({ column }) => column))];
  }

  /**
   * What the model is given of these columns.
   *
   * @throws ErmineError ERMINE_DATA where a column is not there or has another length, ERMINE_VALUE for a value that has no answer, with column and row;
   * ERMINE_DTYPE where some columns are ids and others are not
   */
  apply(columns: Columns): Features {
    const blocks = this.#columns.map(({ column, steps }) => {
      const cells = cellsOf(columns, column);
      return at(column, () =>
        steps.reduce<Block>((block, step) => step.apply(block.values), { values: cells, width: 1, dtype: "float32" }),
      );
    });
    const rows = rowsOf(this.#columns, blocks);
    const dtype = blocks[0]!.dtype;
    const other = blocks.findIndex((block) => block.dtype !== dtype);
    if (other >= 0)
      throw new ErmineError(
        "ERMINE_DTYPE",
        `columns: ${show(this.#columns[0]!.name)} is ${dtype} and ${show(this.#columns[other]!.name)} is ${blocks[other]!.dtype}: ids for embeddings are an input of their own. ` +
          "Make two columns({ … }), and dataset({ inputs: { ids, features } }).",
      );
    const width = blocks.reduce((sum, block) => sum + block.width, 0);
    const data = dtype === "int32" ? new Int32Array(rows * width) : new Float32Array(rows * width);
    let from = 0;
    blocks.forEach((block, i) => {
      for (let row = 0; row < rows; row++)
        for (let k = 0; k < block.width; k++)
          data[row * width + from + k] = numberOf(this.#columns[i]!.name, block.values[row * block.width + k]!, row);
      from += block.width;
    });
    return { data, shape: [rows, width], dtype };
  }

  /**
   * What the model is given of one row, by the columns' names: for streams and for requests.
   *
   * @example
   * const fitted = columns({ x: standardize(), kind: oneHot() }).fit({ x: [1, 3], kind: ["a", "b"] });
   * fitted.applyRow({ x: 3, kind: "a" }); // => [1, 1, 0]
   * @throws ErmineError as `apply`
   */
  applyRow(row: Readonly<Record<string, Cell>>): Float32Array | Int32Array {
    if (typeof row !== "object" || row === null)
      throw new ErmineError("ERMINE_DATA", `applyRow takes an object, { name: value }, got ${show(row)}.`);
    return this.apply(Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, [cell]]))).data;
  }

  /**
   * The columns that give these features, by the features' names, as far as they can be told: null for what was unknown or missing.
   *
   * @throws ErmineError ERMINE_SHAPE where rows have another width
   */
  invert(features: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }): Record<string, Cell[]> {
    const { width } = this;
    const [rows = 0, given] = features.shape;
    if (features.shape.length !== 2 || given !== width || features.data.length !== rows * width)
      throw new ErmineError(
        "ERMINE_SHAPE",
        `invert: the features are (N, ${width}), got (${features.shape.join(", ")}) with ${features.data.length} values.`,
      );
    let from = 0;
    return Object.fromEntries(
      this.#columns.map(({ name, steps }) => {
        const columnWidth = steps.at(-1)!.names(name).length;
        const values = Float64Array.from(
          { length: rows * columnWidth },
          (_, i) => features.data[Math.floor(i / columnWidth) * width + from + (i % columnWidth)]!,
        );
        from += columnWidth;
        const cells = steps.reduceRight<ArrayLike<Cell>>((inner, step) => step.invert(inner as ArrayLike<number>), values);
        return [name, Array.from(cells)];
      }),
    );
  }

  /** All that was learned, as `columnsFrom` reads it. */
  toJSON(): ColumnsJson {
    return {
      kind: "columns",
      columns: this.#columns.map(({ name, column, steps }) => ({
        name,
        ...(column === name ? {} : { column }),
        steps: steps.map((step) => step.toJSON()),
      })),
    };
  }
}

/** Names the column in an error of its steps. */
function at<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof ErmineError ? error.at(`column ${JSON.stringify(name)}`) : error;
  }
}

function numberOf(name: string, cell: Cell, row: number): number {
  if (typeof cell === "number" && Number.isFinite(Math.fround(cell))) return cell;
  throw new ErmineError(
    "ERMINE_VALUE",
    `column ${JSON.stringify(name)}: row ${row} is ${show(cell)} after all steps, and a model takes finite float32 numbers. End with a step that makes them: oneHot(), standardize().`,
  );
}

function cellsOf(columns: Columns, name: string): Cells {
  if (typeof columns !== "object" || columns === null)
    throw new ErmineError("ERMINE_DATA", `columns are a table, or arrays by name, got ${show(columns)}.`);
  if (typeof columns.values === "function") return columns.values(name);
  const cells = Object.hasOwn(columns, name) ? (columns as Readonly<Record<string, Cells>>)[name] : undefined;
  if (typeof cells === "object" && cells !== null && Number.isInteger(cells.length)) return cells;
  throw new ErmineError(
    "ERMINE_DATA",
    `There is no column ${JSON.stringify(name)}: there are ${Object.keys(columns).slice(0, 20).join(", ")}.`,
  );
}

function rowsOf(columns: readonly FittedColumn[], blocks: readonly Block[]): number {
  const rows = blocks.map(({ values, width }) => values.length / width);
  const other = rows.findIndex((count) => count !== rows[0]);
  if (other < 0) return rows[0]!;
  throw new ErmineError(
    "ERMINE_DATA",
    `columns: ${show(columns[other]!.name)} has ${rows[other]!} rows, and ${show(columns[0]!.name)} has ${rows[0]!}.`,
  );
}

/** Columns and their steps, to be fitted on the training part. */
export interface UnfittedColumns {
  /**
   * Learns from the training part, and from nothing else.
   *
   * @throws ErmineError ERMINE_DATA where a column is not there or nothing can be learned of it, ERMINE_VALUE for a value that does not fit, with column and row
   */
  fit(training: Columns): FittedColumns;
}

/**
 * Several columns as one input of a model: for each its step, or several steps one after the other. Values lie next to each other in the columns' order.
 *
 * @example
 * const features = columns({ weight: [impute(), standardize()], kind: oneHot() });
 * const fitted = features.fit({ weight: [1, null, 3], kind: ["a", "b", "a"] });
 * fitted.names; // => ["weight", "kind=a", "kind=b"]
 * fitted.apply({ weight: [2], kind: ["b"] }).data; // => [0, 0, 1]
 *
 * // Two features of one column.
 * columns({ weight: [impute(), standardize()], weightIsMissing: { column: "weight", steps: missing() } });
 * @throws ErmineError ERMINE_USAGE for what is no step, ERMINE_OPTION where there is no column
 */
export function columns(steps: ColumnSteps): UnfittedColumns {
  if (arguments.length > 1) checkArguments("columns", arguments, 1);
  if (typeof steps !== "object" || steps === null || Object.keys(steps).length === 0)
    throw new ErmineError(
      "ERMINE_OPTION",
      `columns takes steps by the columns' names, got ${show(steps)}. Write columns({ weight: standardize() }).`,
    );
  const all = Object.entries(steps).map(([name, given]) => {
    const isNamed = typeof (given as Partial<NamedColumnSteps> | null)?.column === "string";
    const { column, steps: chain } = isNamed
      ? (given as NamedColumnSteps)
      : { column: name, steps: given as Step | readonly Step[] };
    return { name, column, chain: Array.isArray(chain) ? (chain as readonly Step[]) : [chain as Step] };
  });
  for (const { name, chain } of all)
    if (chain.length === 0 || chain.some((step) => typeof (step as Partial<Step> | null)?.fit !== "function"))
      throw new ErmineError(
        "ERMINE_USAGE",
        `columns: ${JSON.stringify(name)} is ${show(steps[name])}: it takes a step, standardize(), or a list of steps.`,
      );
  return {
    fit: (training) =>
      new FittedColumns(
        all.map(({ name, column, chain }) => ({
          name,
          column,
          steps: at(column, () => fitChain(chain, cellsOf(training, column))),
        })),
      ),
  };
}

function fitChain(chain: readonly Step[], cells: Cells): FittedStep[] {
  let values = cells;
  return chain.map((step, i) => {
    const learned = step.fit(values);
    if (i === chain.length - 1) return learned;
    if (!learned.allowsNext)
      throw new ErmineError(
        "ERMINE_USAGE",
        `columns: ${learned.kind} is the last of a column's steps, and ${chain[i + 1]!.kind} comes after it.`,
      );
    ({ values } = learned.apply(values));
    return learned;
  });
}

/**
 * Fitted columns from their JSON.
 *
 * @example
 * const fitted = columns({ x: standardize() }).fit({ x: [1, 2, 3] });
 * columnsFrom(JSON.parse(JSON.stringify(fitted))).apply({ x: [2] }).data; // => [0]
 * @throws ErmineError ERMINE_DATA where it is none
 */
export function columnsFrom(json: unknown): FittedColumns {
  if (arguments.length > 1) checkArguments("columnsFrom", arguments, 1);
  const { kind, columns: list } = (typeof json === "object" && json !== null ? json : {}) as Partial<ColumnsJson>;
  if (kind !== "columns" || !Array.isArray(list) || list.length === 0) throw damaged("it has no columns");
  return new FittedColumns(
    list.map((column: Partial<ColumnsJson["columns"][number]> | null) => {
      const { name, column: from = name, steps } = column ?? {};
      if (typeof name !== "string" || typeof from !== "string" || !Array.isArray(steps) || steps.length === 0)
        throw damaged(`a column of it is ${JSON.stringify(column)}`);
      return { name, column: from, steps: steps.map((step) => stepFrom(step, kinds)) };
    }),
  );
}

/**
 * Target classes from their JSON.
 *
 * @example
 * targetClassesFrom(JSON.parse(JSON.stringify(targetClasses(["b", "a"])))).classes; // => ["a", "b"]
 * @throws ErmineError ERMINE_DATA where it is none
 */
export function targetClassesFrom(json: unknown): TargetClasses {
  if (arguments.length > 1) checkArguments("targetClassesFrom", arguments, 1);
  const { kind, classes } = (typeof json === "object" && json !== null ? json : {}) as { kind?: unknown; classes?: unknown };
  const isClass = (value: unknown): boolean => typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (
    kind !== "targetClasses" ||
    !Array.isArray(classes) ||
    classes.length < 2 ||
    !classes.every(isClass) ||
    new Set(classes).size < classes.length
  )
    throw damaged("it has no target classes");
  return new TargetClasses(classes as (string | number | boolean)[]);
}
