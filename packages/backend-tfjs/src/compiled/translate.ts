/**
 * A GraphModule as one TensorFlow graph: a variable for each of the module's, placeholders for what is fed, and for each entry what
 * is to be fetched. Pure: it needs neither TensorFlow nor the addon.
 */
import { Dim, ErmineError, type DType, type Graph, type GraphModule, type Shape, type Storage, type TypedArray, type Value, type Variable } from "@ermine/core";
import type { Operand } from "../lowering/emitter.js";
import { lowerings } from "../lowering/index.js";
import { GraphEmitter, type SymbolPlace } from "./emitter.js";
import type { NodeDef } from "./graphDef.js";

export interface TranslatedEntry {
  /** In the order in which they are fed. */
  readonly feeds: readonly { readonly name: string; readonly placeholder: string; readonly dtype: DType }[];
  /** What is fetched: the outputs, or one token where there are none. */
  readonly fetches: readonly string[];
  readonly outputs: readonly { readonly shape: Shape; readonly dtype: DType }[];
}

export interface TranslatedVariable {
  readonly read: string;
  readonly placeholder: string;
  /** Fetched to write this one. */
  readonly write: string;
}

export interface Translation {
  readonly nodes: readonly NodeDef[];
  readonly entries: Readonly<Record<string, TranslatedEntry>>;
  readonly variables: readonly TranslatedVariable[];
  /** Fetched to write them all. */
  readonly writeAll: string;
}

/** @param read the numbers of a storage that became a constant of the graph */
export function translate(module: GraphModule, read: (storage: Storage) => TypedArray): Translation {
  const nodes: NodeDef[] = [];
  const root = new GraphEmitter(nodes, "shared", new Map());
  const token = root.constant(Int32Array.of(1), [], "int32");
  const variables = module.variables.map((variable, i) => translateVariable(root, token, variable, i));
  const assigns = module.variables.map((_, i) => `^v${i}/assign`);
  const writeAll = root.node("writeAll", "Identity", [root.handle(token), ...assigns], { T: { type: "int32" } });
  const entries = Object.entries(module.entries).map(([name, graph], k) => [name, translateEntry(nodes, `e${k}`, graph, module, read)]);
  return { nodes, entries: Object.fromEntries(entries), variables, writeAll };
}

function translateVariable(root: GraphEmitter, token: Operand, { type, shape }: Variable, i: number): TranslatedVariable {
  const dtype = { type: type.dtype };
  const handle = root.node(`v${i}`, "VarHandleOp", [], {
    container: { string: "" },
    shared_name: { string: `v${i}` },
    dtype,
    shape: { shape },
  });
  const placeholder = root.node(`v${i}/in`, "Placeholder", [], { dtype, shape: { shape } });
  // What is fed may be memory of JavaScript's, which a variable must not live in.
  const copy = root.node(`v${i}/copy`, "DeepCopy", [placeholder], { T: dtype });
  const assign = root.node(`v${i}/assign`, "AssignVariableOp", [handle, copy], { dtype });
  const write = root.node(`v${i}/write`, "Identity", [root.handle(token), `^${assign}`], { T: { type: "int32" } });
  const read = root.node(`v${i}/read`, "ReadVariableOp", [handle], { dtype });
  return { read, placeholder, write };
}

/** Ops whose result may be their input's memory. */
const sharing = new Set(["Reshape", "Slice", "StridedSlice", "BroadcastTo", "PadV2", "Transpose", "ConcatV2", "ReverseV2", "Identity", "Switch"]);

function translateEntry(nodes: NodeDef[], prefix: string, graph: Graph, module: GraphModule, read: (storage: Storage) => TypedArray): TranslatedEntry {
  const index = new Map(module.variables.map((variable, i) => [variable, i]));
  const symbols = new Map<string, SymbolPlace>();
  const emitter = new GraphEmitter(nodes, prefix, symbols);
  const start = nodes.length;
  const values = new Map<Value, Operand>();
  const look = (value: Value | undefined): Operand | undefined => value && values.get(value)!;
  const feeds: { name: string; placeholder: string; dtype: DType }[] = [];

  for (const node of graph.nodes) {
    const [value] = node.outputs as [Value];
    const { shape, dtype } = value.type;
    if (node.kind === "feed") {
      const placeholder = emitter.node(`${prefix}/feed${feeds.length}`, "Placeholder", [], {
        dtype: { type: dtype },
        shape: { shape: shape.map((size) => (typeof size === "number" ? size : -1)) },
      });
      feeds.push({ name: node.name, placeholder, dtype });
      const operand: Operand = { handle: placeholder, shape, dtype };
      values.set(value, operand);
      noteSymbols(symbols, operand);
    } else if (node.kind === "variable") {
      const i = index.get(node.variable)!;
      const handle = emitter.node(`${prefix}/read${i}`, "ReadVariableOp", [`v${i}`], { dtype: { type: dtype } });
      values.set(value, { handle, shape, dtype });
    } else if (node.kind === "constant") {
      values.set(value, emitter.constant(node.data ?? read(node.storage!), shape as readonly number[], dtype));
    } else {
      const lowering = lowerings[node.op.name];
      if (lowering === undefined) throw new ErmineError("ERMINE_UNSUPPORTED", `The tfjs backend has no ${node.op.name}, and the graph was not lowered for it.`);
      const types = node.outputs.map(({ type }) => type);
      const results = lowering(emitter, node.inputs.map(look), node.attributes as never, types);
      node.outputs.forEach((output, i) => values.set(output, results[i]!));
    }
  }

  const own = new Map(nodes.slice(start).map((node) => [node.name, node]));
  const isFed = (handle: string): boolean => {
    const node = own.get(handle.split(":")[0]!);
    return node !== undefined && (node.op === "Placeholder" || (sharing.has(node.op) && node.inputs.some(isFed)));
  };
  /** The value in memory of TensorFlow's own. */
  const owned = (operand: Operand): string => {
    const handle = emitter.handle(operand);
    return isFed(handle) ? (emitter.op("DeepCopy", [{ ...operand, handle }], { T: { type: operand.dtype } }, [operand])[0]!.handle as string) : handle;
  };

  const after = writeUpdates(emitter, prefix, graph, (value) => ({ handle: owned(settled(emitter, look(value)!)), dtype: value.type.dtype }), index);
  const outputs = graph.outputs.map((value, i) => {
    const inputs = [owned(settled(emitter, look(value)!)), ...(i === 0 ? after : [])];
    emitter.node(`${prefix}/out${i}`, "Identity", inputs, { T: { type: value.type.dtype } });
    return { shape: value.type.shape, dtype: value.type.dtype };
  });
  if (outputs.length === 0) emitter.node(`${prefix}/ran`, "Identity", ["shared/0_Const", ...after], { T: { type: "int32" } });
  const fetches = outputs.length === 0 ? [`${prefix}/ran`] : outputs.map((_, i) => `${prefix}/out${i}`);
  return { feeds, fetches, outputs };
}

/** With its axes in order. */
const settled = (emitter: GraphEmitter, { shape, dtype, ...operand }: Operand): Operand => ({
  handle: emitter.handle({ shape, dtype, ...operand }),
  shape,
  dtype,
});

function noteSymbols(symbols: Map<string, SymbolPlace>, operand: Operand): void {
  operand.shape.forEach((size, axis) => {
    if (!(size instanceof Dim)) return;
    const name = size.toString();
    if (/^[^*+0-9-][^*+]*$/.test(name) && !symbols.has(name)) symbols.set(name, { operand, axis });
  });
}

/**
 * Assigns new values after the old ones were read; where there is a commit condition, behind a Switch, so that a step that is not
 * taken copies nothing. Gives what an output must come after.
 */
function writeUpdates(
  emitter: GraphEmitter,
  prefix: string,
  graph: Graph,
  newValue: (value: Value) => { handle: string; dtype: DType },
  index: ReadonlyMap<Variable, number>,
): readonly string[] {
  if (graph.updates.length === 0) return [];
  const condition = graph.commit === undefined ? undefined : newValue(graph.commit).handle;
  const values = graph.updates.map(({ value }) => newValue(value));
  const reads = new Set(emitter.nodes.filter(({ op }) => op === "ReadVariableOp").map(({ name }) => name));
  const assigns = graph.updates.map(({ variable }, k) => {
    const i = index.get(variable)!;
    const { handle, dtype } = values[k]!;
    const taken = condition === undefined ? handle : `${emitter.node(`${prefix}/taken${i}`, "Switch", [handle, condition], { T: { type: dtype } })}:1`;
    const earlier = reads.has(`${prefix}/read${i}`) ? [`^${prefix}/read${i}`] : [];
    return emitter.node(`${prefix}/assign${i}`, "AssignVariableOp", [`v${i}`, taken, ...earlier], { dtype: { type: dtype } });
  });
  const dependencies = assigns.map((name) => `^${name}`);
  if (condition === undefined) return dependencies;
  const T = { type: "int32" } as const;
  const branch = emitter.node(`${prefix}/branch`, "Switch", ["shared/0_Const", condition], { T });
  const refused = emitter.node(`${prefix}/refused`, "Identity", [branch], { T });
  const committed = emitter.node(`${prefix}/committed`, "Identity", [`${branch}:1`, ...dependencies], { T });
  const done = emitter.node(`${prefix}/done`, "Merge", [refused, committed], { T, N: { int: 2 } });
  return [`^${done}`];
}
