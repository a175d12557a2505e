/** A model that predicts. */
import { compile, currentBackend, ErmineError, tensor, Tensor, withBackend, type Compiled, type TypedArray } from "@ermine/core";
import type { Backend } from "@ermine/core/backend";
import { checkArguments } from "@ermine/core/define";
import type { GivenInput, ImportedModel, ModelValue } from "@ermine/onnx";
import { classesOf, meaningsOf, parsed, probabilitiesOf, type Classes, type Meanings } from "./outputs.js";
import { hostValues, rowsOf, type HostValues } from "./values.js";

/** A sample as raw values by column, before preprocessing. */
export type RawRow = Readonly<Record<string, string | number | boolean | Date | null>>;

/** What makes inputs of rows: what `tablePreprocessingFrom` of `@ermine/preprocessing` gives. */
export interface Preprocessing {
  /** The inputs by their names, of rows. */
  applyRows(
    rows: readonly never[],
  ): Readonly<Record<string, { readonly data: ArrayLike<number>; readonly shape: readonly number[] }>>;
}

/** The values of an input, a sample after the other: a tensor, nested lists, a typed array (flat where the file says the other sizes), or one with its shape. */
export type GivenValues =
  | Tensor
  | number
  | boolean
  | readonly GivenValues[]
  | TypedArray
  | Float64Array
  | BigInt64Array
  | {
      /** The elements, row by row. */
      readonly data: TypedArray | Float64Array | BigInt64Array;
      /** The size of each axis. */
      readonly shape: readonly number[];
    };

/** What `predict` takes: of a model of one input its values, else those of each by its name; or rows, where the file keeps the preprocessing. */
export type GivenInputs = GivenValues | Readonly<Record<string, GivenValues>> | readonly RawRow[];

/** An output of a prediction. */
export interface OutputPrediction {
  /** The elements, row by row, as the file declares them: int64 as BigInt64Array. */
  readonly data: TypedArray | BigInt64Array;
  /** The size of each axis; samples along the first. */
  readonly shape: readonly number[];
  /** As `data`, where the file names a link; else undefined. */
  readonly probabilities: Float32Array | undefined;
  /** The name of each sample's class, or, where the link is "sigmoid", the names of all of them; undefined where the file names none, or the output has other axes. */
  readonly classes: Classes | undefined;
}

/** The outputs by their names in the file. */
export type Prediction = Readonly<Record<string, OutputPrediction>>;

interface Settings {
  readonly backend: Backend | undefined;
  readonly batchSize: number;
  readonly int64: "bigint" | "number";
  readonly preprocessing: ((json: never) => Preprocessing) | undefined;
}

type Program = Compiled<readonly GivenInput[], Tensor | Record<string, Tensor>>;

/** How samples stand in inputs and outputs. */
type Batching =
  /** As many as there are, at most `batchSize` at once. */
  | { readonly kind: "open" }
  /** So many at once. */
  | { readonly kind: "fixed"; readonly size: number }
  /** Not along the first axis of everything: all at once. */
  | { readonly kind: "none" };

/** A model out of a file, compiled to predict. `loadPredictor` makes it. */
export class Predictor {
  /** What the model takes. */
  readonly inputs: readonly ModelValue[];
  /** What it gives. */
  readonly outputs: readonly ModelValue[];
  /** All that the file says of itself: its `metadata_props`. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #model: ImportedModel;
  readonly #settings: Settings;
  readonly #meanings: Meanings;
  readonly #batching: Batching;
  readonly #preprocessing: Preprocessing | undefined;
  #program: Program | undefined;
  /** Does one program serve every batch size? */
  #isSymbolic: boolean;
  #isDisposed = false;

  /** @internal */
  constructor(model: ImportedModel, settings: Settings) {
    this.#model = model;
    this.#settings = settings;
    this.inputs = model.inputs();
    this.outputs = model.outputs();
    this.metadata = model.metadata();
    this.#meanings = meaningsOf(this.metadata);
    this.#batching = batchingOf(this.inputs, this.outputs);
    this.#isSymbolic = this.#batching.kind === "open";
    const json = parsed(this.metadata, "ermine.preprocessing");
    this.#preprocessing = json === undefined ? undefined : settings.preprocessing?.(json as never);
  }

  /** The classes' names of each output that has some. */
  get classes(): ReadonlyMap<string, readonly string[]> {
    return this.#meanings.classes;
  }

  /**
   * The outputs for a batch of any size. Calls may run at the same time.
   *
   * @throws ErmineError ERMINE_USAGE for inputs that are missing or that there are not, or after `dispose()`; ERMINE_SHAPE and ERMINE_DTYPE where one does not fit; what the
   * preprocessing throws
   */
  async predict(given: GivenInputs): Promise<Prediction> {
    if (arguments.length > 1) checkArguments("predictor.predict", arguments, 1);
    this.#checkAlive();
    const values = await this.#valuesOf(given);
    this.#checkAlive();
    const samples = this.#batching.kind === "none" ? 1 : samplesOf(this.inputs, values);
    const size = this.#batching.kind === "fixed" ? this.#batching.size : this.#settings.batchSize;
    if (this.#batching.kind === "none" || (this.#batching.kind === "open" && samples <= size))
      return this.#meant(await this.#run(values));
    if (samples === 0) throw new ErmineError("ERMINE_SHAPE", `There are no samples, and the file takes ${size} at once.`);
    const parts: HostOutputs[] = [];
    for (let from = 0; from < samples; from += size) {
      const count = this.#batching.kind === "fixed" ? size : Math.min(size, samples - from);
      const part = await this.#run(values.map((value, i) => (this.inputs[i]!.isStatic ? value : rowsOf(value, from, count))));
      parts.push(part.map((output) => rowsOf(output, 0, Math.min(size, samples - from))));
      this.#checkAlive();
    }
    return this.#meant(joined(parts));
  }

  /** Frees the compiled program. A later `predict` is an error. */
  dispose(): void {
    this.#isDisposed = true;
    this.#program?.dispose();
    this.#program = undefined;
  }

  #checkAlive(): void {
    if (this.#isDisposed) throw new ErmineError("ERMINE_RELEASED", "This predictor was disposed of: load it again.");
  }

  async #valuesOf(given: GivenInputs): Promise<readonly HostValues[]> {
    const byName = this.#byName(given);
    return Promise.all(this.inputs.map((input) => hostValues(input, byName[input.name])));
  }

  #byName(given: GivenInputs): Readonly<Record<string, unknown>> {
    const names = this.inputs.map(({ name }) => name);
    if (isRows(given)) return this.#preprocessed(given);
    if (isRecord(given) && !("data" in given && "shape" in given && !names.includes("data"))) {
      const missing = names.find((name) => !Object.hasOwn(given, name));
      const foreign = Object.keys(given).find((name) => !names.includes(name));
      if (missing !== undefined || foreign !== undefined) {
        throw new ErmineError(
          "ERMINE_USAGE",
          `The model's inputs are ${names.join(", ")}; ${missing === undefined ? `there is no ${JSON.stringify(foreign)}` : `${JSON.stringify(missing)} is missing`}.`,
        );
      }
      return given;
    }
    if (names.length !== 1)
      throw new ErmineError("ERMINE_USAGE", `The model has ${names.length} inputs: predict({ ${names.join(": …, ")}: … }).`);
    return Object.fromEntries([[names[0]!, given]]);
  }

  #preprocessed(rows: readonly RawRow[]): Readonly<Record<string, unknown>> {
    if (this.#preprocessing !== undefined) return this.#preprocessing.applyRows(rows as readonly never[]);
    throw new ErmineError(
      "ERMINE_USAGE",
      this.metadata.has("ermine.preprocessing")
        ? "Rows of raw values need the preprocessing that the file keeps: loadPredictor(source, { preprocessing: tablePreprocessingFrom }), from @ermine/preprocessing."
        : "The file keeps no preprocessing, so rows of raw values cannot be taken: give arrays of numbers.",
    );
  }

  async #run(values: readonly HostValues[]): Promise<HostOutputs> {
    const backend = this.#settings.backend ?? currentBackend();
    const given = values.map(({ data, shape, dtype }, i): GivenInput =>
      this.inputs[i]!.isStatic ? shaped(data, shape) : tensor(data, { shape, dtype }),
    );
    const result = withBackend(backend, () => this.#call(backend, given));
    const tensors = result instanceof Tensor ? [result] : this.outputs.map(({ name }) => result[name]!);
    try {
      return await Promise.all(
        tensors.map(async (t) => ({
          data: await t.data(),
          shape: t.shape as readonly number[],
          dtype: t.dtype as HostValues["dtype"],
        })),
      );
    } finally {
      for (const t of [...new Set(tensors)]) t.dispose();
    }
  }

  #call(backend: Backend, given: readonly GivenInput[]): Tensor | Record<string, Tensor> {
    this.#program ??= this.#compiled(backend);
    if (!this.#isSymbolic) return this.#program(...given);
    try {
      return this.#program(...given);
    } catch (error) {
      if (!(error instanceof ErmineError)) throw error;
      // Some models ask for sizes that must be known: then a program for each batch size.
      this.#isSymbolic = false;
      this.#program.dispose();
      this.#program = this.#compiled(backend);
      return this.#program(...given);
    }
  }

  #compiled(backend: Backend): Program {
    const run = (...given: readonly GivenInput[]): Tensor | Record<string, Tensor> => this.#model.forward(...given);
    return compile(run, { backend, symbolicBatch: this.#isSymbolic, name: this.#model.describe() });
  }

  #meant(values: HostOutputs): Prediction {
    return Object.fromEntries(
      this.outputs.map(({ name, type }, i) => {
        const { data, shape } = values[i]!;
        const [link, names] = [this.#meanings.links.get(name), this.#meanings.classes.get(name)];
        const probabilities = link === undefined ? undefined : probabilitiesOf(data, shape, link);
        const classes = names === undefined ? undefined : classesOf(probabilities ?? data, shape, names, link);
        const isBig = type === "int64" && this.#settings.int64 === "bigint";
        const declared = isBig ? BigInt64Array.from(data as Int32Array, BigInt) : data;
        return [name, { data: declared, shape, probabilities, classes }];
      }),
    );
  }
}

type HostOutputs = readonly HostValues[];

/** Numbers of an input that says sizes, as nested lists. */
function shaped(data: TypedArray, shape: readonly number[]): GivenInput {
  if (shape.length === 0) return data[0]!;
  if (shape.length === 1) return Array.from(data);
  const row = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) => shaped(data.subarray(i * row, (i + 1) * row), shape.slice(1))) as GivenInput;
}

const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  given !== null &&
  typeof given === "object" &&
  !Array.isArray(given) &&
  !ArrayBuffer.isView(given) &&
  !(given instanceof Tensor);

const isRows = (given: unknown): given is readonly RawRow[] =>
  Array.isArray(given) && given.length > 0 && isRecord(given[0]) && !("data" in given[0]);

function batchingOf(inputs: readonly ModelValue[], outputs: readonly ModelValue[]): Batching {
  const first = [...inputs.filter(({ isStatic }) => !isStatic), ...outputs].map(({ shape }) => shape?.[0]);
  const [size] = first;
  if (first.length > outputs.length && typeof size === "number" && size > 0 && first.every((other) => other === size))
    return { kind: "fixed", size };
  return first.length > outputs.length && typeof size === "string" && first.every((other) => other === size)
    ? { kind: "open" }
    : { kind: "none" };
}

/** How many samples the inputs have. @throws ErmineError ERMINE_SHAPE where they have different numbers of them */
function samplesOf(inputs: readonly ModelValue[], values: readonly HostValues[]): number {
  const counts = values.flatMap(({ shape }, i) => (inputs[i]!.isStatic ? [] : [shape[0] ?? 1]));
  if (counts.every((count) => count === counts[0])) return counts[0]!;
  const said = inputs.map(({ name }, i) => `${name} [${values[i]!.shape.join(", ")}]`).join(", ");
  throw new ErmineError("ERMINE_SHAPE", `The inputs have different numbers of samples: ${said}.`);
}

/** The parts' samples one after the other. */
function joined(parts: readonly HostOutputs[]): HostOutputs {
  return parts[0]!.map((first, i) => {
    const pieces = parts.map((part) => part[i]!);
    const data = new (first.data.constructor as new (length: number) => TypedArray)(
      pieces.reduce((sum, piece) => sum + piece.data.length, 0),
    );
    let at = 0;
    for (const piece of pieces) {
      data.set(piece.data, at);
      at += piece.data.length;
    }
    return { data, shape: [pieces.reduce((sum, { shape }) => sum + shape[0]!, 0), ...first.shape.slice(1)], dtype: first.dtype };
  });
}
