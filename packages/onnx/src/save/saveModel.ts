/** A model as an ONNX file: its evaluation, traced, as a graph of operators. */
import { checkArguments } from "@ermine/core/define";
import { Dim, ErmineError, mapTree, Tensor, withRandom, type Shape, type Tree, type TypedArray } from "@ermine/core";
import {
  type ConstantNode,
  type Graph,
  type Node,
  type Storage,
  graphModule,
  traceEntry,
  type Trace,
} from "@ermine/core/backend";
import { Module } from "@ermine/core/nn";
import { ImportedModel } from "../load/importedModel.js";
import { elementTypeOf, elementTypes, storedElements, tensorProto } from "../elements.js";
import { encode } from "../proto/codec.js";
import type { ModelProto, TypeProto, ValueInfoProto } from "../proto/messages.js";
import { GraphBuilder } from "./builder.js";
import { functionDomain } from "./functions.js";
import {
  checkResaveOptions,
  checkSaveOptions,
  irVersions,
  metadataOf,
  type DeclaredInput,
  type ResaveOptions,
  type SaveOptions,
} from "./options.js";
import { GraphWriter } from "./writeGraph.js";

declare const __ERMINE_VERSION__: string | undefined;
const version = typeof __ERMINE_VERSION__ === "undefined" ? "built from source" : __ERMINE_VERSION__;

/** What the draws of a trace are fed with: a graph that depends on it is refused. */
const counters = "random counters";

/**
 * The model's evaluation as the bytes of an ONNX file, which onnxruntime and other runtimes of the standard run, in any batch size.
 *
 * Parameters keep their names of `stateDict()`, and are part of the file. What ONNX has an operator for is that operator; everything else, activations, losses and ops
 * of your own too, is a function of the file (domain `ermine`), whose body is what the definition decomposes to. The model is traced as in `eval()`, and left in the
 * mode that it is in; what evaluation writes to variables is left out.
 *
 * Outputs are named by their place in what `forward` gives: "output" for a single tensor, "output_0", … for a list, keys of an object.
 *
 * A model that `loadModel` gave needs no sample: without one it is written as its file has it, operators, names and types, with its weights as they are now.
 *
 * @param model any Module
 * @param options what it takes (`sample`), and what the file says of it
 * @returns the file: what `saveModelFile` of `@ermine/onnx/node` writes
 * @throws ErmineError ERMINE_UNSUPPORTED for a model that draws random numbers in evaluation, or whose batch norm keeps no running statistics; ERMINE_OPTION for a wrong
 * option; ERMINE_USAGE where forward gives no tensor; what forward throws
 * @example
 * const bytes = await saveModel(model, { sample: x, classes: ["cat", "dog", "fish"], link: "softmax" });
 */
export async function saveModel(model: ImportedModel, options?: ResaveOptions): Promise<Uint8Array>;
export async function saveModel(model: Module, options: SaveOptions): Promise<Uint8Array>;
export async function saveModel(model: Module, options: SaveOptions | ResaveOptions = {}): Promise<Uint8Array> {
  if (arguments.length > 2) checkArguments("saveModel", arguments, 2);
  if (!(model instanceof Module))
    throw new ErmineError(
      "ERMINE_USAGE",
      "saveModel takes a Module: wrap a function in a class that extends Module and has a forward.",
    );
  if (model instanceof ImportedModel && !("sample" in options)) return resaved(model, options);
  return traceModel(model, options as SaveOptions);
}

/** The file that the model came from, with its weights as they are now. */
function resaved(model: ImportedModel, options: ResaveOptions): Promise<Uint8Array> {
  checkResaveOptions(options);
  const channels = model
    .outputs()
    .map(({ name, shape }) => ({ name, channels: typeof shape?.[1] === "number" ? shape[1] : undefined }));
  const entries = new Map(model.metadata());
  for (const [key, value] of metadataOf(options, channels, version)) if (key !== "ermine.version") entries.set(key, value);
  return model.toBytes((proto) => ({
    ...proto,
    graph: options.name === undefined ? proto.graph! : { ...proto.graph!, name: options.name },
    ...(entries.size === 0
      ? {}
      : { metadataProps: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, value })) }),
  }));
}

async function traceModel(model: Module, options: SaveOptions): Promise<Uint8Array> {
  const inputs = checkSaveOptions(options);
  const { opset = 18 } = options;
  const { graph, outputNames } = traced(model, inputs, options.batchAxis === undefined ? 0 : options.batchAxis);
  const names = new Map<object, string>(model.namedVariables().map(([name, variable]) => [variable, name]));
  const parameters = await variableElements(graph, names);
  const constants = await storedConstants(graph);

  const builder = new GraphBuilder(opset, false);
  const writer = new GraphWriter(opset, (node) => elementsOf(node, constants));
  for (const { name } of inputs) builder.name(name);
  for (const { name } of parameters.values()) builder.name(name);
  for (const name of new Set(outputNames)) builder.name(name);

  const given = new Map<Node, string>();
  const declared = graph.feeds.flatMap((feed) => {
    const input = inputs.find(({ name }) => name === feed.name);
    if (input === undefined) return [];
    const { shape, dtype } = feed.outputs[0]!.type;
    builder.input({ name: input.name, shape, dtype });
    const isCast = input.type !== dtype;
    given.set(feed, isCast ? builder.node("Cast", [input.name], { to: BigInt(elementTypeOf(dtype)) }) : input.name);
    return [valueInfo(input.name, shape, elementTypes[input.type])];
  });
  for (const [node, { name, data }] of parameters) {
    const { shape, dtype } = node.outputs[0]!.type;
    builder.initializers.push({ ...tensorProto(data, shape as readonly number[], dtype), name });
    given.set(node, name);
  }
  const results = writer.write(builder, graph, given);
  nameOutputs(builder, results, outputNames, new Set(given.values()));

  const outputs = outputNames.map((name, i) => ({ name, type: graph.outputs[i]!.type }));
  const channels = outputs.map(({ name, type: { shape } }) => {
    const size = shape.length < 2 ? undefined : shape[1];
    return { name, channels: typeof size === "number" ? size : undefined };
  });
  const file: ModelProto = {
    irVersion: irVersions.get(opset)!,
    producerName: "ermine",
    producerVersion: version,
    graph: {
      node: builder.nodes,
      name: options.name ?? model.describe(),
      initializer: builder.initializers,
      input: declared,
      output: outputs.map(({ name, type }) => valueInfo(name, type.shape, elementTypeOf(type.dtype))),
    },
    opsetImport: [
      { version: BigInt(opset) },
      ...(writer.functions.protos.length === 0 ? [] : [{ domain: functionDomain, version: 1n }]),
    ],
    metadataProps: metadataOf(options, channels, version).map(([key, value]) => ({ key, value })),
    functions: writer.functions.protos,
  };
  return encode("ModelProto", file);
}

/** The evaluation's graph, and its outputs' names. The model's modes are as they were afterwards. */
function traced(
  model: Module,
  inputs: readonly DeclaredInput[],
  batchAxis: number | null,
): { readonly graph: Graph; readonly outputNames: readonly string[] } {
  const modes = model.namedModules().map(([, module]) => [module, module.training] as const);
  const outputNames: string[] = [];
  const batch = batchAxis === null ? undefined : inputs[0]!.sample.shape[batchAxis];
  if (batchAxis !== null && batch === undefined) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `saveModel: batchAxis ${batchAxis} is no axis of the sample [${inputs[0]!.sample.shape.join(", ")}]. null keeps the sample's sizes.`,
    );
  }
  const feed = (trace: Trace, { name, sample: { shape, dtype, domain } }: DeclaredInput): Tensor => {
    const open = shape.map((size, axis) => (axis === batchAxis && size === batch ? Dim.symbol("N") : size));
    return trace.feed(name, { shape: open, dtype, domain });
  };
  try {
    model.eval();
    const forward = model.forward as (...tensors: readonly Tensor[]) => unknown;
    const { graph } = traceEntry("saveModel", (trace) => {
      const tensors = inputs.map((input) => feed(trace, input));
      const drawn = trace.feed(counters, { shape: [3], dtype: "int32", domain: "real" });
      const result = withRandom({ seed: 0, counters: drawn }, () => forward.apply(model, tensors));
      outputNames.length = 0;
      const results: Tensor[] = [];
      mapTree(result as Tree<unknown>, (leaf, path) => {
        if (!(leaf instanceof Tensor)) return;
        results.push(leaf);
        outputNames.push(path === "" ? "output" : /^\d/.test(path) ? `output_${path}` : path);
      });
      return results;
    });
    if (graph.outputs.length === 0)
      throw new ErmineError(
        "ERMINE_USAGE",
        "saveModel: the model's forward gives no tensor: return one, a list or an object of them.",
      );
    return { graph, outputNames: distinct(outputNames, new Set(inputs.map(({ name }) => name))) };
  } finally {
    for (const [module, training] of modes) if (module.training !== training) module.training = training;
  }
}

/** The names, a taken one with a number. */
function distinct(names: readonly string[], taken: Set<string>): readonly string[] {
  return names.map((wanted) => {
    let name = wanted;
    for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  });
}

interface Named {
  readonly name: string;
  readonly data: TypedArray;
}

/** The variables that the graph reads: their names in the file, and their elements. */
async function variableElements(graph: Graph, names: ReadonlyMap<object, string>): Promise<ReadonlyMap<Node, Named>> {
  const { variables } = graphModule({ graph });
  const taken = new Set(names.values());
  const entries = new Map<object, Named>();
  for (const variable of variables) {
    const name = names.get(variable) ?? distinct([variable.name === "" ? "variable" : variable.name], taken)[0]!;
    entries.set(variable, { name, data: storedElements(await variable.data(), variable.type.dtype).slice() });
  }
  return new Map(graph.nodes.flatMap((node) => (node.kind === "variable" ? [[node, entries.get(node.variable)!] as const] : [])));
}

/** The elements of constants that are on a backend. */
async function storedConstants(graph: Graph): Promise<ReadonlyMap<Node, TypedArray>> {
  const stored = new Map<Node, TypedArray>();
  for (const node of graph.nodes) {
    if (node.kind === "constant" && node.data === undefined) stored.set(node, await homeOf(node).read(node.storage!));
  }
  return stored;
}

const homeOf = ({ owner }: ConstantNode) =>
  (
    owner as {
      readonly backend: {
        read(storage: Storage): Promise<TypedArray>;
        readSync?(storage: Storage): TypedArray;
        readonly name: string;
      };
    }
  ).backend;

function elementsOf(node: ConstantNode, stored: ReadonlyMap<Node, TypedArray>): TypedArray {
  const data = node.data ?? stored.get(node);
  if (data !== undefined) return data;
  const home = homeOf(node);
  if (home.readSync !== undefined) return home.readSync(node.storage!);
  throw new ErmineError(
    "ERMINE_BACKEND",
    `saveModel: a definition's decomposition uses a tensor of the backend "${home.name}", which answers later. Make it of host elements: tensor(…).`,
  );
}

/** Gives the results their names: the nodes that make them, or, of what is an input, a parameter or another result already, a copy. */
function nameOutputs(builder: GraphBuilder, results: readonly string[], names: readonly string[], given: Set<string>): void {
  const fixed = new Set([...given, ...names, ...builder.initializers.map(({ name }) => name!)]);
  const renamed = new Map<string, string>();
  results.forEach((result, i) => {
    const name = names[i]!;
    if (renamed.has(result) || fixed.has(result) || !builder.nodes.some(({ output }) => output!.includes(result)))
      builder.nodes.push({ input: [renamed.get(result) ?? result], output: [name], name, opType: "Identity", attribute: [] });
    else {
      builder.rename(result, name);
      renamed.set(result, name);
    }
  });
}

/** An input or output as the file declares it. */
const valueInfo = (name: string, shape: Shape, elemType: number): ValueInfoProto => ({ name, type: tensorType(shape, elemType) });

const tensorType = (shape: Shape, elemType: number): TypeProto => ({
  tensorType: {
    elemType,
    shape: { dim: shape.map((size) => (typeof size === "number" ? { dimValue: BigInt(size) } : { dimParam: String(size) })) },
  },
});
