/**
 * A GraphModule as part of a TensorFlow graph: placeholders for what is fed, and for each entry what is to be fetched. The nodes that all
 * parts share, and those of each variable, stand in `sharedNodes.ts`, so that several modules over the same variables can
 * be one graph. Pure: it needs neither TensorFlow nor the addon.
 */
import { Dim, ErmineError, type DType, type Shape, type TypedArray } from "@ermine/core";
import {
  isConditional,
  type Graph,
  type GraphModule,
  type GraphVariable,
  type Node,
  type OpNode,
  type Storage,
  type Value,
} from "@ermine/core/backend";
import type { Operand } from "../lowering/emitter.js";
import { loweringOf } from "../lowering/index.js";
import { translateConditional } from "./conditional.js";
import { GraphEmitter, type SymbolPlace } from "./emitter.js";
import type { NodeDef } from "./graphDef.js";
import { inPlaceSteps, readInPlace, type InPlaceStep } from "./inPlace.js";
import { token } from "./sharedNodes.js";
import { writeUpdates, type Draft } from "./writeUpdates.js";

/** A feed in TensorFlow's graph. */
export interface TranslatedFeed {
  readonly name: string;
  readonly placeholder: string;
  readonly dtype: DType;
}

export interface TranslatedEntry {
  /** In the order in which they are fed. */
  readonly feeds: readonly TranslatedFeed[];
  /** Fetches: the outputs, or one token where there are none. */
  readonly fetches: readonly string[];
  readonly outputs: readonly { readonly shape: Shape; readonly dtype: DType }[];
  /** The ops of the graph whose indices TensorFlow checks, by the node that does. */
  readonly lookups: ReadonlyMap<string, OpNode>;
}

export interface Translation {
  readonly nodes: readonly NodeDef[];
  readonly entries: Readonly<Record<string, TranslatedEntry>>;
}

/** How a part's nodes are called; no two parts of a graph have a name in common. */
export interface Names {
  /** The prefix of the names of the part's nodes. */
  readonly prefix: string;
  /** The names of the module's variables in the graph, in the module's order. */
  readonly variables: readonly string[];
}

/** Properties of the session that a translation needs. */
export interface Site {
  /** The numbers of a storage that became a constant of the graph. */
  read(storage: Storage): TypedArray;
  /** Within TensorFlow's ops. */
  readonly threads: number;
}

export function translate(module: GraphModule, { prefix, variables }: Names, site: Site): Translation {
  const nodes: NodeDef[] = [];
  const names = new Map(module.variables.map((variable, i) => [variable, variables[i]!]));
  const entries = Object.entries(module.entries).map(([name, graph], k) => [
    name,
    translateEntry(nodes, `${prefix}e${k}`, graph, names, site),
  ]);
  return { nodes, entries: Object.fromEntries(entries) };
}

/** Ops whose result may be their input's memory. */
const sharing = new Set([
  "Reshape",
  "Slice",
  "StridedSlice",
  "BroadcastTo",
  "PadV2",
  "Transpose",
  "ConcatV2",
  "ReverseV2",
  "Identity",
  "Switch",
  "Merge",
]);

/** Ops that refuse an index outside of its axis. */
const indexed = new Set(["GatherV2", "TensorScatterAdd", "TensorScatterUpdate"]);

function translateEntry(
  nodes: NodeDef[],
  prefix: string,
  graph: Graph,
  names: ReadonlyMap<GraphVariable, string>,
  { read, threads }: Site,
): TranslatedEntry {
  const symbols = new Map<string, SymbolPlace>();
  const emitter = new GraphEmitter(nodes, prefix, symbols);
  const start = nodes.length;
  const values = new Map<Value, Operand>();
  const reads = new Map<GraphVariable, Operand>();
  const lookups = new Map<string, OpNode>();
  const inPlace = inPlaceSteps(graph);
  const computedWith = valuesComputedWith(graph, inPlace, threads);
  const feeds: TranslatedFeed[] = [];

  // All that is fed comes first: sizes are read from it, whoever asks.
  for (const node of graph.feeds) {
    const [value] = node.outputs as [Value];
    const { shape, dtype } = value.type;
    const placeholder = emitter.node(`${prefix}/feed${feeds.length}`, "Placeholder", [], {
      dtype: { type: dtype },
      shape: { shape: shape.map((size) => (typeof size === "number" ? size : -1)) },
    });
    feeds.push({ name: node.name, placeholder, dtype });
    const operand: Operand = { handle: placeholder, shape, dtype };
    values.set(value, operand);
    noteSymbols(symbols, operand);
  }
  for (const node of graph.nodes) {
    const [value] = node.outputs as [Value];
    if (node.kind !== "variable" || !computedWith.has(value)) continue;
    const { shape, dtype } = value.type;
    const name = names.get(node.variable)!;
    const handle = emitter.node(`${prefix}/read_${name}`, "ReadVariableOp", [name], { dtype: { type: dtype } });
    const operand: Operand = { handle, shape, dtype };
    values.set(value, operand);
    reads.set(node.variable, operand);
  }
  const checked = translateNodes(
    { prefix, emitter, values, lookups, read },
    graph.nodes.filter((node) => !inPlace.has(node as OpNode)),
  );

  const owned = ownership(emitter, start, values);
  const draft: Draft = { prefix, emitter, graph, names, values, reads, inPlace, owned, threads, checked };
  const results = graph.outputs.map(owned);
  const after = writeUpdates(draft);
  const outputs = graph.outputs.map(({ type: { shape, dtype } }, i) => {
    emitter.node(`${prefix}/out${i}`, "Identity", [results[i]!, ...(i === 0 ? after : [])], { T: { type: dtype } });
    return { shape, dtype };
  });
  if (outputs.length === 0) emitter.node(`${prefix}/ran`, "Identity", [token, ...after], { T: { type: "int32" } });
  const fetches = outputs.length === 0 ? [`${prefix}/ran`] : outputs.map((_, i) => `${prefix}/out${i}`);
  return { feeds, fetches, outputs, lookups };
}

/** Where nodes are written, and what is known of them. */
interface Writing {
  readonly prefix: string;
  readonly emitter: GraphEmitter;
  readonly values: Map<Value, Operand>;
  readonly lookups: Map<string, OpNode>;
  readonly read: Site["read"];
}

/** Writes constants and ops. Gives the nodes by which all that looks up by index has gone well. */
function translateNodes(writing: Writing, graphNodes: readonly Node[]): readonly string[] {
  const { emitter, values, lookups, read } = writing;
  const checked: string[] = [];
  for (const node of graphNodes) {
    if (node.kind === "constant") {
      const [value] = node.outputs as [Value];
      const { shape, dtype } = value.type;
      values.set(value, emitter.constant(node.data ?? read(node.storage!), shape as readonly number[], dtype));
    }
    if (node.kind !== "op") continue;
    if (isConditional(node)) {
      const surroundings = { ...writing, translateNodes: (nodes: readonly Node[]) => translateNodes(writing, nodes) };
      checked.push(...translateConditional(surroundings, node));
      continue;
    }
    const lowering = loweringOf(node.op);
    if (lowering === undefined)
      throw new ErmineError(
        "ERMINE_UNSUPPORTED",
        `The tfjs backend has no ${node.op.name}, and the graph was not lowered for it.`,
      );
    const types = node.outputs.map(({ type }) => type);
    const from = emitter.nodes.length;
    const results = lowering(
      emitter,
      node.inputs.map((input) => input && values.get(input)!),
      node.attributes as never,
      types,
    );
    node.outputs.forEach((output, i) => values.set(output, results[i]!));
    if (node.op.lookup === undefined) continue;
    for (const { op, name } of emitter.nodes.slice(from)) {
      if (!indexed.has(op)) continue;
      lookups.set(name, node);
      checked.push(name);
    }
  }
  return checked;
}

/** The values that some op or output needs: a moment that is only written in place is never read. */
function valuesComputedWith(
  graph: Graph,
  inPlace: ReadonlyMap<OpNode, InPlaceStep>,
  threads: number,
): ReadonlySet<Value | undefined> {
  const used = new Set<Value | undefined>([...graph.outputs, graph.commit, ...graph.updates.map(({ value }) => value)]);
  for (const node of graph.nodes) {
    if (node.kind !== "op") continue;
    const step = inPlace.get(node);
    for (const input of step === undefined ? node.inputs : readInPlace(step, threads)) used.add(input);
  }
  return used;
}

/** Copies what may be memory that was fed: it is JavaScript's, and will be written again. */
function ownership(emitter: GraphEmitter, start: number, values: ReadonlyMap<Value, Operand>): Draft["owned"] {
  const partNodes = new Map(emitter.nodes.slice(start).map((node) => [node.name, node]));
  const isFed = (handle: string): boolean => {
    const node = partNodes.get(handle.split(":")[0]!);
    return node !== undefined && (node.op === "Placeholder" || (sharing.has(node.op) && node.inputs.some(isFed)));
  };
  return (value) => {
    const operand = values.get(value)!;
    const source = operand.permuted?.source ?? operand.repeated ?? operand;
    const { shape, dtype } = operand;
    const handle = emitter.handle(operand);
    if (!isFed(source.handle as string)) return handle;
    return emitter.handle(emitter.op("DeepCopy", [{ handle, shape, dtype }], { T: { type: dtype } }, [{ shape, dtype }])[0]!);
  };
}

function noteSymbols(symbols: Map<string, SymbolPlace>, operand: Operand): void {
  operand.shape.forEach((size, axis) => {
    if (!(size instanceof Dim)) return;
    const name = size.toString();
    if (/^[^*+0-9-][^*+]*$/.test(name) && !symbols.has(name)) symbols.set(name, { operand, axis });
  });
}
