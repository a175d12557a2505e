/** `@ermine/data/npy`: arrays of NumPy's files, some rows at a time. */
import { ErmineError, hashKey, shuffledIndices } from "@ermine/core";
import { checkArguments, checkOptions, requireOptions, show } from "@ermine/core/define";
import { readNpyHeader, readNpyRows, type NpyArray, type NpyDType, type NpyHeader } from "@ermine/formats";
import { dataset, type ColumnSource, type Dataset } from "@ermine/trainer";
import type { FileSource, RandomAccess } from "./bytes.js";
import type { Pass } from "./pass.js";
import { randomAccess, type RandomAccessSource } from "./randomAccess.js";
import { checkCount } from "./refusals.js";
import { Stream } from "./stream.js";

export type { ByteSource, FileSource, RandomAccess } from "./bytes.js";
export type { NpyArray, NpyDType } from "@ermine/formats";
export type { Stream } from "./stream.js";

/** Bytes that hold any header. */
const headerBytes = 10_012;

/** An npy file, of which any rows can be read. `openNpy` makes it. */
export class NpyFile {
  /** What messages call it. */
  readonly name: string;
  /** What numpy calls its elements: "float32". */
  readonly dtype: NpyDType;
  /** Sizes; the first one is the rows. */
  readonly shape: readonly number[];
  readonly #source: RandomAccessSource;
  readonly #header: NpyHeader;
  readonly #rowBytes: number;
  readonly #size: number;

  /** @internal */
  constructor(source: RandomAccessSource, header: NpyHeader, rowBytes: number, size: number) {
    this.name = source.name;
    this.dtype = header.dtype;
    this.shape = header.shape;
    this.#source = source;
    this.#header = header;
    this.#rowBytes = rowBytes;
    this.#size = size;
  }

  /** Rows. */
  get length(): number {
    return this.shape[0]!;
  }

  /**
   * The rows from `start` to `end`, which is not among them.
   *
   * @throws ErmineError ERMINE_VALUE for rows that there are not, ERMINE_DATA where the file has changed or cannot be read
   */
  async rows(start: number, end: number): Promise<NpyArray> {
    if (arguments.length > 2) checkArguments("rows", arguments, 2);
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end > this.length)
      throw new ErmineError(
        "ERMINE_VALUE",
        `rows(${show(start)}, ${show(end)}): ${this.name} has ${this.length} rows, 0 … ${this.length - 1}.`,
      );
    const access = await this.open();
    try {
      return await this.read(access, start, end);
    } finally {
      await access.close();
    }
  }

  /** @internal */
  async open(): Promise<RandomAccess> {
    const access = await this.#source.access();
    if (access.size === this.#size) return access;
    await access.close();
    throw new ErmineError(
      "ERMINE_DATA",
      `${this.name} had ${this.#size} bytes when it was opened, and has ${access.size}. Open it again.`,
    );
  }

  /** @internal */
  async read(access: RandomAccess, start: number, end: number): Promise<NpyArray> {
    const { dataOffset } = this.#header;
    const bytes = await access.read(dataOffset + start * this.#rowBytes, dataOffset + end * this.#rowBytes);
    if (bytes.length !== (end - start) * this.#rowBytes)
      throw new ErmineError("ERMINE_DATA", `${this.name} has changed while it was read. Open it again.`);
    return readNpyRows(this.#header, bytes);
  }
}

/**
 * Opens an npy file, as `numpy.save` writes it, and reads its header alone.
 *
 * @example
 * const bytes = writeNpy({ shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
 * const numbers = await openNpy(bytes); // or file("numbers.npy") of "@ermine/data/node", an address, a Blob
 * (await numbers.rows(1, 3)).elements(); // => [3, 4, 5, 6]
 * @throws ErmineError ERMINE_DATA where it is no npy file of rows, is cut short or cannot be read; ERMINE_UNSUPPORTED for elements that are not read, or an array in Fortran's order
 */
export async function openNpy(source: FileSource): Promise<NpyFile> {
  if (arguments.length > 1) checkArguments("openNpy", arguments, 1);
  const random = randomAccess("openNpy", source);
  const access = await random.access();
  try {
    return await opened(random, access);
  } catch (error) {
    throw error instanceof ErmineError ? error.at(random.name) : error;
  } finally {
    await access.close();
  }
}

async function opened(source: RandomAccessSource, access: RandomAccess): Promise<NpyFile> {
  const header = readNpyHeader(await access.read(0, Math.min(access.size, headerBytes)));
  const { shape, dtype, dataOffset } = header;
  const described = `${dtype}[${shape.join(", ")}]`;
  if (shape.length === 0 || shape.includes(0))
    throw new ErmineError("ERMINE_DATA", `The array is ${described}, which has no rows.`);
  const row = readNpyRows(header, new Uint8Array(0));
  const bytesEach = row.dtype === "float16" ? 2 : row.elements().BYTES_PER_ELEMENT;
  const rowBytes = shape.slice(1).reduce((a, b) => a * b, bytesEach);
  if (dataOffset + shape[0]! * rowBytes !== access.size)
    throw new ErmineError(
      "ERMINE_DATA",
      `The array is ${described}, ${shape[0]! * rowBytes} bytes, and ${access.size - dataOffset} follow its header: the file is cut short, or holds more than one array.`,
    );
  return new NpyFile(source, header, rowBytes, access.size);
}

/** Files whose rows are samples: row i of each is the same sample's. */
export interface NpyColumns {
  /** The model's inputs. */
  readonly inputs: NpyFile | Readonly<Record<string, NpyFile>>;
  /** The targets of the loss. Default: none. */
  readonly targets?: NpyFile;
  /** The weight of each sample, (N). Default: 1 each. */
  readonly sampleWeights?: NpyFile;
}

/** The options of `npyDatasets`. */
export interface NpyDatasetsOptions {
  /** Rows that are read at a time. Default 4096. */
  readonly rows?: number;
}

/**
 * The rows of npy files, so many at a time, as data sets: files that are larger than memory. A pass with a seed (`fit` gives one unless `shuffle: false`) takes the blocks, and the rows within each, in random
 * order. Training that is taken up again starts in the block where it was. Bytes (uint8) stay bytes until the backend widens them; int64 must fit into int32.
 *
 * @example
 * const inputs = await openNpy(writeNpy({ shape: [4, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) }));
 * const targets = await openNpy(writeNpy({ shape: [4, 1], data: Float32Array.of(3, 7, 11, 15) }));
 * const source = npyDatasets({ inputs, targets }, { rows: 2 }).source({ length: inputs.length });
 * const trainer = new Trainer({ model: new Linear(2, 1), loss: mse, optimizer: sgd({ learningRate: 0.01 }), backend: await cpu() });
 * (await trainer.fit(source, { epochs: 3, batchSize: 2 })).steps.length; // => 6
 * @throws ErmineError ERMINE_DATA where files have different numbers of rows, ERMINE_OPTION for an option that does not fit; when it is read, as `rows`
 */
export function npyDatasets(columns: NpyColumns, options: NpyDatasetsOptions = {}): Stream<Dataset> {
  if (arguments.length > 2) checkArguments("npyDatasets", arguments, 2);
  requireOptions<NpyColumns>("npyDatasets", columns, { inputs: "object", targets: "object", sampleWeights: "object" });
  checkOptions<NpyDatasetsOptions>("npyDatasets", options, { rows: "number" }, "columns");
  const { rows: blockRows = 4096 } = options;
  checkCount("npyDatasets", "rows", blockRows, 1);
  const files = namedFiles(columns);
  const count = files[0]![1].length;
  const blocks = Math.ceil(count / blockRows);
  return new Stream({
    // Batches ask a source for its samples, and these are data sets.
    length: undefined,
    resume: "seek",
    iterate: (pass, skip) => readBlocks({ columns, files, count, blockRows, blocks }, pass, skip),
  });
}

type NamedFile = readonly [name: string, file: NpyFile];

/** @throws ErmineError ERMINE_USAGE where one is no opened file, ERMINE_DATA where they have different numbers of rows */
function namedFiles({ inputs, targets, sampleWeights }: NpyColumns): readonly NamedFile[] {
  const ofInputs: readonly NamedFile[] =
    inputs instanceof NpyFile
      ? [["inputs", inputs]]
      : Object.entries(inputs ?? {}).map(([name, file]): NamedFile => [`inputs.${name}`, file]);
  const others = Object.entries({ targets, sampleWeights }).filter((entry): entry is [string, NpyFile] => entry[1] !== undefined);
  const files: readonly NamedFile[] = [...ofInputs, ...others];
  for (const [name, file] of files)
    if (!(file instanceof NpyFile))
      throw new ErmineError("ERMINE_USAGE", `npyDatasets: ${name} is ${show(file)}. Give await openNpy(source).`);
  if (ofInputs.length === 0)
    throw new ErmineError("ERMINE_USAGE", "npyDatasets: there are no inputs. Write { inputs: await openNpy(source) }.");
  const first = files[0]![1];
  for (const [, file] of files)
    if (file.length !== first.length)
      throw new ErmineError(
        "ERMINE_DATA",
        `npyDatasets: ${first.name} has ${first.length} rows and ${file.name} ${file.length}: row i of each is the same sample's.`,
      );
  return files;
}

interface Blocks {
  readonly columns: NpyColumns;
  readonly files: readonly NamedFile[];
  /** Rows of each file. */
  readonly count: number;
  readonly blockRows: number;
  readonly blocks: number;
}

async function* readBlocks(
  { columns, files, count, blockRows, blocks }: Blocks,
  pass: Pass,
  skip: number,
): AsyncGenerator<Dataset> {
  const { epoch, seed } = pass;
  const order = seed === undefined ? undefined : shuffledIndices(blocks, hashKey(seed, "npy blocks", epoch));
  const open: RandomAccess[] = [];
  try {
    for (const [, file] of files) open.push(await file.open());
    for (let i = skip; i < blocks; i++) {
      const block = order === undefined ? i : order[i]!;
      const [start, end] = [block * blockRows, Math.min(count, (block + 1) * blockRows)];
      const arrays = await Promise.all(files.map(([, file], at) => file.read(open[at]!, start, end)));
      const data = datasetOf(columns, files, arrays);
      if (seed === undefined) yield data;
      else yield data.select(shuffledIndices(end - start, hashKey(seed, "rows of an npy block", epoch, block)));
    }
  } finally {
    for (const access of open) await access.close();
  }
}

function datasetOf({ inputs }: NpyColumns, files: readonly NamedFile[], arrays: readonly NpyArray[]): Dataset {
  const byName = new Map<string, ColumnSource>(files.map(([name, { name: file }], at) => [name, columnOf(file, arrays[at]!)]));
  const names = inputs instanceof NpyFile ? undefined : Object.keys(inputs);
  const [targets, sampleWeights] = [byName.get("targets"), byName.get("sampleWeights")];
  return dataset({
    inputs:
      names === undefined
        ? byName.get("inputs")!
        : Object.fromEntries(names.map((name) => [name, byName.get(`inputs.${name}`)!])),
    ...(targets === undefined ? {} : { targets }),
    ...(sampleWeights === undefined ? {} : { sampleWeights }),
  });
}

/** Bytes stay bytes; all others are as ermine holds them. */
function columnOf(file: string, array: NpyArray): ColumnSource {
  if (array.dtype === "uint8") return { data: array.elements() as Uint8Array, shape: array.shape };
  try {
    const { data, shape, dtype } = array.toHostTensor();
    return { data, shape: shape as readonly number[], dtype };
  } catch (error) {
    throw error instanceof ErmineError ? error.at(file) : error;
  }
}
