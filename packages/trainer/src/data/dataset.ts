/** A finite training set on the host: columns of equal length, named inputs, targets and sample weights. */
import {
  ErmineError,
  leaves,
  mapTree,
  Tensor,
  type AnyTypedArray,
  type DType,
  type NumberArray,
  type Tree,
  hashKey,
  shuffledIndices,
} from "@ermine/core";
import {
  checkArgument,
  checkArguments,
  checkCopy,
  checkDTypeName,
  checkOptions,
  checkShape,
  copyKey,
  copyMark,
  isTypedArray,
  naturalDType,
  nearestName,
  nested,
  show,
  type CopyMark,
} from "@ermine/core/define";
import { compactElements } from "@ermine/core/backend";
import { checkRequest, DatasetBatches } from "./batches.js";
import { Column } from "./column.js";

import { mapColumns, namedColumns } from "./columns.js";
import type { Batch, BatchRequest, ColumnTypes, DataSource } from "./source.js";

export { Column };

/** A typed array (or a flat list) with its shape; without one it is [length]. */
export interface ShapedArray {
  /** The elements, row by row. */
  readonly data: AnyTypedArray | readonly (number | boolean)[];
  /** The shape, the axis of the samples first. Default: one axis. */
  readonly shape?: readonly number[];
  /** Default: float32 for arrays of floats and lists, int32 for arrays of integers (bytes too), bool for lists of booleans. */
  readonly dtype?: DType;
}

/** A row of a column: a number, a boolean, a typed array, or a list of such. */
export type NestedRow = number | boolean | AnyTypedArray | readonly NestedRow[];

/** Sources of a column. Arrays are rows: of numbers, of booleans, of arrays, the innermost of which may be typed. */
export type ColumnSource = Tensor | Column | ShapedArray | AnyTypedArray | readonly NestedRow[];

export interface DatasetColumns {
  readonly inputs: Tree<Column>;
  readonly targets: Tree<Column> | undefined;
  /** Weight of each sample. */
  readonly sampleWeights: Column | undefined;
}

const isShaped = (node: unknown): node is ShapedArray =>
  node !== null &&
  typeof node === "object" &&
  !(node instanceof Tensor) &&
  "data" in node &&
  ("shape" in node || Array.isArray(node.data) || isTypedArray(node.data));

function shaped(name: string, source: ShapedArray): Column {
  checkOptions(`The column ${name}`, source, { data: "any", shape: "any", dtype: "any" });
  const { data, shape, dtype } = source;
  if (dtype !== undefined) checkDTypeName(name, dtype);
  if (!Array.isArray(data) && !isTypedArray(data)) {
    throw new ErmineError("ERMINE_DATA", `${name}: data is a typed array, in its row-major order, next to its shape.`);
  }
  if (shape !== undefined) checkShape(name, shape);
  const rows = rowsOf(name, data as AnyTypedArray, dtype);
  const sizes = shape ?? rows.shape;
  const count = sizes.reduce((a, b) => a * b, 1);
  if (rows.shape.length > 1) {
    throw new ErmineError("ERMINE_DATA", `${name}: data next to a shape is flat. Give the nested arrays by themselves.`);
  }
  if (count !== rows.data.length) {
    throw new ErmineError("ERMINE_DATA", `${name}: [${sizes.join(", ")}] needs ${count} elements, got ${rows.data.length}.`);
  }
  if (sizes.length === 0) refuseScalar(name);
  return new Column(rows.data, sizes, rows.dtype, name);
}

interface Rows {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: NumberArray;
}

const holder = "the column";

function rowsOf(name: string, source: Parameters<typeof nested>[1], requestedDType?: DType): Rows {
  if (!isTypedArray(source)) return nested(name, source, requestedDType, { holder });
  const dtype = requestedDType ?? naturalDType(source);
  return { shape: [source.length], dtype, data: compactElements(source, { where: name, dtype, holder }) };
}

function column(name: string, source: unknown): Column {
  if (source instanceof Column) return source;
  checkCopy(name, source);
  if (isShaped(source)) return shaped(name, source);
  if (!(source instanceof Tensor)) {
    const { data, shape, dtype } = rowsOf(name, source as readonly number[]);
    return shape.length === 0 ? refuseScalar(name) : new Column(data, shape, dtype, name);
  }
  if (source.rank === 0) refuseScalar(name);
  return new Column(source.dataSync(), source.shape as readonly number[], source.dtype, name);
}

function refuseScalar(name: string): never {
  throw new ErmineError("ERMINE_DATA", `${name} is a scalar: a column has a row for each sample.`);
}

const isRow = (node: unknown): boolean =>
  typeof node === "number" || typeof node === "boolean" || Array.isArray(node) || isTypedArray(node);

const isColumnSource = (node: unknown): boolean =>
  node instanceof Tensor ||
  node instanceof Column ||
  isTypedArray(node) ||
  (Array.isArray(node) && (node.length === 0 || isRow(node[0]))) ||
  isShaped(node);

/** Deeper than any tree of columns; one that goes on contains itself. */
const deepest = 512;

function columns(name: string, source: unknown, depth = 0): Tree<Column> {
  if (isColumnSource(source)) return column(name, source);
  if (depth === deepest)
    throw new ErmineError("ERMINE_DATA", `${name.slice(0, 60)} … is nested more than ${deepest} deep: does it contain itself?`);
  if (Array.isArray(source)) return source.map((item, i) => columns(`${name}[${i}]`, item, depth + 1));
  if (isPlain(source)) {
    return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, columns(`${name}.${key}`, value, depth + 1)]));
  }
  throw new ErmineError(
    "ERMINE_DATA",
    `${name} must be tensors, typed arrays, { data, shape }, or nested arrays; got ${kindOf(source)}.`,
  );
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as null);

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value === null ? "null" : typeof value);
  const name = (value as { constructor?: { name?: string } }).constructor?.name ?? "object";
  const isBuffer = value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  return isBuffer ? `a ${name} (bytes without a kind: new Float32Array(buffer) says which)` : `a ${name}`;
}

/** Is everything in it a column? */
const columnLeaves = ({ inputs, targets, sampleWeights }: DatasetColumns): boolean =>
  leaves([inputs, targets, sampleWeights]).every((leaf) => leaf instanceof Column);

/** A data set in memory: columns with a row for each sample. `dataset` makes it. It is a source that knows its length and starts anywhere. */
export class Dataset implements DatasetColumns, DataSource {
  /** Inputs of the model, in its tree. */
  readonly inputs: Tree<Column>;
  /** Targets of the loss, in its tree. */
  readonly targets: Tree<Column> | undefined;
  readonly sampleWeights: Column | undefined;
  /** Number of samples. */
  readonly length: number;
  /** It starts at any batch of an epoch. */
  readonly resume = "seek";
  /** Type of each sample of a column. */
  readonly columns: ColumnTypes;
  /** A proxy has no private fields. */
  readonly #kind = "Dataset";

  /** @internal */
  get [copyKey](): CopyMark {
    return #kind in this ? copyMark(this.#kind) : copyMark("Dataset", false);
  }

  constructor(columns: DatasetColumns) {
    if (arguments.length > 1) checkArguments("Dataset", arguments, 1);
    if (typeof columns !== "object" || columns === null || columns.inputs === undefined || !columnLeaves(columns))
      throw new ErmineError(
        "ERMINE_DATA",
        `new Dataset takes columns, got ${show(columns)}. Write dataset({ inputs, targets }), which makes them.`,
      );
    const { inputs, targets, sampleWeights } = columns;
    this.inputs = inputs;
    this.targets = targets;
    this.sampleWeights = sampleWeights;
    const all = this.namedColumns();
    if (all.length === 0)
      throw new ErmineError("ERMINE_DATA", "inputs holds no column: give tensors, typed arrays with a shape, or nested arrays.");
    this.length = all[0]![1].rows;
    for (const [name, { rows }] of all) {
      if (rows !== this.length) {
        throw new ErmineError(
          "ERMINE_DATA",
          `${name} has ${rows} rows and ${all[0]![0]} has ${this.length}. Each sample needs one row in every column.`,
        );
      }
    }
    this.columns = mapColumns(this, ({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
    if (this.length === 0) throw new ErmineError("ERMINE_DATA", "The data set is empty: there is nothing to learn from.");
  }

  /** Each column with its path: "inputs", "targets.age". */
  namedColumns(): [string, Column][] {
    if (arguments.length > 0) checkArguments("namedColumns", arguments, 0);
    return namedColumns<Column>(this);
  }

  /**
   * The batches of an epoch, in the order that seed and epoch give. Batches are used again: see `BatchRequest.retained`.
   *
   * @example
   * const ten = dataset({ inputs: new Float32Array(10) });
   * [...ten.batches({ batchSize: 4, epoch: 0, seed: 1 })].length; // => 3
   * @throws ErmineError ERMINE_OPTION for a batchSize that is no whole number ≥ 1, ERMINE_DATA for a cursor of other data
   */
  batches(request: BatchRequest): IterableIterator<Batch> {
    if (arguments.length > 1) checkArguments("batches", arguments, 1);
    checkRequest(request);
    return new DatasetBatches(this, request);
  }

  /** The samples with these indices, copied. */
  select(indices: ArrayLike<number>): Dataset {
    if (arguments.length > 1) checkArguments("select", arguments, 1);
    checkRows("select(indices)", indices, this.length);
    const pick = (tree: Tree<Column>): Tree<Column> => mapTree(tree, (leaf) => leaf.select(indices));
    return new Dataset({
      inputs: pick(this.inputs),
      targets: this.targets === undefined ? undefined : pick(this.targets),
      sampleWeights: this.sampleWeights?.select(indices),
    });
  }

  /**
   * Refuses float32 columns that hold a NaN or an infinity.
   *
   * @throws ErmineError ERMINE_DATA with the place of the first number that is not finite
   */
  checkFinite(): void {
    if (arguments.length > 0) checkArguments("checkFinite", arguments, 0);
    for (const [name, { data, rowLength, dtype }] of this.namedColumns()) {
      if (dtype !== "float32") continue;
      for (let i = 0; i < data.length; i++) {
        if (Number.isFinite(Math.fround(data[i]!))) continue;
        throw new ErmineError(
          "ERMINE_DATA",
          `${name} has ${data[i]} in row ${Math.floor(i / rowLength)}, place ${i % rowLength}. Remove the row, or put a value in its place.`,
        );
      }
    }
  }
}

/** @throws ErmineError ERMINE_USAGE where it is no list of numbers, ERMINE_DATA for one that is no row */
function checkRows(signature: string, indices: ArrayLike<number>, length: number): void {
  if (!Array.isArray(indices) && !isTypedArray(indices)) checkArgument(signature, "indices", indices, "list");
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (Number.isInteger(index) && index >= 0 && index < length) continue;
    throw new ErmineError("ERMINE_DATA", `select: the index ${show(index)} (place ${i}) is not in 0 … ${length - 1}.`);
  }
}

const parts = ["inputs", "targets", "sampleWeights"];

/** Other frameworks' names of the parts. */
const foreignParts: Readonly<Record<string, string>> = {
  x: "inputs",
  xs: "inputs",
  features: "inputs",
  data: "inputs",
  y: "targets",
  ys: "targets",
  labels: "targets",
  outputs: "targets",
  weights: "sampleWeights",
  sample_weight: "sampleWeights",
  sample_weights: "sampleWeights",
};

/** @throws ErmineError ERMINE_DATA for a part of another name, or where there are no inputs */
function checkParts(source: object): void {
  if (source === null || typeof source !== "object" || Array.isArray(source) || source instanceof Tensor) {
    throw new ErmineError("ERMINE_DATA", "dataset takes its columns by name: dataset({ inputs, targets, sampleWeights }).");
  }
  for (const name of Object.keys(source)) {
    if (parts.includes(name)) continue;
    const near = nearestName(name, parts, foreignParts);
    throw new ErmineError(
      "ERMINE_DATA",
      `A data set has no "${name}". ${near === undefined ? `It has: ${parts.join(", ")}.` : `Did you mean "${near}"?`}`,
    );
  }
}

/**
 * A data set of columns. `inputs` (and `targets`) are a column or a tree of them: `{ name: column }`, or `[{ data, shape }, …]`. A column is a
 * tensor, nested arrays (rows may be typed arrays), a typed array of any kind, or that and its shape. Floats become float32; integers int32, bytes
 * (Uint8Array, Uint8ClampedArray) too; booleans and `{ data, shape, dtype: "bool" }` bool. Typed arrays are not copied, and bytes stay bytes.
 *
 * @example
 * const [pixels, labels] = [new Uint8Array(10 * 28 * 28), new Uint8Array(10)];
 * dataset({ inputs: { data: pixels, shape: [10, 1, 28, 28] }, targets: labels }).length; // => 10
 * @throws ErmineError ERMINE_DATA where it is empty, lengths differ, or something is given under another name, ERMINE_SHAPE for what is no shape,
 * ERMINE_DTYPE where an element does not fit its column's dtype, ERMINE_RELEASED for an array whose buffer is detached
 */
export function dataset(source: {
  /** The model's inputs: a column, or a tree of columns. */
  inputs: Tree<ColumnSource>;
  /** The targets of the loss: a column, or a tree of columns. Default: none. */
  targets?: Tree<ColumnSource> | undefined;
  /** The weight of each sample in the loss, (N). Default: 1 each. */
  sampleWeights?: ColumnSource | undefined;
}): Dataset {
  if (arguments.length > 1) checkArguments("dataset", arguments, 1);
  checkParts(source);
  return new Dataset({
    inputs: columns("inputs", source.inputs),
    targets: source.targets === undefined ? undefined : columns("targets", source.targets),
    sampleWeights: source.sampleWeights === undefined ? undefined : column("sampleWeights", source.sampleWeights),
  });
}

/**
 * Two parts of a data set, shuffled by `seed`: the second has ⌊length · fraction⌋ samples, at least one.
 *
 * @throws ErmineError ERMINE_OPTION where a part would be empty
 */
export function split(data: Dataset, fraction: number, seed = 0): [Dataset, Dataset] {
  if (arguments.length > 3) checkArguments("split", arguments, 3);
  if (!(data instanceof Dataset))
    throw new ErmineError("ERMINE_DATA", `split takes a data set, got ${show(data)}. Write split(dataset({ … }), 0.2).`);
  checkArgument("split(data, fraction, seed)", "fraction", fraction, "number");
  checkArgument("split(data, fraction, seed)", "seed", seed, "integer");
  if (!(fraction > 0 && fraction < 1) || data.length < 2) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `A split of ${data.length} samples at ${fraction} leaves a part empty. The fraction is between 0 and 1.`,
    );
  }
  const order = shuffledIndices(data.length, hashKey(seed, "split"));
  const heldOutCount = Math.max(1, Math.floor(data.length * fraction));
  return [data.select(order.subarray(heldOutCount)), data.select(order.subarray(0, heldOutCount))];
}
