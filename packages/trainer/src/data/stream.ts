/** Samples that come one after the other, from an iterator: data that do not fit into memory, or whose number nobody knows. */
import { ErmineError, hashKey, Tensor, type AnyTypedArray, type DType, type Tree } from "@ermine/core";
import { checkArguments, checkOptions, elementsOf, isTypedArray, naturalDType, nested, show } from "@ermine/core/define";
import { Collator, rowsOfSample, type ItemPosition, type Row } from "./collate.js";
import { mapColumns, namedColumns } from "./columns.js";
import { Dataset } from "./dataset.js";
import { readOnce } from "./readOnce.js";
import { ShuffleBuffer } from "./shuffleBuffer.js";
import type { Batch, BatchRequest, ColumnType, ColumnTypes, Cursor, DataSource } from "./source.js";

/** One row of a column: a number, an array (nested, or a typed one), an array next to its shape, or a tensor. */
export type RowSource = number | boolean | AnyTypedArray | Tensor | ShapedRow | readonly unknown[];

/** A row's elements next to their shape. */
export interface ShapedRow {
  /** In row-major order. */
  readonly data: AnyTypedArray;
  /** Without the batch's axis. */
  readonly shape: readonly number[];
}

/** One sample. */
export interface Sample {
  /** Inputs of the model. */
  readonly inputs: Tree<RowSource>;
  /** Targets of the loss. Default: none. */
  readonly targets?: Tree<RowSource>;
  /** Weight of the sample. Default: 1. */
  readonly sampleWeights?: number;
}

/** Item of an iterator: a sample, or several at once as a data set (a row group, a file). */
export type StreamItem = Sample | Dataset;

/** The pass over the data that an iterator is created for. */
export interface StreamPass {
  /** From 0. */
  readonly epoch: number;
  /** undefined where the order is the source's own. */
  readonly seed: number | undefined;
  /** Items at the beginning of the epoch that are not wanted: samples, or data sets. More than 0 only where the stream states `seek`. */
  readonly skip: number;
}

type Items = Iterable<StreamItem> | AsyncIterable<StreamItem>;

/** Source of a stream: a function that makes an iterator for each epoch, an iterable that can be iterated again, or a bare iterator. */
export type StreamSource = ((pass: StreamPass) => Items) | Items | Iterator<StreamItem> | AsyncIterator<StreamItem>;

/** Options of batching samples. */
export interface StreamOptions {
  /** Samples an epoch, where that is known: progress, and schedules that need it. Default: unknown. */
  readonly length?: number;
  /** Shape and dtype of each column. Default: those of the first sample, where numbers are float32, so class labels must be int32 arrays or be stated here. */
  readonly columns?: ColumnTypes;
  /** So many samples are held, out of which the next one is drawn by seed and epoch. Default 0: the source's own order. */
  readonly shuffle?: number;
  /** Called with each sample before it is put into a batch. Default: none. */
  readonly map?: (sample: Sample, pass: StreamPass) => Sample;
  /**
   * The function starts after `pass.skip` items by itself, so that training goes on in the middle of an epoch without reading what it had
   * taken. Default false: the items are made again, skipped and checked. With `shuffle` they are, too.
   */
  readonly seek?: boolean;
}

/**
 * A source of samples that come one after the other. A function (or an iterable that can be iterated again) makes an iterator for each epoch; training
 * that is taken up again in the middle of one skips forward, and checks by a running hash that the samples are the same. A bare iterator can be read
 * once: one epoch, and no taking up again.
 *
 * @example
 * const lines = ["1,2,3", "4,5,9", "2,2,4"];
 * const samples = stream(async function* () {
 *   for (const line of lines) {
 *     const [a, b, sum] = line.split(",").map(Number);
 *     yield { inputs: [a, b], targets: [sum!] };
 *   }
 * });
 * const trainer = new Trainer({ model: new Linear(2, 1), loss: mse, optimizer: sgd({ learningRate: 0.01 }), backend: await cpu() });
 * const history = await trainer.fit(samples, { epochs: 2, batchSize: 2 });
 * history.steps.length; // => 4
 * @throws ErmineError ERMINE_DATA where it is no function, iterable or iterator; ERMINE_OPTION where an option does not fit
 */
export function stream(source: StreamSource, options: StreamOptions = {}): DataSource {
  if (arguments.length > 2) checkArguments("stream", arguments, 2);
  checkOptions(
    "stream",
    options,
    { length: "number", columns: "object", shuffle: "number", map: "function", seek: "boolean" },
    "source",
  );
  const { length, columns, shuffle = 0, seek = false } = options;
  if (seek && typeof source !== "function")
    throw new ErmineError("ERMINE_OPTION", "stream: only a function can seek. Write stream(({ skip }) => …, { seek: true }).");
  checkCount("length", length, 1);
  checkCount("shuffle", shuffle, 0);
  const { open, resume } = opener(source, seek && shuffle <= 1);
  let isOpened = false;
  return {
    resume,
    ...(length === undefined ? {} : { length }),
    ...(columns === undefined ? {} : { columns }),
    batches(request) {
      if (resume === "none" && (isOpened || (request.from ?? null) !== null)) throw readOnce(isOpened);
      isOpened = true;
      const from = positionOf(request.from ?? null);
      const seeks = resume === "seek";
      const pass: StreamPass = { epoch: request.epoch, seed: request.seed, skip: seeks ? (from?.items ?? 0) : 0 };
      const items = open(pass);
      const pipeline = new Pipeline(options, request, pass, from, seeks);
      if (typeof items !== "object" || items === null) throw noIterator(items);
      if (Symbol.asyncIterator in items) return asynchronous(items, pipeline);
      if (Symbol.iterator in items) return synchronous(items, pipeline);
      throw noIterator(items);
    },
  };
}

const noIterator = (items: unknown): ErmineError =>
  new ErmineError(
    "ERMINE_DATA",
    `stream: the function gave ${show(items)}, which is no iterator. Write stream(function* () { … }).`,
  );

function checkCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new ErmineError("ERMINE_OPTION", `stream: ${name} is a whole number ≥ ${least}, got ${show(value)}.`);
}

function opener(source: StreamSource, seeks: boolean): { open: (pass: StreamPass) => Items; resume: DataSource["resume"] } {
  if (typeof source === "function") return { open: source, resume: seeks ? "seek" : "replay" };
  if (typeof source === "object" && source !== null) {
    const isIterator = "next" in source && typeof source.next === "function";
    if (Symbol.asyncIterator in source || Symbol.iterator in source)
      return { open: () => source as Items, resume: isIterator ? "none" : "replay" };
    if (isIterator) {
      const iterator = source as Iterator<StreamItem> | AsyncIterator<StreamItem>;
      // Whether it is asynchronous is known when it was asked; awaiting takes either.
      return { open: () => ({ [Symbol.asyncIterator]: () => awaited(iterator) }), resume: "none" };
    }
  }
  throw new ErmineError("ERMINE_DATA", `stream takes a function that makes an iterator, or an iterator, got ${show(source)}.`);
}

const awaited = (iterator: Iterator<StreamItem> | AsyncIterator<StreamItem>): AsyncIterator<StreamItem> => ({
  next: async () => iterator.next(),
  return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
});

function* synchronous(items: Iterable<StreamItem>, pipeline: Pipeline): Generator<Batch> {
  for (const item of items) yield* pipeline.add(item);
  yield* pipeline.finish();
}

async function* asynchronous(items: AsyncIterable<StreamItem>, pipeline: Pipeline): AsyncGenerator<Batch> {
  for await (const item of items) yield* pipeline.add(item);
  yield* pipeline.finish();
}

/** Samples taken, the hash of all of them, and where the last one ends among the items. */
interface StreamPosition extends ItemPosition {
  readonly samples: number;
  readonly hash: number;
}

/** From items to batches: rows, mapped, drawn from the shuffle buffer, skipped up to a cursor, collated. */
class Pipeline {
  readonly #options: StreamOptions;
  readonly #request: BatchRequest;
  readonly #pass: StreamPass;
  readonly #buffer: ShuffleBuffer<readonly Row[]> | undefined;
  readonly #from: StreamPosition | undefined;
  /** Did the iterator itself start at the cursor's item? */
  readonly #hasSought: boolean;
  #types: ColumnTypes | undefined;
  #collator: Collator | undefined;
  /** Items that came, with those that the iterator left out. */
  #items: number;
  /** Rows of the first item that were taken before. */
  #rowsTaken: number;

  constructor(options: StreamOptions, request: BatchRequest, pass: StreamPass, from: StreamPosition | undefined, seeks: boolean) {
    const { columns, shuffle = 0 } = options;
    this.#options = options;
    this.#request = request;
    this.#pass = pass;
    this.#types = columns;
    this.#from = from;
    this.#hasSought = seeks && from !== undefined;
    this.#items = pass.skip;
    this.#rowsTaken = this.#hasSought ? from!.rows : 0;
    if (shuffle > 1 && pass.seed !== undefined)
      this.#buffer = new ShuffleBuffer<readonly Row[]>(shuffle, hashKey(pass.seed, "shuffle buffer", pass.epoch));
  }

  *add(item: StreamItem): Iterable<Batch> {
    if (item instanceof Dataset) yield* this.#addDataset(item);
    else yield* this.#addSample(item);
    this.#items++;
    this.#rowsTaken = 0;
  }

  *#addSample(item: Sample): Iterable<Batch> {
    const { map } = this.#options;
    const sample = map === undefined ? item : map(item, this.#pass);
    checkSample(sample);
    this.#types ??= typesOfSample(sample);
    yield* this.#drawn(rowsOf(sample, this.#types));
  }

  *#addDataset(data: Dataset): Iterable<Batch> {
    this.#types ??= data.columns;
    if (this.#buffer !== undefined) {
      for (let row = 0; row < data.length; row++) yield* this.#drawn(rowsOfSample(data, row));
      return;
    }
    const items = this.#items;
    const positionOf = (rows: number): ItemPosition => (rows === data.length ? { items: items + 1, rows: 0 } : { items, rows });
    let row = this.#rowsTaken;
    if (row > data.length)
      throw new ErmineError(
        "ERMINE_DATA",
        `Item ${items} of the stream has ${data.length} samples, and training had taken ${row} of it. Take the same data.`,
      );
    if (row === data.length) return;
    const collator = this.#collated();
    if (this.#skips()) {
      const skipped = Math.min(data.length - row, this.#from!.samples - collator.samples);
      collator.skipRows(data, row, row + skipped);
      this.#checkHash(collator);
      row += skipped;
    }
    while (row < data.length) {
      const { takenRows: taken, batch } = collator.addRows(data, row, positionOf);
      row += taken;
      if (batch !== undefined) yield batch;
    }
  }

  *finish(): Iterable<Batch> {
    for (const rows of this.#buffer?.drain() ?? []) yield* this.#taken(rows);
    if (!this.#hasSought && this.#skips())
      throw new ErmineError(
        "ERMINE_DATA",
        `The stream ends after ${this.#collator?.samples ?? 0} samples, and training had taken ${this.#from!.samples} of it. Take the same data.`,
      );
    const last = this.#collator?.finish();
    if (last !== undefined) yield last;
  }

  *#drawn(rows: readonly Row[]): Iterable<Batch> {
    const exchanged = this.#buffer === undefined ? rows : this.#buffer.exchange(rows);
    if (exchanged !== undefined) yield* this.#taken(exchanged);
  }

  *#taken(rows: readonly Row[]): Iterable<Batch> {
    const collator = this.#collated();
    if (!this.#skips()) {
      const batch = collator.add(rows, { items: this.#items + 1, rows: 0 });
      if (batch !== undefined) yield batch;
      return;
    }
    collator.skip(rows);
    this.#checkHash(collator);
  }

  #collated(): Collator {
    const { batchSize, retained = 0 } = this.#request;
    return (this.#collator ??= new Collator(this.#types!, batchSize, retained, this.#hasSought ? this.#from : undefined));
  }

  /** Is the cursor still ahead? */
  #skips(): boolean {
    return this.#from !== undefined && !this.#hasSought && (this.#collator?.samples ?? 0) < this.#from.samples;
  }

  /** @throws ErmineError ERMINE_DATA at the cursor, where other samples came before it than training has taken */
  #checkHash(collator: Collator): void {
    if (collator.samples !== this.#from!.samples || collator.hash === this.#from!.hash) return;
    throw new ErmineError(
      "ERMINE_DATA",
      `The first ${collator.samples} samples of the stream are not those that training has taken: their hash differs. Make the iterator give the ` +
        "same samples in the same order for the same epoch and seed.",
    );
  }
}

function positionOf(from: Cursor): StreamPosition | undefined {
  if (from === null) return undefined;
  const position = from as Partial<StreamPosition>;
  if (([position.samples, position.hash, position.items, position.rows] as unknown[]).every((value) => typeof value === "number"))
    return position as StreamPosition;
  throw new ErmineError(
    "ERMINE_DATA",
    `The cursor ${JSON.stringify(from)} is no place in a stream: it is of another kind of source.`,
  );
}

const isSample = (sample: unknown): sample is Sample => typeof sample === "object" && sample !== null && "inputs" in sample;

function checkSample(sample: unknown): void {
  if (isSample(sample)) return;
  throw new ErmineError("ERMINE_DATA", `stream: a sample is { inputs, targets }, or a data set of several; got ${show(sample)}.`);
}

const isNumber = (value: unknown): value is number | boolean => typeof value === "number" || typeof value === "boolean";

const isRow = (value: unknown): boolean =>
  isNumber(value) ||
  isTypedArray(value) ||
  value instanceof Tensor ||
  (Array.isArray(value) && (value.length === 0 || isNumber(value[0]) || isTypedArray(value[0]) || Array.isArray(value[0]))) ||
  (typeof value === "object" && value !== null && "data" in value && "shape" in value);

/** A row's elements; `type` is what the column is, where that is known. */
function rowOf(name: string, value: unknown, type: ColumnType | undefined): Row {
  const { data, shape, dtype } = elementsOfRow(name, value, type?.dtype);
  if (type === undefined) return { data, shape, dtype };
  const count = type.shape.reduce((a, b) => a * b, 1);
  // A flat array takes the shape that was stated; what does not fit is said by the collator.
  return { data, shape: data.length === count && shape.length <= 1 ? type.shape : shape, dtype };
}

function elementsOfRow(name: string, value: unknown, dtype: DType | undefined): Row {
  const flat = (data: AnyTypedArray, shape: readonly number[]): Row => {
    const natural = dtype ?? naturalDType(data);
    return { data: elementsOf(data, { where: name, dtype: natural, holder: "the column" }), shape, dtype: natural };
  };
  if (isNumber(value)) {
    const natural = dtype ?? (typeof value === "boolean" ? "bool" : "float32");
    return {
      data: elementsOf([Number(value)], { where: name, dtype: natural, holder: "the column" }),
      shape: [],
      dtype: natural,
    };
  }
  if (value instanceof Tensor) return { data: value.dataSync(), shape: value.shape as readonly number[], dtype: value.dtype };
  if (isTypedArray(value)) return flat(value, [value.length]);
  if (Array.isArray(value)) return nested(name, value, dtype, { holder: "the column" });
  if (typeof value === "object" && value !== null && "data" in value && isTypedArray(value.data)) {
    return flat(value.data, (value as unknown as { shape: readonly number[] }).shape);
  }
  throw new ErmineError(
    "ERMINE_DATA",
    `stream: ${name} of a sample is a number, an array, { data, shape } or a tensor; got ${show(value)}.`,
  );
}

function typesOfSample(sample: Sample): ColumnTypes {
  const typeOf = (name: string, node: unknown): Tree<ColumnType> => {
    if (isRow(node)) {
      const { shape, dtype } = elementsOfRow(name, node, undefined);
      return { shape, dtype } as ColumnType;
    }
    if (Array.isArray(node)) return node.map((item, i) => typeOf(`${name}.${i}`, item));
    if (typeof node === "object" && node !== null)
      return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, typeOf(`${name}.${key}`, item)]));
    throw new ErmineError("ERMINE_DATA", `stream: ${name} of a sample is ${show(node)}.`);
  };
  const { inputs, targets, sampleWeights } = sample;
  return {
    inputs: typeOf("inputs", inputs),
    ...(targets === undefined ? {} : { targets: typeOf("targets", targets) }),
    ...(sampleWeights === undefined ? {} : { sampleWeights: typeOf("sampleWeights", sampleWeights) as ColumnType }),
  };
}

/** The rows of a sample in the order of the columns. */
function rowsOf(sample: Sample, types: ColumnTypes): Row[] {
  return namedColumns(mapColumns(types, (type, name) => rowOf(name, at(sample, name), type) as Row & ColumnType)).map(
    ([, row]) => row,
  );
}

/** Member of a sample under a column's name: "inputs.image". */
function at(sample: Sample, name: string): unknown {
  let node: unknown = sample;
  for (const key of name.split(".")) node = (node as Readonly<Record<string, unknown>> | undefined)?.[key];
  return node;
}
