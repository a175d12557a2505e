/** A finite training set on the host: columns of equal length, named inputs, targets and sample weights. */
import {
  checkCopy,
  copyKey,
  copyMark,
  ErmineError,
  mapTree,
  nearestName,
  tensor,
  Tensor,
  type CopyMark,
  type DType,
  type Tree,
  type TypedArray,
} from "@ermine/core";
import { checkArguments, hashKey, shuffledIndices } from "@ermine/core";

/** Rows of one shape, one behind the other. */
export class Column {
  readonly data: TypedArray;
  /** [rows, ...row]. */
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly rowLength: number;

  constructor(data: TypedArray, shape: readonly number[], dtype: DType) {
    this.data = data;
    this.shape = shape;
    this.dtype = dtype;
    this.rowLength = shape.slice(1).reduce((a, b) => a * b, 1);
  }

  get rows(): number {
    return this.shape[0]!;
  }

  /** Writes the rows with these indices, one behind the other, into `target`. */
  gather(indices: ArrayLike<number>, target: TypedArray): void {
    const { data, rowLength } = this;
    if (rowLength === 1) {
      for (let i = 0; i < indices.length; i++) target[i] = data[indices[i]!]!;
      return;
    }
    // A view for each row costs more than a few numbers one by one.
    if (rowLength <= 32) {
      for (let i = 0, to = 0; i < indices.length; i++) {
        const start = indices[i]! * rowLength;
        for (let from = start; from < start + rowLength; from++) target[to++] = data[from]!;
      }
      return;
    }
    for (let i = 0; i < indices.length; i++) {
      const start = indices[i]! * rowLength;
      target.set(data.subarray(start, start + rowLength), i * rowLength);
    }
  }

  select(indices: ArrayLike<number>): Column {
    const length = indices.length * this.rowLength;
    const data =
      this.data instanceof Int32Array
        ? new Int32Array(length)
        : this.data instanceof Uint8Array
          ? new Uint8Array(length)
          : new Float32Array(length);
    this.gather(indices, data);
    return new Column(data, [indices.length, ...this.shape.slice(1)], this.dtype);
  }
}

/** What a column can be made of. */
export type ColumnSource =
  | Tensor
  | Column
  | { readonly data: TypedArray; readonly shape: readonly number[] }
  | readonly number[]
  | readonly (readonly unknown[])[];

export interface DatasetColumns {
  readonly inputs: Tree<Column>;
  readonly targets: Tree<Column> | undefined;
  /** What each sample counts for. */
  readonly sampleWeights: Column | undefined;
}

function column(name: string, source: unknown): Column {
  if (source instanceof Column) return source;
  checkCopy(name, source);
  if (source !== null && typeof source === "object" && "data" in source && "shape" in source && !(source instanceof Tensor)) {
    const { data, shape } = source as { data: TypedArray; shape: readonly number[] };
    const count = shape.reduce((a, b) => a * b, 1);
    if (count !== data.length)
      throw new ErmineError("ERMINE_DATA", `${name}: [${shape.join(", ")}] needs ${count} numbers, got ${data.length}.`);
    return new Column(data, shape, dtypeOf(data));
  }
  const t = source instanceof Tensor ? source : tensor(source as number[]);
  if (t.rank === 0) throw new ErmineError("ERMINE_DATA", `${name} is a scalar: a column has a row for each sample.`);
  return new Column(t.dataSync(), t.shape as readonly number[], t.dtype);
}

const dtypeOf = (data: TypedArray): DType =>
  data instanceof Int32Array ? "int32" : data instanceof Uint8Array ? "bool" : "float32";

const isColumnSource = (node: unknown): boolean =>
  node instanceof Tensor ||
  node instanceof Column ||
  (Array.isArray(node) && (node.length === 0 || typeof node[0] === "number" || Array.isArray(node[0]))) ||
  (node !== null && typeof node === "object" && "data" in node && "shape" in node);

function columns(name: string, source: unknown): Tree<Column> {
  if (isColumnSource(source)) return column(name, source);
  if (Array.isArray(source)) return source.map((item, i) => columns(`${name}[${i}]`, item));
  if (source !== null && typeof source === "object") {
    return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, columns(`${name}.${key}`, value)]));
  }
  throw new ErmineError(
    "ERMINE_DATA",
    `${name} must be tensors, typed arrays with a shape, or nested arrays; got ${typeof source}.`,
  );
}

export class Dataset implements DatasetColumns {
  readonly inputs: Tree<Column>;
  readonly targets: Tree<Column> | undefined;
  readonly sampleWeights: Column | undefined;
  readonly length: number;

  /** @internal */
  get [copyKey](): CopyMark {
    return copyMark("Dataset");
  }

  constructor({ inputs, targets, sampleWeights }: DatasetColumns) {
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
    if (this.length === 0) throw new ErmineError("ERMINE_DATA", "The data set is empty: there is nothing to learn from.");
  }

  namedColumns(): [string, Column][] {
    const named: [string, Column][] = [];
    const visit = (name: string, tree: Tree<Column> | undefined): void => {
      if (tree !== undefined) mapTree(tree, (leaf, path) => named.push([path === "" ? name : `${name}.${path}`, leaf]));
    };
    visit("inputs", this.inputs);
    visit("targets", this.targets);
    visit("sampleWeights", this.sampleWeights);
    return named;
  }

  /** The samples with these indices, copied. */
  select(indices: ArrayLike<number>): Dataset {
    const pick = (tree: Tree<Column>): Tree<Column> => mapTree(tree, (leaf) => leaf.select(indices));
    return new Dataset({
      inputs: pick(this.inputs),
      targets: this.targets === undefined ? undefined : pick(this.targets),
      sampleWeights: this.sampleWeights?.select(indices),
    });
  }

  /** @throws ErmineError ERMINE_DATA with the place of the first number that is not finite */
  checkFinite(): void {
    for (const [name, { data, rowLength, dtype }] of this.namedColumns()) {
      if (dtype !== "float32") continue;
      for (let i = 0; i < data.length; i++) {
        if (Number.isFinite(data[i]!)) continue;
        throw new ErmineError(
          "ERMINE_DATA",
          `${name} has ${data[i]} in row ${Math.floor(i / rowLength)}, place ${i % rowLength}. Remove the row, or put a value in its place.`,
        );
      }
    }
  }
}

const parts = ["inputs", "targets", "sampleWeights"];

/** What others call the parts. */
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
 * A data set of columns. `inputs` (and `targets`) are a column or a tree of them; float arrays become float32, Int32Array int32.
 *
 * @throws ErmineError ERMINE_DATA where it is empty, lengths differ, or something is given under another name
 */
export function dataset(source: { inputs: unknown; targets?: unknown; sampleWeights?: ColumnSource }): Dataset {
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
  if (!(fraction > 0 && fraction < 1) || data.length < 2) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `A split of ${data.length} samples at ${fraction} leaves a part empty. The fraction is between 0 and 1.`,
    );
  }
  const order = shuffledIndices(data.length, hashKey(seed, "split"));
  const held = Math.max(1, Math.floor(data.length * fraction));
  return [data.select(order.subarray(held)), data.select(order.subarray(0, held))];
}
