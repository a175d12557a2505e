/**
 * A GraphModule as part of a TensorFlow graph: placeholders for what is fed, and for each entry what is to be fetched. The nodes that all
 * parts share, and those of each variable, are apart (`sharedNodes`, `graphVariables`), so that several modules over the same variables can
 * be one graph. Pure: it needs neither TensorFlow nor the addon.
 */
import { Dim, ErmineError, type DType, type Shape, type TypedArray } from "@ermine/core";
import {
  isConditional,
  type ConditionalNode,
  type Graph,
  type GraphModule,
  type GraphVariable,
  type Node,
  type OpNode,
  type Storage,
  type Value,
} from "@ermine/core/backend";
import type { Handle, Operand } from "../lowering/emitter.js";
import { loweringOf } from "../lowering/index.js";
import { GraphEmitter, type SymbolPlace } from "./emitter.js";
import type { NodeDef } from "./graphDef.js";
import { applyInPlace, inPlaceSteps, readInPlace, type InPlaceStep } from "./inPlace.js";

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

/** A number that stands for "it was done". */
const token = "shared/0_Const";

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

/** Nodes that every graph has once. */
export function sharedNodes(): readonly NodeDef[] {
  const nodes: NodeDef[] = [];
  new GraphEmitter(nodes, "shared", new Map()).constant(Int32Array.of(1), [], "int32");
  return nodes;
}

/** The fetch that reads a variable, and the feed that writes it. */
export const variableNames = (name: string) => ({
  read: `${name}/read`,
  placeholder: `${name}/in`,
  /** Fetched to write it. */
  write: `${name}/write`,
  /** Fetched to free its memory. */
  destroy: `${name}/destroyed`,
});

/** Fetched to write all variables of a graph. */
export const writeAll = "shared/writeAll";

/** The variables of a graph. */
export function graphVariables(
  variables: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[],
): readonly NodeDef[] {
  const after = variables.map(({ name }) => `^${variableNames(name).write}`);
  const all: NodeDef = { name: writeAll, op: "Identity", inputs: [token, ...after], attributes: { T: { type: "int32" } } };
  return [...variables.flatMap(({ name, dtype, shape }) => variableNodes(name, dtype, shape)), all];
}

/** A variable of the graph, with nodes that read, write and destroy it. */
function variableNodes(name: string, dtype: DType, shape: readonly number[]): readonly NodeDef[] {
  const nodes: NodeDef[] = [];
  const emitter = new GraphEmitter(nodes, name, new Map());
  const { read, placeholder, write, destroy } = variableNames(name);
  const type = { dtype: { type: dtype } } as const;
  const T = { type: "int32" } as const;
  emitter.node(name, "VarHandleOp", [], { container: { string: "" }, shared_name: { string: name }, ...type, shape: { shape } });
  emitter.node(placeholder, "Placeholder", [], { ...type, shape: { shape } });
  // Fed memory may be JavaScript's, which a variable must not live in.
  const copy = emitter.node(`${name}/copy`, "DeepCopy", [placeholder], { T: { type: dtype } });
  const assign = emitter.node(`${name}/assign`, "AssignVariableOp", [name, copy], type);
  emitter.node(write, "Identity", [token, `^${assign}`], { T });
  emitter.node(read, "ReadVariableOp", [name], type);
  const destroyed = emitter.node(`${name}/destroy`, "DestroyResourceOp", [name], { ignore_lookup_error: { bool: true } });
  emitter.node(destroy, "Identity", [token, `^${destroyed}`], { T });
  return nodes;
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

/** One entry in the making. */
interface Draft {
  readonly prefix: string;
  readonly emitter: GraphEmitter;
  readonly graph: Graph;
  /** The variables' names in the graph. */
  readonly names: ReadonlyMap<GraphVariable, string>;
  readonly values: ReadonlyMap<Value, Operand>;
  /** The node that reads a variable, where one does. */
  readonly reads: ReadonlyMap<GraphVariable, Operand>;
  readonly inPlace: ReadonlyMap<OpNode, InPlaceStep>;
  readonly threads: number;
  /** The nodes by which all ops that look up or add by index have succeeded: no variable is written before. */
  readonly checked: readonly string[];
  /** A value in memory of TensorFlow's own, its axes in order. */
  owned(value: Value): string;
}

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
      checked.push(...translateConditional(writing, node));
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

/**
 * Both branches over what a Switch lets through to one of them, and a Merge of what comes out of that one. Constants go past the Switch, and what a branch computes of
 * them alone runs anyway: where it puts that out, it waits for the branch. (TensorFlow's graph optimizer loses values where a Switch has a constant.)
 */
function translateConditional(
  writing: Writing,
  { op, inputs: [condition, ...inputs], outputs }: ConditionalNode,
): readonly string[] {
  const { emitter, values, prefix } = writing;
  const holds = values.get(condition!)!;
  const name = `${prefix}/conditional${emitter.nodes.length}`;
  const write = (branch: Graph, side: 0 | 1): Side => {
    const given = new Set<Handle>();
    branch.feeds.forEach((feed, i) => {
      const x = values.get(inputs[i]!)!;
      const isFixed = emitter.isConstant(emitter.handle(x));
      const through = isFixed ? x : emitter.op("Switch", [x, holds], { T: { type: x.dtype } }, [x, x])[side]!;
      if (!isFixed) given.add(through.handle);
      values.set(feed.outputs[0]!, through);
    });
    const checked = translateNodes(writing, branch.nodes);
    const isGated = dependence(emitter, given);
    const results = branch.outputs.map((value): Operand => {
      const { shape, dtype } = value.type;
      const handle = emitter.handle(values.get(value)!);
      return { handle: isGated(handle) ? handle : waiting(handle, dtype, side), shape, dtype };
    });
    return { checked, side, results };
  };
  const pivots: (string | undefined)[] = [undefined, undefined];
  const waiting = (handle: string, dtype: DType, side: 0 | 1): string => {
    if (pivots[side] === undefined) {
      const T = { type: "bool" } as const;
      const condition = emitter.handle(holds);
      const branch = emitter.node(`${name}/pivot${side}`, "Switch", [condition, condition], { T });
      pivots[side] = emitter.node(`${name}/runs${side}`, "Identity", [side === 0 ? branch : `${branch}:1`], { T });
    }
    return emitter.node(`${name}/${emitter.nodes.length}`, "Identity", [handle, `^${pivots[side]}`], { T: { type: dtype } });
  };
  const [first, second] = op.conditional.branches;
  const [whenTrue, whenFalse] = [write(first, 1), write(second, 0)];
  outputs.forEach((value, i) => {
    const { shape, dtype } = value.type;
    const attributes = { T: { type: dtype }, N: { int: 2 } } as const;
    const types = [
      { shape, dtype },
      { shape: [], dtype: "int32" as const },
    ];
    values.set(value, emitter.op("Merge", [whenFalse.results[i]!, whenTrue.results[i]!], attributes, types)[0]!);
  });
  if (whenTrue.checked.length + whenFalse.checked.length === 0) return [];
  const T = { type: "int32" } as const;
  const branch = emitter.node(`${name}/branch`, "Switch", [token, emitter.handle(holds)], { T });
  const ends = [whenFalse, whenTrue].map(({ checked, side }) =>
    emitter.node(`${name}/end${side}`, "Identity", [side === 0 ? branch : `${branch}:1`, ...checked.map((each) => `^${each}`)], {
      T,
    }),
  );
  return [emitter.node(`${name}/checked`, "Merge", ends, { T, N: { int: 2 } })];
}

/** Is a value computed from one of these? */
function dependence({ nodes }: GraphEmitter, from: ReadonlySet<Handle>): (handle: string) => boolean {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const known = new Map<string, boolean>();
  const depends = (handle: string): boolean => {
    let answer = known.get(handle);
    if (answer === undefined) {
      answer = from.has(handle) || (byName.get(nodeOf(handle))?.inputs.some(depends) ?? false);
      known.set(handle, answer);
    }
    return answer;
  };
  return depends;
}

const nodeOf = (handle: string): string => handle.split(":")[0]!;

/** A branch that was written. */
interface Side {
  readonly checked: readonly string[];
  /** Which output of a Switch it is. */
  readonly side: number;
  readonly results: readonly Operand[];
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

/**
 * Writes variables after their old values were read; where there is a commit condition, behind a Switch, so that a step that is not
 * taken computes and copies nothing. Gives what an output must come after.
 */
function writeUpdates(draft: Draft): readonly string[] {
  const { emitter, prefix, graph, names, values, reads, inPlace, owned, threads, checked } = draft;
  if (graph.updates.length === 0) return [];
  const condition = graph.commit === undefined ? undefined : owned(graph.commit);
  const gates = new Map<string, string>();
  const gateFor =
    (dtype: DType) =>
    (handle: string): string => {
      if (condition === undefined) return handle;
      const cached = gates.get(handle);
      if (cached !== undefined) return cached;
      const gated = `${emitter.node(`${prefix}/gate${gates.size}`, "Switch", [handle, condition], { T: { type: dtype } })}:1`;
      gates.set(handle, gated);
      return gated;
    };
  const stepped = new Set([...inPlace.values()].flatMap(({ variables }) => variables));
  // Every new value is named before the first variable is written: what reads the old ones is complete.
  const plain = graph.updates
    .filter(({ variable }) => !stepped.has(variable))
    .map(({ variable, value }) => ({ variable, dtype: value.type.dtype, handle: owned(value) }));
  const laterReaders = readersBeside(emitter, prefix);
  const lookedUp = checked.map((name) => `^${name}`);
  const writes = plain.map(({ variable, dtype, handle }) => {
    const name = names.get(variable)!;
    const read = reads.get(variable);
    const after = [...(read === undefined ? [] : [`^${read.handle}`]), ...lookedUp];
    return emitter.node(`${prefix}/assign_${name}`, "AssignVariableOp", [name, gateFor(dtype)(handle), ...after], {
      dtype: { type: dtype },
    });
  });
  for (const step of inPlace.values()) {
    const { node, variables } = step;
    const places = variables.map((variable) => ({ handle: names.get(variable)!, read: reads.get(variable) }));
    const name = `${prefix}/step_${names.get(variables[0]!)!}`;
    const [gradient, scalars] = [node.inputs[1]!, node.inputs.at(-1)!].map((value) => values.get(value)!) as [Operand, Operand];
    const read = places.flatMap((place) => (place.read === undefined ? [] : [emitter.handle(place.read)]));
    const after = [...laterReaders(read, emitter.handle(gradient)), ...lookedUp];
    writes.push(applyInPlace({ emitter, name, gate: gateFor("float32"), after, threads }, step, places, gradient, scalars));
  }
  const dependencies = writes.map((name) => `^${name}`);
  if (condition === undefined) return dependencies;
  const T = { type: "int32" } as const;
  const branch = emitter.node(`${prefix}/branch`, "Switch", [token, condition], { T });
  const refused = emitter.node(`${prefix}/refused`, "Identity", [branch], { T });
  const committed = emitter.node(`${prefix}/committed`, "Identity", [`${branch}:1`, ...dependencies], { T });
  const done = emitter.node(`${prefix}/done`, "Merge", [refused, committed], { T, N: { int: 2 } });
  return [`^${done}`];
}

/**
 * Control inputs for a kernel that writes in place: the reads, and what computes with them but not on the way to the gradient (which
 * the kernel waits for anyway). It would copy the variable first where somebody still holds it. No more than those: TensorFlow does not
 * fuse an op that others wait for.
 */
function readersBeside(emitter: GraphEmitter, prefix: string): (reads: readonly string[], gradient: string) => string[] {
  const partNodes = new Map(emitter.nodes.filter(({ name }) => name.startsWith(`${prefix}/`)).map((node) => [node.name, node]));
  const readers = new Map<string, string[]>();
  for (const { name, inputs } of partNodes.values()) {
    for (const input of inputs) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [name]);
      else list.push(name);
    }
  }
  return (reads, gradient) => {
    const before = new Set<string>();
    const pending = [gradient];
    while (pending.length > 0) {
      const name = pending.pop()!.replace(/^\^|:\d+$/g, "");
      if (before.has(name)) continue;
      before.add(name);
      pending.push(...(partNodes.get(name)?.inputs ?? []));
    }
    const later = reads.flatMap((read) => readers.get(read) ?? []).filter((name) => !before.has(name));
    return [...new Set([...reads, ...later])].map((name) => `^${name}`);
  };
}
