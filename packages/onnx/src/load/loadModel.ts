/** From the bytes of an ONNX file to a module that trains. */
import { checkArguments } from "@ermine/core/define";
import { definitionFinder } from "./definitions.js";
import type { ImportedModel } from "./importedModel.js";
import { checkLoadOptions, importModel, type LoadModelOptions } from "./importModel.js";
import { allOperators } from "./operators/index.js";
import type { ExternalData } from "./externalData.js";

/**
 * The model that an ONNX file says, as a module: it predicts, trains, compiles and is saved again, whoever wrote it.
 *
 * Float constants of the file are its parameters under their names; those that do not train (one element, running statistics) are buffers. Integers and what says
 * shapes are constants. Outputs are a tensor, or an object by name. int64 is int32 in ermine: elements beyond it are refused where they are computed with. float16, bfloat16 and
 * float64 become float32.
 *
 * @param bytes the file, of operator set 7 … 27
 * @returns the module
 * @throws ErmineError ERMINE_DATA for bytes that are no ONNX file, or one that contradicts itself; ERMINE_UNSUPPORTED that lists all operators that ermine
 * does not have, with the nodes that use them; ERMINE_OPTION for a wrong option
 * @example
 * const bytes = await saveModel(model, { sample: x });
 * const loaded = loadModel(bytes);
 * loaded.inputs().map(({ name }) => name); // => ["input"]
 */
export function loadModel(bytes: Uint8Array, options: LoadModelOptions = {}): ImportedModel {
  if (arguments.length > 2) checkArguments("loadModel", arguments, 2);
  checkLoadOptions(options);
  return loadModelWith(bytes, options);
}

/** @internal As `loadModel`, its constants' elements out of other files by `external`. */
export const loadModelWith = (bytes: Uint8Array, options: LoadModelOptions, external?: ExternalData): ImportedModel =>
  importModel(bytes, options, {
    operators: allOperators,
    definitionsOf: definitionFinder,
    ...(external === undefined ? {} : { external }),
  });
