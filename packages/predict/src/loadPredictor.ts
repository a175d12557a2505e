/** From a file, an address or bytes to a predictor. */
import { ErmineError } from "@ermine/core";
import { checkBackend, type Backend } from "@ermine/core/backend";
import { checkArguments, checkOptions } from "@ermine/core/define";
import { allOperators, importModel } from "@ermine/onnx/operators";
import { readSource, type PredictorSource } from "./source.js";
import { Predictor, type Preprocessing } from "./predictor.js";

export type { PredictorSource } from "./source.js";

/** The options of `loadPredictor`. */
export interface LoadPredictorOptions {
  /** Where predictions are computed. Default: the backend in use. */
  readonly backend?: Backend;
  /** How many samples are computed at once; a larger batch is cut into parts. Default 256. */
  readonly batchSize?: number;
  /** What int64 outputs are given as: "bigint", a BigInt64Array as the file declares them, or "number", an Int32Array. Default "bigint". */
  readonly int64?: "bigint" | "number";
  /**
   * Reads the preprocessing that the file keeps, so that `predict` takes rows of raw values: `tablePreprocessingFrom` of `@ermine/preprocessing`. Default: rows are refused.
   */
  readonly preprocessing?: (json: never) => Preprocessing;
  /** How many bytes a tensor may have that an operator makes of sizes in the file. Default 2²⁸, 256 MB. */
  readonly maxConstantBytes?: number;
  /** The contents of files next to the model's, by the names that it has for them. Default: none. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
}

const optionKinds = {
  backend: "any",
  batchSize: "integer",
  int64: "string",
  preprocessing: "function",
  maxConstantBytes: "number",
  externalData: "object",
} as const;

/**
 * A model out of its ONNX file, ready to predict: no loss, no optimizer, no gradients.
 *
 * The graph is compiled when it is first called, once for all batch sizes. What the file says of its outputs, link, class names and preprocessing, is applied: what `saveModel` of
 * `@ermine/onnx` has put there.
 *
 * @param source bytes; an address (http, https, data, blob), which is fetched; in Node also a path
 * @returns the predictor; `dispose()` frees its memory
 * @throws ErmineError what `loadModel` of `@ermine/onnx` throws; ERMINE_FILE where the source cannot be read; ERMINE_OPTION for a wrong option
 * @example
 * const predictor = await loadPredictor(await saveModel(model, { sample: x }));
 * predictor.inputs.map(({ name }) => name); // => ["input"]
 */
export async function loadPredictor(source: PredictorSource, options: LoadPredictorOptions = {}): Promise<Predictor> {
  checkArguments("loadPredictor", arguments, 2);
  checkOptions("loadPredictor", options, optionKinds, "source");
  if (options.backend !== undefined) checkBackend("loadPredictor(source, { backend })", options.backend);
  const { batchSize = 256, int64 = "bigint" } = options;
  if (!(batchSize >= 1))
    throw new ErmineError("ERMINE_OPTION", `loadPredictor: batchSize is a whole number ≥ 1, got ${batchSize}.`);
  if (int64 !== "bigint" && int64 !== "number")
    throw new ErmineError("ERMINE_OPTION", `loadPredictor: int64 is "bigint" or "number", got ${JSON.stringify(int64)}.`);
  const bytes = await readSource(source);
  const { maxConstantBytes, externalData } = options;
  const limits = {
    ...(maxConstantBytes === undefined ? {} : { maxConstantBytes }),
    ...(externalData === undefined ? {} : { externalData }),
  };
  const model = importModel(bytes, { trainable: () => false, ...limits }, { operators: allOperators }).eval();
  return new Predictor(model, { backend: options.backend, batchSize, int64, preprocessing: options.preprocessing });
}
