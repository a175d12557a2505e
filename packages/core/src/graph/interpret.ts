/** An Executable for backends that have no compiler: the graph's nodes run one by one through the eager kernels. */
import { checkBackend } from "../dispatch/currentBackend.js";
import { checkCall } from "../ir/arguments.js";
import type { Backend, Executable, Feeds, KernelInput, PartTime, VariableStorage } from "../ir/contract.js";
import type { Storage } from "../types/storage.js";
import { StoredVariable } from "./storedVariable.js";
import { ErmineError } from "../types/errors.js";
import { concrete, type Bindings } from "../types/dim.js";
import { allocate, type DType, type TypedArray } from "../types/dtype.js";
import { bindFeeds, isFeedSource } from "./feeds.js";
import type { ConstantNode, FeedNode, Graph, GraphModule, Node, OpNode, Value } from "../ir/graph.js";
import { isConditional } from "../ir/conditional.js";
import { isLoop, type Held, type Interpreter } from "../ir/loop.js";
import { kernelName } from "../ir/kernels.js";
import { specialize } from "./passes.js";

/** Told how long a node took. */
type Timed = (node: OpNode, seconds: number) => void;

/**
 * Runs `module` (lowered for `backend` already) by interpretation. Commit conditions become selections on the backend.
 *
 * @param places of the module's variables: `StoredVariable`s
 * @throws ErmineError ERMINE_BACKEND where a place is of another kind, ERMINE_USAGE where there is not one for each variable
 */
export function interpret(backend: Backend, module: GraphModule, places: readonly VariableStorage[]): Executable {
  checkCall("interpret(backend, module, places)", arguments);
  checkBackend("interpret(backend, module, places)", backend);
  if (places.length !== module.variables.length) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `interpret has ${places.length} places, and the module has ${module.variables.length} variables: one for each, in their order.`,
    );
  }
  const variables = places.map(stored);
  const index = new Map(module.variables.map((variable, i) => [variable, i]));
  const cache = new Map<string, Graph>();
  const constants = new Map<TypedArray, Storage>();
  const release = releasing(backend, constants);

  const dtypeOf = (i: number) =>
    backend.capabilities.dtypes.includes(module.variables[i]!.type.dtype) ? module.variables[i]!.type.dtype : "float32";
  const operand = (i: number): KernelInput => ({
    storage: variables[i]!.storage,
    shape: module.variables[i]!.shape,
    dtype: dtypeOf(i),
  });
  const call = (name: string, inputs: readonly (KernelInput | undefined)[], attributes: object, outputs: readonly Value[]) =>
    backend.kernels[name]!(
      inputs,
      attributes as never,
      outputs.map(({ type }) => ({ shape: concrete(type.shape), dtype: type.dtype })),
    );
  const copy = (input: KernelInput): Storage =>
    backend.kernels["reshape"]!([input], { shape: input.shape }, [{ shape: input.shape, dtype: input.dtype }])[0]!;

  /** Makes storages; where one fails, those before it are released. */
  function allOrNone(makers: readonly (() => Storage)[]): Storage[] {
    const storages: Storage[] = [];
    try {
      for (const make of makers) storages.push(make());
    } catch (error) {
      for (const storage of storages) backend.release(storage);
      throw error;
    }
    return storages;
  }

  function upload(feed: Feeds[string], shape: readonly number[], dtype: DType): Held {
    const { value } = feed;
    if (isFeedSource(value)) {
      const target = allocate(
        dtype,
        shape.reduce((a, b) => a * b, 1),
      );
      value.copyInto(target);
      return { storage: backend.upload(target, shape, dtype), owned: true };
    }
    if (!ArrayBuffer.isView(value)) return { storage: value, owned: false };
    const isFloat = value instanceof Float32Array || value instanceof Float64Array;
    const fitting = dtype === "float32" && !isFloat ? Float32Array.from(value as TypedArray) : (value as TypedArray);
    return { storage: backend.upload(fitting, shape, dtype), owned: true };
  }

  /** A constant's elements are uploaded once. */
  function constant({ data, storage }: ConstantNode, shape: readonly number[], dtype: DType): Storage {
    if (data === undefined) return storage!;
    let uploaded = constants.get(data);
    if (uploaded === undefined) {
      uploaded = upload({ shape, value: data }, shape, dtype).storage;
      constants.set(data, uploaded);
    }
    return uploaded;
  }

  function run(entry: string, feeds: Feeds, timed?: Timed): readonly Storage[] {
    const symbolic = module.entries[entry];
    if (symbolic === undefined)
      throw new ErmineError(
        "ERMINE_USAGE",
        `There is no entry "${entry}". There are: ${Object.keys(module.entries).join(", ")}.`,
      );
    const bindings = bindFeeds(entry, symbolic, feeds);
    const graph = specialized(entry, symbolic, bindings);
    const fed = ({ name, outputs }: FeedNode): Held => {
      const { shape, dtype } = outputs[0]!.type;
      return upload(feeds[name]!, concrete(shape), dtype);
    };
    const results = evaluate(graph, fed, timed, (computed) =>
      allOrNone([
        ...graph.outputs.map((value) => () => copy(computed(value))),
        ...graph.updates.map(({ variable, value }) => () => {
          const input = computed(value);
          if (graph.commit === undefined) return copy(input);
          return call("where", [computed(graph.commit), input, operand(index.get(variable)!)], {}, [value])[0]!;
        }),
      ]),
    );
    graph.updates.forEach(({ variable }, k) => variables[index.get(variable)!]!.replace(results[graph.outputs.length + k]!));
    return results.slice(0, graph.outputs.length);
  }

  /** The backend that loops and conditionals run on. */
  const interpreter: Interpreter = {
    backend,
    copy,
    allOrNone,
    evaluate: (graph, fed) =>
      evaluate(graph, fed, undefined, (computed) => allOrNone(graph.outputs.map((value) => () => copy(computed(value))))),
  };

  /** Computes a graph's nodes, each freed after its last reader, and gives what `finish` makes of the values at its end. */
  function evaluate<R>(
    graph: Graph,
    fed: (node: FeedNode) => Held,
    timed: Timed | undefined,
    finish: (computed: (value: Value) => KernelInput) => R,
  ): R {
    const computed = new Map<Value, KernelInput>();
    const owned = new Map<Node, readonly Storage[]>();
    const uses = readers(graph);
    const set = (node: Node, storages: readonly Storage[], isOwned: boolean): void => {
      node.outputs.forEach((value, i) =>
        computed.set(value, { storage: storages[i]!, shape: concrete(value.type.shape), dtype: value.type.dtype }),
      );
      if (isOwned) owned.set(node, storages);
    };
    const free = (node: Node): void => {
      for (const storage of owned.get(node) ?? []) backend.release(storage);
      owned.delete(node);
    };
    const compute = (node: Node): void => {
      if (node.kind === "variable") return set(node, [variables[index.get(node.variable)!]!.storage], false);
      const { shape, dtype } = node.outputs[0]?.type ?? { shape: [], dtype: "float32" };
      if (node.kind === "constant") return set(node, [constant(node, concrete(shape), dtype)], false);
      if (node.kind === "feed") {
        const { storage, owned: isOwned } = fed(node);
        return set(node, [storage], isOwned);
      }
      const inputs = node.inputs.map((v) => v && computed.get(v)!);
      const started = timed && performance.now();
      if (isLoop(node) || isConditional(node))
        set(node, node.op.interpret(interpreter, inputs as readonly KernelInput[], node.outputs), true);
      else set(node, call(kernelName(node.op)!, inputs, node.attributes, node.outputs), true);
      if (started !== undefined) timed!(node, (performance.now() - started) / 1000);
    };
    try {
      for (const node of graph.nodes) {
        compute(node);
        if (node.kind !== "op") continue;
        for (const value of node.inputs) {
          if (value === undefined) continue;
          const left = uses.get(value.node)! - 1;
          uses.set(value.node, left);
          if (left === 0) free(value.node);
        }
        if ((uses.get(node) ?? 0) === 0) free(node);
      }
      return finish((value) => computed.get(value)!);
    } finally {
      for (const node of [...owned.keys()]) free(node);
    }
  }

  function specialized(entry: string, graph: Graph, bindings: Bindings): Graph {
    const key = `${entry}|${JSON.stringify(bindings)}`;
    let specializedGraph = cache.get(key);
    if (specializedGraph === undefined) {
      if (cache.size >= 32) cache.delete(cache.keys().next().value!);
      specializedGraph = specialize(graph, bindings);
      cache.set(key, specializedGraph);
    }
    return specializedGraph;
  }

  return {
    run: (entry, feeds) => run(entry, feeds),
    /** Where the backend answers later, the times are those of queueing. */
    async profile(entry, feeds) {
      const parts: PartTime[] = [];
      const outputs = run(entry, feeds, (node, seconds) => parts.push({ nodes: [node], seconds }));
      for (const storage of outputs) backend.release(storage);
      return parts;
    },
    dispose: release,
    finalizer: release,
  };
}

function stored(place: VariableStorage): StoredVariable {
  if (place instanceof StoredVariable) return place;
  throw new ErmineError(
    "ERMINE_BACKEND",
    "interpret works on StoredVariables, and this backend has places of its own for variables (createVariable): leave that out, or compile to them.",
  );
}

/** Gives back what an interpreted program holds. Outside of it, so that it refers to nothing else of the program. */
const releasing = (backend: Backend, constants: Map<TypedArray, Storage>) => (): void => {
  for (const storage of constants.values()) backend.release(storage);
  constants.clear();
};

/** How many op inputs read each node; outputs, updates and the commit condition hold theirs to the end. */
function readers(graph: Graph): Map<Node, number> {
  const uses = new Map<Node, number>();
  const count = (value: Value | undefined, by: number): void => {
    if (value !== undefined) uses.set(value.node, (uses.get(value.node) ?? 0) + by);
  };
  for (const node of graph.nodes) if (node.kind === "op") for (const value of node.inputs) count(value, 1);
  for (const value of [...graph.outputs, ...graph.updates.map((u) => u.value), graph.commit]) count(value, Infinity);
  return uses;
}
