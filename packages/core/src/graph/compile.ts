/** `compile(fn)` for anyone's function: traced on the first call, replayed from then on. */
import { tapesRun } from "../dispatch/tapes.js";
import type { Backend, Feed } from "../ir/contract.js";
import type { TensorType } from "../types/storage.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { backendOf } from "../dispatch/currentBackend.js";
import { keyOf, retype } from "../types/views.js";
import { bind, concrete, Dim, type Shape } from "../types/dim.js";
import { adopt } from "../dispatch/scope.js";
import { eagerState, storageOn, Tensor, typeOf, wrapStorage } from "../types/tensor.js";
import { leaves, mapTree, type Tree } from "../types/tree.js";
import { argumentsKey } from "./argumentsKey.js";
import { bindFeeds } from "./feeds.js";
import type { Graph, GraphVariable } from "../ir/graph.js";
import { compileModule, graphModule, type Program } from "./module.js";
import { currentTrace, type Trace, type ValueCheck } from "../dispatch/trace.js";
import { traceEntry } from "./traceEntry.js";

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** Frees the programs; variables get their elements back. */
  dispose(): void;
}

/** The program of one combination of arguments. */
interface Entry {
  /** Its name in a program. */
  readonly name: string;
  readonly graph: Graph;
  /** The result's tree, with a Place for each tensor. */
  readonly result: unknown;
  /** The states of the eager tensors that became constants. */
  readonly captured: ReadonlySet<object>;
  /** Value rules that losses in it set for arguments, by the argument's position among the tensors. */
  readonly valueChecks: readonly (Pick<ValueCheck, "check"> & { readonly position: number })[];
  readonly variables: readonly GraphVariable[];
  placed: Placed | undefined;
}

interface Placed {
  readonly program: Program;
  readonly backend: Backend;
}

/**
 * Compiles a function over tensors (or trees of them): traced on the first call with each combination of arguments, then replayed
 * as one program. Variables that it reads or writes live on the backend until `dispose()`; other compiled functions and trainers may have them too.
 *
 * Tensors among the arguments count by dtype, shape, domain, and by which of them are the same tensor; plain values by their elements; a Map
 * and a Set by identity and elements; functions and objects of classes by identity and by their own fields that are no objects. What changes deeper inside of
 * such an object is not seen by a later call. The programs of the `cacheSize` combinations that were used last are kept; one that makes room is disposed of, and
 * traced again where it is called again.
 *
 * Where an argument is also read from outside (a tensor from a closure, a variable's value), the call runs op by op: its gradients are then
 * those of one tensor, as they are without `compile`.
 *
 * @param options.backend default: the one whose programs have the function's variables, else that of the arguments, else the one in use
 * @param options.symbolicBatch leave the first axis of every argument open, so that one trace serves every batch size. Default false
 * @param options.cacheSize how many combinations of arguments keep their programs: a whole number ≥ 1. Default 32
 * @param options.name for messages. Default: fn's
 * @example
 * const distance = compile((a, b) => sqrt(sum(square(sub(a, b)))));
 * distance(tensor([1, 2]), tensor([4, 6])).item(); // => 5
 * @throws ErmineError ERMINE_OPTION for a wrong option, and ERMINE_USAGE, from a call, where an argument is a symbol or contains itself, and where two traces differ
 */
export function compile<A extends readonly unknown[] = Tensor[], R = unknown>(
  fn: (...args: A) => R,
  options: {
    /** Where the programs run. Default: the backend of the arguments, else the one in use. */
    backend?: Backend;
    /** Leave the first axis of every argument open, so that one trace serves every batch size. Default false. */
    symbolicBatch?: boolean;
    /** How many combinations of arguments keep their programs: a whole number ≥ 1. Default 32. */
    cacheSize?: number;
    /** For messages. Default: the function's name. */
    name?: string;
  } = {},
): Compiled<A, R> {
  if (arguments.length > 2) checkArguments("compile", arguments, 2);
  if (typeof fn !== "function") {
    throw new ErmineError(
      "ERMINE_USAGE",
      "compile takes a function of tensors, compile((x) => …), and gives one: its result is no argument.",
    );
  }
  checkOptions("compile", options, {
    backend: "any",
    symbolicBatch: "boolean",
    cacheSize: "number",
    name: "string",
  });
  const name = options.name ?? (fn.name || "the compiled function");
  checkCopy("compile", options.backend);
  if (options.backend !== undefined && typeof (options.backend as Partial<Backend>).name !== "string")
    throw new ErmineError("ERMINE_OPTION", `compile: backend is a backend, got ${show(options.backend)}.`);
  const { cacheSize = 32 } = options;
  if (!(Number.isInteger(cacheSize) && cacheSize >= 1))
    throw new ErmineError("ERMINE_OPTION", `compile: cacheSize is a whole number ≥ 1, got ${show(cacheSize)}.`);
  const symbolicBatch = options.symbolicBatch === true;
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  let traced = 0;

  const compiled = (...args: A): R => {
    // Inside another trace, or where a tape runs, it is the function itself.
    if (currentTrace() !== undefined || tapesRun()) return fn(...args);
    const key = argumentsKey(args, { name, symbolicBatch });
    const tensors = distinct(args);
    for (const t of tensors) eagerState(t, name);
    const entry = entries.get(key) ?? traceArguments(args, tensors);
    remember(key, entry);
    if (isReadFromOutside(entry, tensors)) return fn(...args);
    const { program, backend } = placed(key, entry, tensors);
    const feeds: Record<string, Feed> = {};
    tensors.forEach((t, i) => {
      const { host, storage } = eagerState(t, name);
      feeds[feedName(i)] = { shape: concrete(t.shape), value: storage === undefined ? host! : storageOn(t, backend, name) };
    });
    for (const { position, check } of entry.valueChecks) {
      const { host } = eagerState(tensors[position]!, name);
      if (host !== undefined) check(host);
    }
    const storages = program.run(entry.name, feeds);
    const outputs = entry.graph.outputs.map(({ type }, i) => {
      const shape = shapeOf(type.shape, entry.graph, feeds);
      const bytes = shape.reduce((a, b) => a * b, 4);
      return adopt(wrapStorage({ ...type, shape }, backend, storages[i]!), bytes);
    });
    return mapTree(entry.result as Tree<unknown>, (leaf) =>
      leaf instanceof Place ? retype([(leaf.of === "arguments" ? tensors : outputs)[leaf.index]!], [leaf.type])[0]! : leaf,
    ) as R;
  };

  function traceArguments(args: A, tensors: readonly Tensor[]): Entry {
    let trace: Trace | undefined;
    const { graph, result } = traceEntry(name, (running) => {
      trace = running;
      const feeds = feedsOf(trace, tensors, symbolicBatch);
      const position = new Map(tensors.map((t, i) => [keyOf(t), i]));
      const tracedArguments = mapTree(args as Tree<unknown>, (leaf) =>
        leaf instanceof Tensor ? retype([feeds[position.get(keyOf(leaf))!]!], [typeOf(leaf)])[0]! : leaf,
      );
      const outputs: Tensor[] = [];
      const value = mapTree(fn(...(tracedArguments as unknown as A)) as Tree<unknown>, (leaf) => {
        checkCopy(name, leaf);
        return leaf instanceof Tensor ? placeOf(leaf, feeds, outputs) : leaf;
      });
      // Compared between the two traces as well: which of its tensors are arguments.
      const origins = leaves(value).map((leaf) =>
        leaf instanceof Place && leaf.of === "arguments" ? `argument ${leaf.index}` : "a result",
      );
      return { outputs, value, origins };
    });
    const { variables } = graphModule({ graph });
    const positions = new Map(tensors.map((_, i) => [feedName(i), i]));
    const valueChecks = trace!.valueChecks.map(({ feed, check }) => ({ position: positions.get(feed)!, check }));
    return {
      name: `${name} ${++traced}`,
      graph,
      result: (result as { value: unknown }).value,
      captured: trace!.captured,
      valueChecks,
      variables,
      placed: undefined,
    };
  }

  /** Makes the entry the one that was used last, and frees the one whose last use is longest ago. */
  function remember(key: string, entry: Entry): void {
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size <= cacheSize) return;
    const [oldest, evicted] = entries.entries().next().value!;
    entries.delete(oldest);
    evicted.placed?.program.dispose();
  }

  function placed(key: string, entry: Entry, tensors: readonly Tensor[]): Placed {
    const backend = options.backend ?? homeOf(entry) ?? backendOf(tensors);
    if (entry.placed?.backend === backend) return entry.placed;
    try {
      entry.placed?.program.dispose();
      entry.placed = undefined;
      entry.placed = { program: compileModule(backend, graphModule({ [entry.name]: entry.graph })), backend };
      return entry.placed;
    } catch (error) {
      entries.delete(key);
      throw error;
    }
  }

  return Object.assign(compiled, {
    dispose() {
      for (const entry of entries.values()) entry.placed?.program.dispose();
      entries.clear();
    },
  });
}

/** The backend whose programs have the entry's variables. */
const homeOf = ({ variables }: Entry): Backend | undefined =>
  variables.find(({ placedOn }) => placedOn !== undefined)?.placedOn as Backend | undefined;

/** Each tensor among the arguments once, in the order of its first place. */
function distinct(args: readonly unknown[]): Tensor[] {
  const byKey = new Map<Tensor, Tensor>();
  for (const leaf of leaves(args)) if (leaf instanceof Tensor && !byKey.has(keyOf(leaf))) byKey.set(keyOf(leaf), leaf);
  return [...byKey.values()];
}

const feedName = (position: number): string => `input${position}`;

function feedsOf(trace: Trace, tensors: readonly Tensor[], symbolic: boolean): Tensor[] {
  const batch = Dim.symbol("N");
  return tensors.map((t, i) => {
    const shape = symbolic && t.rank > 0 ? [batch, ...t.shape.slice(1)] : t.shape;
    return trace.feed(feedName(i), { ...typeOf(t), shape });
  });
}

/** Is an argument also a constant of the program, or the tensor that one of its variables holds? */
function isReadFromOutside({ captured, variables }: Entry, tensors: readonly Tensor[]): boolean {
  const states = new Set<object>(tensors.map((t) => t.state));
  for (const state of states) if (captured.has(state)) return true;
  return variables.some((variable) => variable.placedOn === undefined && states.has(variable.eagerValue().state));
}

/** A tensor of the result: an argument or one of the graph's outputs. A class, so that trees take it for a leaf. */
class Place {
  readonly of: "arguments" | "outputs";
  readonly index: number;
  readonly type: TensorType;

  constructor(of: Place["of"], index: number, type: TensorType) {
    this.of = of;
    this.index = index;
    this.type = type;
  }
}

/** A tensor that is returned several times is one output; an argument that is returned is the argument itself, as without `compile`. */
function placeOf(t: Tensor, feeds: readonly Tensor[], outputs: Tensor[]): Place {
  const same = (other: Tensor): boolean => keyOf(other) === keyOf(t);
  const argument = feeds.findIndex(same);
  if (argument >= 0) return new Place("arguments", argument, typeOf(t));
  const outputIndex = outputs.findIndex(same);
  return new Place("outputs", outputIndex >= 0 ? outputIndex : outputs.push(t) - 1, typeOf(t));
}

function shapeOf(shape: Shape, graph: Graph, feeds: Record<string, Feed>): readonly number[] {
  if (shape.every((size) => typeof size === "number")) return shape as readonly number[];
  return bind(shape, bindFeeds("compile", graph, feeds)) as readonly number[];
}
