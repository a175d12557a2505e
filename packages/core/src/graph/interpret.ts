/** An Executable for backends that have no compiler: the graph's nodes run one by one through the eager kernels. */
import type { Backend, Executable, Feeds, KernelInput, Storage } from "../backend/contract.js";
import { ErmineError } from "../errors.js";
import { concrete, type Bindings } from "../tensor/dim.js";
import { allocate, type TypedArray } from "../tensor/dtype.js";
import { bindFeeds } from "./feeds.js";
import type { Graph, GraphModule, Node, Value } from "./graph.js";
import { specialize } from "./passes.js";

/** Runs `module` (lowered for `backend` already) by interpretation. Commit conditions become selections on the backend. */
export function interpret(backend: Backend, module: GraphModule): Executable {
  const variables: (Storage | undefined)[] = module.variables.map(() => undefined);
  const index = new Map(module.variables.map((variable, i) => [variable, i]));
  const cache = new Map<string, Graph>();

  const dtypeOf = (i: number) => (backend.capabilities.dtypes.includes(module.variables[i]!.type.dtype) ? module.variables[i]!.type.dtype : "float32");
  const operand = (i: number): KernelInput => ({ storage: variables[i]!, shape: module.variables[i]!.shape, dtype: dtypeOf(i) });
  const call = (name: string, inputs: readonly (KernelInput | undefined)[], attributes: object, outputs: readonly Value[]) =>
    backend.kernels[name]!(
      inputs,
      attributes as never,
      outputs.map(({ type }) => ({ shape: concrete(type.shape), dtype: type.dtype })),
    );
  const copy = (input: KernelInput): Storage =>
    backend.kernels["reshape"]!([input], { shape: input.shape }, [{ shape: input.shape, dtype: input.dtype }])[0]!;

  function upload(feed: Feeds[string], shape: readonly number[], dtype: "float32" | "int32" | "bool"): { storage: Storage; owned: boolean } {
    const { value } = feed;
    if (typeof value === "function") {
      const target = allocate(dtype, shape.reduce((a, b) => a * b, 1));
      value(target);
      return { storage: backend.upload(target, shape, dtype), owned: true };
    }
    if (!ArrayBuffer.isView(value)) return { storage: value, owned: false };
    const fitting = dtype === "float32" && !(value instanceof Float64Array) ? Float32Array.from(value as TypedArray) : value;
    return { storage: backend.upload(fitting as TypedArray, shape, dtype), owned: true };
  }

  function run(entry: string, feeds: Feeds): readonly Storage[] {
    const symbolic = module.entries[entry];
    if (symbolic === undefined) throw new ErmineError("ERMINE_USAGE", `There is no entry "${entry}". There are: ${Object.keys(module.entries).join(", ")}.`);
    const bindings = bindFeeds(entry, symbolic, feeds);
    const graph = specialized(entry, symbolic, bindings);
    const computed = new Map<Value, KernelInput>();
    const owned = new Map<Node, Storage[]>();
    const uses = readers(graph);
    for (const node of graph.nodes) {
      compute(node);
      if (node.kind === "op") {
        for (const value of node.inputs) {
          if (value === undefined) continue;
          const left = uses.get(value.node)! - 1;
          uses.set(value.node, left);
          if (left === 0) free(value.node);
        }
        if ((uses.get(node) ?? 0) === 0) free(node);
      }
    }
    const results = graph.outputs.map((value) => copy(computed.get(value)!));
    const next = graph.updates.map(({ variable, value }) => {
      const i = index.get(variable)!;
      const input = computed.get(value)!;
      if (graph.commit === undefined) return { i, storage: copy(input) };
      const chosen = call("where", [computed.get(graph.commit)!, input, operand(i)], {}, [value]);
      return { i, storage: chosen[0]! };
    });
    for (const { i, storage } of next) {
      backend.release(variables[i]!);
      variables[i] = storage;
    }
    for (const node of [...owned.keys()]) free(node);
    return results;

    function compute(node: Node): void {
      const outputs = node.outputs;
      const set = (storages: readonly Storage[], mine: boolean): void => {
        outputs.forEach((value, i) =>
          computed.set(value, { storage: storages[i]!, shape: concrete(value.type.shape), dtype: value.type.dtype }),
        );
        if (mine) owned.set(node, [...storages]);
      };
      if (node.kind === "op") {
        set(call(node.op.name, node.inputs.map((v) => v && computed.get(v)!), node.attributes, outputs), true);
      } else if (node.kind === "variable") {
        set([variables[index.get(node.variable)!]!], false);
      } else {
        const { shape, dtype } = outputs[0]!.type;
        if (node.kind === "constant" && node.data === undefined) return set([node.storage!], false);
        const feed = node.kind === "feed" ? feeds[node.name]! : { shape: concrete(shape), value: node.data! };
        const { storage, owned: mine } = upload(feed, concrete(shape), dtype);
        set([storage], mine);
      }
    }
    function free(node: Node): void {
      for (const storage of owned.get(node) ?? []) backend.release(storage);
      owned.delete(node);
    }
  }

  function specialized(entry: string, graph: Graph, bindings: Bindings): Graph {
    const key = `${entry}|${JSON.stringify(bindings)}`;
    let found = cache.get(key);
    if (found === undefined) {
      if (cache.size >= 32) cache.delete(cache.keys().next().value!);
      found = specialize(graph, bindings);
      cache.set(key, found);
    }
    return found;
  }

  return {
    run,
    snapshot: (i) => copy(operand(i)),
    read: (i) => backend.read(variables[i]!),
    write(i, data) {
      const old = variables[i];
      variables[i] = ArrayBuffer.isView(data)
        ? upload({ shape: module.variables[i]!.shape, value: data as TypedArray }, module.variables[i]!.shape, dtypeOf(i)).storage
        : copy({ storage: data, shape: module.variables[i]!.shape, dtype: dtypeOf(i) });
      if (old !== undefined) backend.release(old);
    },
    dispose() {
      variables.forEach((storage, i) => {
        if (storage !== undefined) backend.release(storage);
        variables[i] = undefined;
      });
    },
  };
}

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
