/** From traced entries to a running program: lowering, compiling (or interpreting), and handing over the variables. */
import type { Backend, Executable, Feed, Feeds, Storage } from "../ir/contract.js";
import { ErmineError } from "../types/errors.js";
import { finalizationRegistry } from "../types/finalizers.js";
import { concrete } from "../types/dim.js";
import { allocate, type TypedArray } from "../types/dtype.js";
import type { Variable } from "../dispatch/variable.js";
import { bindFeeds, isFeedSource } from "./feeds.js";
import type { Graph, GraphModule } from "../ir/graph.js";
import { interpret } from "./interpret.js";
import { openSizes } from "./openSizes.js";
import { lowerModule } from "./passes.js";
import { checkRequirements } from "../ir/requirements.js";
import { bind } from "../types/dim.js";

/** Entries that share variables, each variable once. */
export function graphModule(entries: Readonly<Record<string, Graph>>): GraphModule {
  const variables = new Set<Variable>();
  for (const graph of Object.values(entries)) {
    for (const node of graph.nodes) if (node.kind === "variable") variables.add(node.variable);
  }
  return { variables: [...variables], entries };
}

/** A program whose variables live in it until `dispose()`, which gives them back their numbers. */
export interface Program extends Executable {
  readonly module: GraphModule;
  /** The module in the backend's own ops: what really runs. */
  readonly lowered: GraphModule;
}

/** Programs that were dropped without `dispose()`. */
const finalizers = finalizationRegistry<() => void>((finalizer) => {
  try {
    finalizer();
  } catch {
    // The backend was disposed meanwhile, and what the program held with it. Nobody could catch this here.
  }
});

/**
 * Compiles a module on `backend` apart from its variables: the program has numbers of its own, 0 until they are written (`write`, by
 * the position in `module.variables`), and changes nobody else's.
 */
export function compileApart(backend: Backend, module: GraphModule): Program {
  const lowered = lowerModule(module, backend);
  const executable = backend.compile?.(lowered) ?? interpret(backend, lowered);
  const graphs = Object.values(lowered.entries);
  const checks = new Map(
    Object.entries(module.entries).flatMap(([entry, graph]) => {
      const check = openSizes(graph);
      return check === undefined ? [] : [[entry, check]];
    }),
  );
  const plain =
    graphs.every(({ hostFeeds }) => hostFeeds.length === 0) &&
    checks.size === 0 &&
    Object.values(module.entries).every(({ requirements }) => requirements === undefined);
  /** The last that fitted: a loop feeds one object again and again, whose shapes stay. */
  let checked: { readonly entry: string; readonly feeds: Feeds } | undefined;
  const checkSizes = (entry: string, graph: Graph, feeds: Feeds): void => {
    if (checked?.feeds === feeds && checked.entry === entry) return;
    const check = checks.get(entry);
    if (graph.requirements !== undefined || check !== undefined) {
      const bindings = bindFeeds(entry, graph, feeds);
      checkRequirements(entry, graph, bindings);
      check?.(entry, bindings);
    }
    checked = { entry, feeds };
  };
  const complete = (entry: string, feeds: Feeds): Feeds => {
    const graph = module.entries[entry];
    // The executable refuses a name that there is not.
    if (graph === undefined) return feeds;
    checkSizes(entry, graph, feeds);
    return withHostFeeds(entry, lowered.entries[entry]!, feeds);
  };
  const program: Program = {
    module,
    lowered,
    ...(executable.takesRows === undefined ? {} : { takesRows: executable.takesRows }),
    run: plain ? (entry, feeds) => executable.run(entry, feeds) : (entry, feeds) => executable.run(entry, complete(entry, feeds)),
    ...(executable.runSync === undefined
      ? {}
      : {
          runSync: plain
            ? (entry: string, feeds: Feeds) => executable.runSync!(entry, feeds)
            : (entry: string, feeds: Feeds) => executable.runSync!(entry, complete(entry, feeds)),
        }),
    ...(executable.profile === undefined
      ? {}
      : { profile: (entry: string, feeds: Feeds) => executable.profile!(entry, complete(entry, feeds)) }),
    snapshot: (i) => executable.snapshot(i),
    read: (i) => executable.read(i),
    write: (i, data) => executable.write(i, data),
    ...(executable.adopt === undefined ? {} : { adopt: (i: number, storage: Storage) => executable.adopt!(i, storage) }),
    ...(executable.take === undefined ? {} : { take: (i: number) => executable.take!(i) }),
    dispose() {
      checked = undefined;
      finalizers.unregister(program);
      executable.dispose();
    },
  };
  if (executable.finalizer !== undefined) finalizers.register(program, executable.finalizer, program);
  return program;
}

/**
 * Compiles a module on `backend` and moves its variables there.
 *
 * @throws ErmineError ERMINE_USAGE where another program owns one of the variables
 */
export function compileModule(backend: Backend, module: GraphModule): Program {
  const taken = module.variables.find((variable) => variable.owned);
  if (taken !== undefined) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${taken.name} is in use by another compiled program. Dispose that one first, or compile both as entries of one.`,
    );
  }
  const apart = compileApart(backend, module);
  const program: Program = {
    ...apart,
    dispose() {
      for (const variable of module.variables) variable.disown(program);
      apart.dispose();
    },
  };
  try {
    module.variables.forEach((variable, i) => variable.own(program, backend, i));
  } catch (error) {
    program.dispose();
    throw error;
  }
  return program;
}

function withHostFeeds(entry: string, graph: Graph, feeds: Feeds): Feeds {
  if (graph.hostFeeds.length === 0) return feeds;
  const hosted = new Set(graph.hostFeeds.map((feed) => feed.name));
  const bindings = bindFeeds(entry, { ...graph, feeds: graph.feeds.filter((feed) => !hosted.has(feed.name)) }, feeds);
  const all: Record<string, Feed> = { ...feeds };
  for (const { name, op, attributes, inputs, type } of graph.hostFeeds) {
    const numbers = op.host!(
      inputs.map((input) => hostNumbers(entry, input, feeds[input]!)),
      bind(attributes, bindings),
    );
    all[name] = { shape: concrete(bind(type.shape, bindings)), value: numbers };
  }
  return all;
}

function hostNumbers(entry: string, name: string, feed: Feed): ArrayLike<number> {
  if (ArrayBuffer.isView(feed.value)) return feed.value as TypedArray;
  if (isFeedSource(feed.value)) {
    const target = allocate(
      "int32",
      feed.shape.reduce((a, b) => a * b, 1),
    );
    feed.value.copyInto(target);
    return target;
  }
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    `${entry}: "${name}" must be fed as host numbers: random bits are made from it on the host.`,
  );
}
