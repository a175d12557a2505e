/** From the bytes of an ONNX file to a module. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkDefinition, checkOptions, requireOptions } from "@ermine/core/define";
import { decode } from "../proto/codec.js";
import type { FunctionProto, GraphProto, ModelProto } from "../proto/messages.js";
import { differentiableNames, staticNames, weightLayouts } from "./analysis.js";
import { externalOf, type ExternalData } from "./externalData.js";
import type { FindDefinition } from "./definition.js";
import { ImportedModel, modelValue, type ModelValue, type Weight } from "./importedModel.js";
import type { Entries } from "./operators/operator.js";
import { isRoutine, opsetsOf, Planner, type PlannedNode } from "./plan.js";
import { Registry } from "./registry.js";
import { dtypeOf, readTensor } from "./tensors.js";
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

/** @throws ErmineError ERMINE_OPTION for what `loadModel` has no option for */
export const checkLoadOptions = (options: LoadModelOptions): void => checkOptions("loadModel", options, optionKinds, "bytes");

/** The operators, functions and external data of an import. */
export interface ImportParts {
  /** The operators that it may be made of. */
  readonly operators: Entries;
  /** Which functions of a file are definitions of core's. Default: none, so that the bodies of all run. */
  readonly definitionsOf?: (functions: readonly FunctionProto[]) => FindDefinition;
  /** Where elements are that stand in other files. Default: those of `options.externalData`, or nowhere. */
  readonly external?: ExternalData;
}

/**
 * As `loadModel`, by operators that the program names: a bundle carries these alone, and nothing that saves a model. Functions of the file run their bodies, unless
 * `definitionsOf` says otherwise.
 *
 * @param bytes the file
 * @param options `loadModel`'s
 * @param parts what the model may be made of
 * @throws ErmineError what `loadModel` throws; ERMINE_UNSUPPORTED for operators that are not among those that are named
 * @example
 * const bytes = await saveModel(model, { sample: x });
 * importModel(bytes, {}, { operators: allOperators }).outputs().length; // => 1
 */
export function importModel(bytes: Uint8Array, options: LoadModelOptions, parts: ImportParts): ImportedModel {
  checkArguments("importModel", arguments, 3);
  requireOptions("importModel", options, optionKinds, "bytes");
  checkDefinition("importModel", parts, { operators: "list", definitionsOf: "function", external: "function" }, ["operators"]);
  if (!parts.operators.every((entry) => Array.isArray(entry) && typeof entry[0] === "string"))
    throw new ErmineError("ERMINE_OPTION", 'importModel: operators is a list of ["Name", operator], as allOperators is.');
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
  const external = parts.external ?? (options.externalData === undefined ? undefined : externalOf(options.externalData));
  return modelOf(decode("ModelProto", bytes), options, { ...parts, isLive: layers === "live", maxConstantBytes, external });
}

interface Loading extends Omit<ImportParts, "external"> {
  readonly isLive: boolean;
  readonly maxConstantBytes: number;
  readonly external: ExternalData | undefined;
}

function modelOf(proto: ModelProto, options: LoadModelOptions, loading: Loading): ImportedModel {
  const { operators, definitionsOf, external, isLive, maxConstantBytes } = loading;
  const { graph } = proto;
  if (graph === undefined) throw new ErmineError("ERMINE_DATA", "The file has no graph: it is no ONNX model.");
  if ((graph.sparseInitializer ?? []).length > 0)
    throw new ErmineError("ERMINE_UNSUPPORTED", "The file has sparse constants, which ermine does not have.");
  const opsets = opsetsOf(proto.opsetImport ?? []);
  if (!opsets.has("")) throw new ErmineError("ERMINE_DATA", "The file does not say which of ONNX's operator sets it uses.");
  const tensors = initializersOf(graph, external);
  const inputs = (graph.input ?? []).filter(({ name }) => !tensors.has(name ?? "")).map(modelValue);
  const planner = new Planner({
    registry: new Registry(operators),
    functions: proto.functions ?? [],
    external,
    findDefinition: definitionsOf?.(proto.functions ?? []) ?? (() => undefined),
  });
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
  return new ImportedModel({ proto, nodes, inputs: declared, outputs, constants, weights, isLive, maxConstantBytes });
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
