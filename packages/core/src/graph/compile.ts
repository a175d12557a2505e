/** `compile(fn)` for anyone's function: traced on the first call, replayed from then on. */
import { tapesListen } from "../autograd/tape.js";
import type { Backend, Feed, TensorType } from "../backend/contract.js";
import { currentBackend } from "../backend/current.js";
import { ErmineError } from "../errors.js";
import { bind, concrete, Dim, formatShape } from "../tensor/dim.js";
import { adopt } from "../tensor/scope.js";
import { eagerState, storageOn, Tensor, typeOf, wrapStorage } from "../tensor/tensor.js";
import { leaves, mapTree, type Tree } from "../tensor/tree.js";
import { bindFeeds } from "./feeds.js";
import { attributesKey, type Graph, type Value } from "./graph.js";
import { compileModule, graphModule, type Program } from "./module.js";
import { currentTrace, Trace } from "./trace.js";

/** A function over trees of tensors, with the names and types of what it is fed. */
export interface TracedEntry {
  readonly graph: Graph;
  /** The result's tree, its tensors replaced by their position among the graph's outputs. */
  readonly result: unknown;
}

/**
 * Traces `fn` twice and compares: what differs was read from the host (Math.random, a counter) and would silently become a
 * constant of the program.
 *
 * @param make gives fn's arguments, as feeds of the trace
 * @throws ErmineError ERMINE_USAGE where the two differ
 */
export function traceEntry(name: string, fn: (trace: Trace) => unknown): TracedEntry {
  const first = traceOnce(fn);
  const difference = firstDifference(first.graph, traceOnce(fn).graph);
  if (difference !== undefined) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${name}: the function does something else each time that it is traced (${difference}). A compiled function is traced once: ` +
        "what changes from call to call (a counter, Math.random, a schedule) must be an argument, a variable or ermine's own random numbers.",
    );
  }
  return first;
}

function traceOnce(fn: (trace: Trace) => unknown): TracedEntry {
  const trace = new Trace();
  return trace.run(() => {
    const outputs: Tensor[] = [];
    const result = mapTree(fn(trace) as Tree<unknown>, (leaf) =>
      leaf instanceof Tensor ? new Output(outputs.push(leaf) - 1, typeOf(leaf)) : leaf,
    );
    return { graph: trace.finish(outputs), result };
  });
}

function firstDifference(a: Graph, b: Graph): string | undefined {
  const place = (value: Value | undefined): string => (value === undefined ? "" : `${value.node.id}.${value.index}`);
  for (let i = 0; i < Math.max(a.nodes.length, b.nodes.length); i++) {
    const [x, y] = [a.nodes[i], b.nodes[i]];
    if (x === undefined || y === undefined || x.kind !== y.kind) return "another number of operations";
    if (x.kind === "op" && y.kind === "op") {
      if (x.op.name !== y.op.name) return `${x.op.name} against ${y.op.name}`;
      if (attributesKey(x.attributes) !== attributesKey(y.attributes)) return `the attributes of ${x.op.name}`;
      if (x.inputs.map(place).join() !== y.inputs.map(place).join()) return `the inputs of ${x.op.name}`;
    }
    if (x.kind === "constant" && y.kind === "constant") {
      const [p, q] = [x.data, y.data];
      const same =
        p === undefined || q === undefined
          ? x.storage === y.storage
          : p.length === q.length && p.every((n, k) => Object.is(n, q[k]));
      if (!same) return "a number from outside";
    }
    if (x.kind === "variable" && y.kind === "variable" && x.variable !== y.variable)
      return `${x.variable.name} against ${y.variable.name}`;
  }
  const ends = (graph: Graph): string =>
    [...graph.outputs, ...graph.updates.map((update) => update.value), graph.commit].map(place).join();
  return ends(a) === ends(b) ? undefined : "other results";
}

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** Frees the programs; variables get their numbers back. */
  dispose(): void;
}

/**
 * Compiles a function over tensors (or trees of them): traced on the first call with each combination of shapes, then replayed
 * as one program. Variables that it reads or writes live in the program until `dispose()`.
 *
 * @param options.symbolicBatch leave the first axis of every argument open, so that one trace serves every batch size
 * @example const step = compile((x, y) => { const { value, grads } = valueAndGrad(…); …; return value; });
 */
export function compile<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: { backend?: Backend; symbolicBatch?: boolean; name?: string } = {},
): Compiled<A, R> {
  const name = options.name ?? (fn.name || "the compiled function");
  const entries = new Map<string, TracedEntry>();
  let program: Program | undefined;
  let owner: Backend | undefined;

  const compiled = (...args: A): R => {
    // Inside another trace, or where a gradient is asked, it is the function itself.
    if (currentTrace() !== undefined || tapesListen()) return fn(...args);
    const tensors = leaves(args).filter((leaf) => leaf instanceof Tensor);
    const key = signature(args);
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = traceEntry(name, (trace) => fn(...(feedsOf(trace, args, options.symbolicBatch === true) as unknown as A)));
      entries.set(key, entry);
      program?.dispose();
      program = undefined;
    }
    if (program === undefined) {
      owner =
        options.backend ??
        tensors.flatMap((t) => (t.state.kind === "eager" && t.state.backend ? [t.state.backend] : []))[0] ??
        currentBackend();
      program = compileModule(owner, graphModule(Object.fromEntries([...entries].map(([k, e]) => [k, e.graph]))));
    }
    const backend = owner!;
    const feeds: Record<string, Feed> = {};
    tensors.forEach((t, i) => {
      const { host, storage } = eagerState(t, name);
      feeds[`input${i}`] = { shape: concrete(t.shape), value: storage === undefined ? host! : storageOn(t, backend, name) };
    });
    const storages = program.run(key, feeds);
    return mapTree(entry.result as Tree<unknown>, (leaf) => {
      if (!(leaf instanceof Output)) return leaf;
      const shape = shapeOf(leaf.type.shape, entry.graph, feeds);
      const result = wrapStorage({ ...leaf.type, shape }, backend, storages[leaf.output]!);
      return adopt(
        result,
        shape.reduce((a, b) => a * b, 4),
      );
    }) as R;
  };

  function signature(args: readonly unknown[]): string {
    return JSON.stringify(args, (_, value: unknown) => {
      if (!(value instanceof Tensor)) return value;
      const shape = options.symbolicBatch === true && value.rank > 0 ? [Dim.symbol("N"), ...value.shape.slice(1)] : value.shape;
      return `${value.dtype}${formatShape(shape)}${value.domain}`;
    });
  }

  return Object.assign(compiled, {
    dispose() {
      program?.dispose();
      program = undefined;
      entries.clear();
    },
  });
}

function feedsOf(trace: Trace, args: readonly unknown[], symbolic: boolean): unknown {
  let next = 0;
  const batch = Dim.symbol("N");
  return mapTree(args as Tree<unknown>, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    const shape = symbolic && leaf.rank > 0 ? [batch, ...leaf.shape.slice(1)] : leaf.shape;
    return trace.feed(`input${next++}`, { ...typeOf(leaf), shape });
  });
}

/** Where a tensor of the result is among the graph's outputs. A class, so that trees take it for a leaf. */
export class Output {
  readonly output: number;
  readonly type: TensorType;

  constructor(output: number, type: TensorType) {
    this.output = output;
    this.type = type;
  }
}

function shapeOf(shape: Output["type"]["shape"], graph: Graph, feeds: Record<string, Feed>): readonly number[] {
  if (shape.every((size) => typeof size === "number")) return shape as readonly number[];
  return bind(shape, bindFeeds("compile", graph, feeds)) as readonly number[];
}
