/** From the bytes of an ONNX file to a module. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions } from "@ermine/core/define";
import { decode } from "../proto/codec.js";
import type { GraphProto, ModelProto } from "../proto/schema.js";
import { differentiableNames, staticNames, weightLayouts } from "./analysis.js";
import { ImportedModel, modelValue, type ModelValue, type Weight } from "./importedModel.js";
import { allOperators } from "./operators/index.js";
import { isRoutine, opsetsOf, Planner, type PlannedNode } from "./plan.js";
import { Registry } from "./registry.js";
import { dtypeOf, externalData, readTensor, type ExternalData } from "./tensors.js";
import { countOf, type HostArray } from "./value.js";

/** The options of `loadModel`. */
export interface LoadModelOptions {
  /**
   * Which float constants of the file training changes, by their names. Default: those of more than one element from which a gradient reaches an output, without the
   * running statistics of batch normalization.
   */
  readonly trainable?: (name: string) => boolean;
  /**
   * "graph": batch normalization and dropout are what the file says, in `train()` too: an evaluation's. "live": in `train()` batch normalization
   * measures the batch and moves its running statistics, and dropout drops, as in the layers that they were. Default "graph".
   */
  readonly layers?: "graph" | "live";
  /** How many bytes a tensor may have that an operator makes of sizes in the file. Default 2²⁸, 256 MB. */
  readonly maxConstantBytes?: number;
  /** The contents of files next to the model's in which the elements of constants are, by the names that it has for them. Default: none. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
}

const optionKinds = { trainable: "function", layers: "string", maxConstantBytes: "number", externalData: "object" } as const;

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
  return loadModelWith(bytes, options, options.externalData === undefined ? undefined : externalOf(options.externalData));
}

/** @internal */
export const checkLoadOptions = (options: LoadModelOptions): void => checkOptions("loadModel", options, optionKinds, "bytes");

/** @internal As `loadModel`, its constants' elements out of other files by `external`. */
export function loadModelWith(bytes: Uint8Array, options: LoadModelOptions, external: ExternalData | undefined): ImportedModel {
  if (!(bytes instanceof Uint8Array))
    throw new ErmineError(
      "ERMINE_USAGE",
      "loadModel takes the bytes of a file: loadModel(await readFile(path)), or loadModelFile of @ermine/onnx/node.",
    );
  const { layers = "graph", maxConstantBytes = 2 ** 28 } = options;
  if (layers !== "graph" && layers !== "live")
    throw new ErmineError("ERMINE_OPTION", `loadModel: layers is "graph" or "live", got ${JSON.stringify(layers)}.`);
  if (!(maxConstantBytes >= 0))
    throw new ErmineError("ERMINE_OPTION", `loadModel: maxConstantBytes is a number ≥ 0, got ${maxConstantBytes}.`);
  return modelOf(decode("ModelProto", bytes), options, { isLive: layers === "live", maxConstantBytes, external });
}

interface Loading {
  readonly isLive: boolean;
  readonly maxConstantBytes: number;
  readonly external: ExternalData | undefined;
}

function modelOf(proto: ModelProto, options: LoadModelOptions, { external, ...rest }: Loading): ImportedModel {
  const { graph } = proto;
  if (graph === undefined) throw new ErmineError("ERMINE_DATA", "The file has no graph: it is no ONNX model.");
  if ((graph.sparseInitializer ?? []).length > 0)
    throw new ErmineError("ERMINE_UNSUPPORTED", "The file has sparse constants, which ermine does not have.");
  const opsets = opsetsOf(proto.opsetImport ?? []);
  if (!opsets.has("")) throw new ErmineError("ERMINE_DATA", "The file does not say which of ONNX's operator sets it uses.");
  const tensors = initializersOf(graph, external);
  const inputs = (graph.input ?? []).filter(({ name }) => !tensors.has(name ?? "")).map(modelValue);
  const planner = new Planner(new Registry(allOperators), proto.functions ?? [], external);
  const names = new Set([...tensors.keys(), ...inputs.map(({ name }) => name)]);
  if (names.size !== tensors.size + inputs.length) throw new ErmineError("ERMINE_DATA", "Two inputs of the file have one name.");
  const nodes = planner.graph(graph, opsets, names);
  planner.check();
  for (const { name, type } of inputs) dtypeOf(numberOf(graph, name), `The input ${JSON.stringify(name)} (${type})`);
  const outputs = (graph.output ?? []).map((output): ModelValue => ({ ...modelValue(output), isStatic: false }));
  if (outputs.length === 0) throw new ErmineError("ERMINE_DATA", "The graph has no outputs.");
  const statics = staticNames(nodes);
  const { constants, weights } = sorted(tensors, { nodes, outputs, statics, trainable: options.trainable });
  const declared = inputs.map((input): ModelValue => ({ ...input, isStatic: statics.has(input.name) }));
  return new ImportedModel({ proto, nodes, inputs: declared, outputs, constants, weights, ...rest });
}

const numberOf = (graph: GraphProto, name: string): number =>
  graph.input!.find((input) => (input.name ?? "") === name)!.type!.tensorType!.elemType ?? 0;

function initializersOf(graph: GraphProto, external: ExternalData | undefined): ReadonlyMap<string, HostArray> {
  const tensors = new Map<string, HostArray>();
  for (const tensor of graph.initializer ?? []) {
    const name = tensor.name ?? "";
    if (tensors.has(name)) throw new ErmineError("ERMINE_DATA", `The file has the constant ${JSON.stringify(name)} twice.`);
    tensors.set(name, readTensor(tensor, `The constant ${JSON.stringify(name)}`, external));
  }
  return tensors;
}

/** Files by name. */
const externalOf = (files: Readonly<Record<string, Uint8Array>>): ExternalData =>
  externalData((location, what) => {
    const bytes = Object.hasOwn(files, location) ? files[location] : undefined;
    if (!(bytes instanceof Uint8Array)) {
      throw new ErmineError(
        "ERMINE_DATA",
        `${what} has its elements in ${JSON.stringify(location)}, which externalData does not have: it has ${Object.keys(files).join(", ") || "nothing"}.`,
      );
    }
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
  });

interface Context {
  readonly nodes: readonly PlannedNode[];
  readonly outputs: readonly ModelValue[];
  readonly statics: ReadonlySet<string>;
  readonly trainable: ((name: string) => boolean) | undefined;
}

/** Which tensors of the file are constants, and which parameters and buffers. */
function sorted(
  tensors: ReadonlyMap<string, HostArray>,
  { nodes, outputs, statics, trainable }: Context,
): { readonly constants: ReadonlyMap<string, HostArray>; readonly weights: readonly Weight[] } {
  const reached = differentiableNames(
    nodes,
    outputs.filter(({ type }) => ["float32", "float16", "bfloat16", "float64"].includes(type)).map(({ name }) => name),
  );
  const running = runningStatistics(nodes);
  const layouts = weightLayouts(nodes);
  const constants = new Map<string, HostArray>();
  const weights: Weight[] = [];
  for (const [name, host] of tensors) {
    if (host.dtype !== "float32" || statics.has(name)) {
      constants.set(name, host);
      continue;
    }
    const isUsual = countOf(host.shape) > 1 && reached.has(name) && !running.has(name);
    const isTrained = trainable === undefined ? isUsual : trainable(name);
    if (typeof isTrained !== "boolean")
      throw new ErmineError(
        "ERMINE_OPTION",
        `loadModel: trainable says true or false of a name, got ${String(isTrained)} of ${JSON.stringify(name)}.`,
      );
    weights.push({
      name,
      host,
      kind: isUsual || isTrained ? "parameter" : "buffer",
      trainable: isTrained,
      layout: layouts.get(name),
    });
  }
  return { constants, weights };
}

/** The names of running means and variances. */
function runningStatistics(nodes: readonly PlannedNode[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { runs, inputs } of nodes)
    if (!isRoutine(runs) && runs.running !== undefined)
      for (const at of runs.running) if (inputs[at] !== undefined) names.add(inputs[at]);
  return names;
}
