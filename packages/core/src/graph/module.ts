/** From traced entries to a running program: lowering, compiling (or interpreting), and handing over the variables. */
import type { Backend, Executable, Feed, Feeds, VariableStorage } from "../ir/contract.js";
import type { Storage } from "../types/storage.js";
import { context } from "../dispatch/context.js";
import { checkBackend } from "../dispatch/currentBackend.js";
import { checkCall } from "../ir/arguments.js";
import { createVariable } from "./storedVariable.js";
import { ErmineError } from "../types/errors.js";
import { finalizationRegistry, weakReference } from "../types/finalizers.js";
import { bind, concrete } from "../types/dim.js";
import { allocate, type TypedArray } from "../types/dtype.js";
import { bindFeeds, isFeedSource } from "./feeds.js";
import type { Graph, GraphModule, GraphVariable, VariablePlacement } from "../ir/graph.js";
import { interpret } from "./interpret.js";
import { openSizes } from "./openSizes.js";
import { lowerModule } from "./passes.js";
import { checkRequirements } from "../ir/requirements.js";

/** Entries that share variables, each variable once. */
export function graphModule(entries: Readonly<Record<string, Graph>>): GraphModule {
  checkCall("graphModule(entries)", arguments);
  const variables = new Set<GraphVariable>();
  for (const graph of Object.values(entries)) {
    for (const node of graph.nodes) if (node.kind === "variable") variables.add(node.variable);
  }
  return { variables: [...variables], entries };
}

/** A compiled module and its variables, which other programs of the backend may have too. */
export interface Program extends Executable {
  /** The graphs that it runs, as they were lowered for the backend. */
  readonly module: GraphModule;
  /** The module in the backend's own ops: what really runs. */
  readonly lowered: GraphModule;
  /** The elements of a variable (index in `module.variables`) as an ordinary storage that is the caller's: a copy. */
  snapshot(variable: number): Storage;
  /** The elements of a variable on the host. */
  read(variable: number): Promise<TypedArray>;
  /** Replaces a variable's elements: by host ones, or by a copy of a storage of this backend. */
  write(variable: number, data: TypedArray | Storage): void;
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
 * Compiles a module on `backend`, detached from its variables: the program has elements of its own, 0 until they are written (`write`, by
 * the position in `module.variables`), and changes nobody else's.
 */
export function compileDetached(backend: Backend, module: GraphModule): Program {
  checkCall("compileDetached(backend, module)", arguments);
  checkBackend("compileDetached(backend, module)", backend);
  const lowered = lowerModule(module, backend);
  const places = module.variables.map(({ type }) => createVariable(backend, type));
  const release = releasing(places);
  try {
    return programOver(backend, module, lowered, places, release, alone(places));
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Compiles a module on `backend`. Its variables move there, and stay as long as a program has them: all programs over a variable
 * read and write the same elements, in the order of their runs. Those of one backend address the same memory; between backends elements are copied
 * when a program is about to run that has older ones.
 *
 * @throws ErmineError ERMINE_USAGE where programs of another backend have one of the variables and one of the two backends answers later; all are as
 * they were
 */
export function compileModule(backend: Backend, module: GraphModule): Program {
  checkCall("compileModule(backend, module)", arguments);
  checkBackend("compileModule(backend, module)", backend);
  const lowered = lowerModule(module, backend);
  const held: VariableReference[] = [];
  const letGo = lettingGo(held, backend);
  try {
    const placements = module.variables.map((variable) => {
      const placement = variable.hold(backend, (initial) => createVariable(backend, variable.type, initial));
      held.push(weakReference(variable));
      return placement;
    });
    const places = placements.map(({ storage }) => storage);
    return programOver(backend, module, lowered, places, letGo, inStep(module, placements));
  } catch (error) {
    letGo();
    throw error;
  }
}

// The finalizer of a program refers to nothing of it; it is a function of its own, as closures of one function share all that any of them refers to.

type VariableReference = Pick<WeakRef<GraphVariable>, "deref">;

const releasing = (places: readonly VariableStorage[]) => (): void => {
  for (const place of places) place.release();
};

const lettingGo = (held: VariableReference[], backend: Backend) => (): void => {
  for (const variable of held.splice(0)) variable.deref()?.letGo(backend);
};

const ending = (finalizer: (() => void) | undefined, letGo: () => void) => (): void => {
  finalizer?.();
  letGo();
};

/** A program's variables, and what is to be done about them around a run. */
interface Variables {
  /** Before a run. */
  before(): void;
  /** After a run of that entry. */
  after(entry: string): void;
  /** The place of a variable, its elements as new as any. */
  at(variable: number): VariableStorage;
  /** It was written. */
  wrote(variable: number): void;
}

const nothing = (): void => {};

/** Those that no other program has. */
const alone = (places: readonly VariableStorage[]): Variables => ({
  before: nothing,
  after: nothing,
  at: (variable) => places[variable]!,
  wrote: nothing,
});

/** Those that other programs may have: as new before each run as programs of other backends have left them. */
function inStep(module: GraphModule, placements: readonly VariablePlacement[]): Variables {
  const index = new Map(module.variables.map((variable, i) => [variable, i]));
  const writtenBy = new Map(
    Object.entries(module.entries).map(([entry, { updates }]) => [
      entry,
      updates.map(({ variable }) => placements[index.get(variable)!]!),
    ]),
  );
  return {
    before() {
      if (context.spreadVariables === 0) return;
      for (let i = 0; i < placements.length; i++) if (!placements[i]!.isFresh) placements[i]!.refresh();
    },
    after(entry) {
      if (context.spreadVariables === 0) return;
      const places = writtenBy.get(entry)!;
      for (let i = 0; i < places.length; i++) if (places[i]!.all.length > 1) places[i]!.wrote();
    },
    at(variable) {
      const placement = placements[variable]!;
      placement.refresh();
      return placement.storage;
    },
    wrote: (variable) => placements[variable]!.wrote(),
  };
}

/**
 * @param letGo what becomes of the variables when the program ends. It refers to the places only, so that a program that was dropped is collected
 */
function programOver(
  backend: Backend,
  module: GraphModule,
  lowered: GraphModule,
  places: readonly VariableStorage[],
  letGo: () => void,
  variables: Variables,
): Program {
  const executable = backend.compile?.(lowered, places) ?? interpret(backend, lowered, places);
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
  let ended = false;
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
    ...(executable.supportsRowGather === undefined ? {} : { supportsRowGather: executable.supportsRowGather }),
    run(entry, feeds) {
      variables.before();
      const outputs = executable.run(entry, plain ? feeds : complete(entry, feeds));
      variables.after(entry);
      return outputs;
    },
    ...(executable.runSync && {
      runSync(entry: string, feeds: Feeds) {
        variables.before();
        const outputs = executable.runSync!(entry, plain ? feeds : complete(entry, feeds));
        variables.after(entry);
        return outputs;
      },
    }),
    ...(executable.profile && {
      async profile(entry: string, feeds: Feeds) {
        variables.before();
        const parts = await executable.profile!(entry, plain ? feeds : complete(entry, feeds));
        variables.after(entry);
        return parts;
      },
    }),
    snapshot: (i) => variables.at(i).snapshot(),
    read: (i) => variables.at(i).read(),
    write(i, data) {
      places[i]!.write(data);
      variables.wrote(i);
    },
    dispose() {
      if (ended) return;
      ended = true;
      checked = undefined;
      finalizers.unregister(program);
      executable.dispose();
      letGo();
    },
  };
  finalizers.register(program, ending(executable.finalizer, letGo), program);
  return program;
}

function withHostFeeds(entry: string, graph: Graph, feeds: Feeds): Feeds {
  if (graph.hostFeeds.length === 0) return feeds;
  const hosted = new Set(graph.hostFeeds.map((feed) => feed.name));
  const bindings = bindFeeds(entry, { ...graph, feeds: graph.feeds.filter((feed) => !hosted.has(feed.name)) }, feeds);
  const complete: Record<string, Feed> = { ...feeds };
  for (const { name, op, attributes, inputs, type } of graph.hostFeeds) {
    const value = op.host!(
      inputs.map((input) => hostNumbers(entry, input, feeds[input]!)),
      bind(attributes, bindings),
    );
    complete[name] = { shape: concrete(bind(type.shape, bindings)), value };
  }
  return complete;
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
