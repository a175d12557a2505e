/** Runs the trainer's entries on a backend: compiled into one program that shares its variables, or eagerly. */
import {
  Dim,
  ErmineError,
  scope,
  tensor,
  Tensor,
  Variable,
  withBackend,
  type Backend,
  type Domain,
  type DType,
  type Tree,
  type TypedArray,
} from "@ermine/core";
import {
  type Feed,
  type Graph,
  type GraphModule,
  type OpObserver,
  type Program,
  type TracedEntry,
  type GraphVariable,
  type VariableCheck,
  allocate,
  compileModule,
  currentTrace,
  graphModule,
  isFeedSource,
  observeOps,
  traceEntry,
  type Trace,
} from "@ermine/core/backend";
import { concrete, formatShape } from "@ermine/core/define";
import { batchAxis, mapColumns, signatureOf } from "../data/columns.js";
import type { ColumnType, ColumnTypes } from "../data/source.js";
import type { BatchTensors } from "../risk/objective.js";
import type { Update } from "./outcome.js";

/** Result of an entry: tensors for the host, and new values of variables under a condition. */
export interface EntryResult {
  readonly outputs: readonly Tensor[];
  /** The tree that the outputs stand in: each one's place among them. */
  readonly structure?: Tree<number>;
  readonly updates?: readonly Update[];
  readonly ok?: Tensor;
}

export interface EntryArguments {
  readonly batch: BatchTensors | undefined;
  readonly counters: Tensor;
  readonly scalars: Tensor;
  /** The runs that were accepted before this one, as the host counts them; fed where it is asked for. */
  accepted(): Tensor;
}

export type EntryBody = (args: EntryArguments) => EntryResult;

/** Structure of an entry's feeds: the types of a batch's columns. */
export interface EntrySpec {
  readonly columns: ColumnTypes | undefined;
  readonly scalarCount: number;
  /** Does a refused run keep those that are queued after it from changing anything? */
  readonly isInFlight?: boolean;
}

/** An output on the host. */
export interface HostOutput {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  /** Bytes are bool's only by this. */
  readonly dtype?: DType;
  /** Domain of the elements. */
  readonly domain?: Domain;
}

interface Entry {
  readonly body: EntryBody;
  readonly spec: EntrySpec;
  traced: TracedEntry | undefined;
  structure: Tree<number> | undefined;
}

/** Feeds of an entry, by name. */
export type EntryFeeds = Readonly<Record<string, Feed>>;

/** Looks at the ops of an eager run. */
export interface OpWatch {
  readonly observe: OpObserver;
  /** Did it keep this tensor? */
  holds(tensor: Tensor): boolean;
}

export class Engine {
  readonly #compiled: boolean;
  readonly #buffers: readonly Variable[];
  readonly #variables: () => readonly Variable[];
  readonly #entries = new Map<string, Entry>();
  #backend: Backend | undefined;
  #program: Program | undefined;
  /** Puts back what the entry that runs now has changed already. */
  #undo: (() => void) | undefined;
  /** A run that began before is refused what it would write. */
  #disposals = 0;

  /**
   * @param buffers variables that a forward changes by itself (running means): put back where a step is refused
   * @param variables all of the model's: an entry that uses another one is refused
   */
  constructor(compiled: boolean, buffers: readonly Variable[], variables: () => readonly Variable[]) {
    this.#compiled = compiled;
    this.#buffers = buffers;
    this.#variables = variables;
  }

  /** The backend that the entries run on. @throws ErmineError ERMINE_USAGE where none is chosen yet */
  get backend(): Backend {
    if (this.#backend !== undefined) return this.#backend;
    throw new ErmineError(
      "ERMINE_USAGE",
      "The trainer has not chosen its backend yet: fit, evaluate, predict and plan do. Ask after one of them, or hand a backend in.",
    );
  }

  /** Is a report there when its run returns? */
  get answersAtOnce(): boolean {
    return this.#compiled && this.backend.readSync !== undefined;
  }

  /** Number of runs that may be queued before the first report is read. */
  get runsInFlight(): number {
    if (!this.#compiled || this.backend.readSync !== undefined) return 1;
    return Math.max(1, Math.floor(this.backend.runsInFlight ?? 1));
  }

  get placed(): boolean {
    return this.#backend !== undefined;
  }

  /** From here on the entries run on `backend`. */
  place(backend: Backend): void {
    this.#backend = backend;
  }

  get compiled(): boolean {
    return this.#compiled;
  }

  /** The compiled program, where there is one. */
  get program(): Program | undefined {
    return this.#program;
  }

  /** Makes an entry known; the same name with the same structure again changes nothing. @returns whether something changed */
  define(name: string, spec: EntrySpec, body: EntryBody): boolean {
    if (this.isDefined(name, spec)) return false;
    this.#entries.set(name, { body, spec, traced: undefined, structure: undefined });
    this.#release();
    return true;
  }

  /** The entries that there are now. @returns forgets those that were defined since: what needs them defines them again */
  mark(): () => void {
    const before = new Map(this.#entries);
    return () => {
      this.forget([...this.#entries].flatMap(([name, entry]) => (before.get(name) === entry ? [] : [name])));
    };
  }

  /** Drops entries whose bodies have changed. */
  forget(names: readonly string[]): void {
    if (names.filter((name) => this.#entries.delete(name)).length > 0) this.#release();
  }

  /** Traces every entry that is not yet: their graphs, for any backend. */
  trace(): GraphModule {
    // Looked up before: what only comes to be while the model runs is not trained.
    const variables = new Set(this.#variables());
    for (const [name, entry] of this.#entries) {
      entry.traced ??= traceEntry(name, (trace) => traceBody(trace, entry, variables));
    }
    return graphModule(Object.fromEntries([...this.#entries].map(([name, entry]) => [name, entry.traced!.graph])));
  }

  /** The model's variables that the body of such an entry would write by itself. It becomes no entry. */
  writtenBy(name: string, spec: EntrySpec, body: EntryBody): Variable[] {
    const variables = new Set(this.#variables());
    const entry: Entry = { body, spec, traced: undefined, structure: undefined };
    const { graph } = traceEntry(name, (trace) => traceBody(trace, entry, variables));
    return graph.updates.map(({ variable }) => variable as Variable);
  }

  /** Does that entry stand, with that structure? */
  isDefined(name: string, spec: EntrySpec): boolean {
    const entry = this.#entries.get(name);
    return entry !== undefined && signature(entry.spec) === signature(spec);
  }

  /** An entry as it was traced. @throws ErmineError ERMINE_USAGE where it was not yet */
  graph(name: string): Graph {
    const traced = this.#entries.get(name)?.traced;
    if (traced === undefined) throw new ErmineError("ERMINE_USAGE", `The entry "${name}" is not traced yet.`);
    return traced.graph;
  }

  /** The tree that the outputs of a traced entry stand in. */
  structure(name: string): Tree<number> {
    return this.#entries.get(name)?.structure ?? 0;
  }

  /** Makes the program, so that what cannot work is said before the first step. */
  prepare(): void {
    if (this.#program !== undefined) return;
    const module = this.trace();
    if (this.#compiled) this.#program = compileModule(this.backend, module);
  }

  /** Runs an entry over `size` samples and reads its outputs. A backend that answers at once is not waited for. */
  run(name: string, feeds: EntryFeeds, size: number): HostOutput[] | Promise<HostOutput[]> {
    this.prepare();
    return this.#compiled ? this.#runProgram(name, feeds, size) : this.runEagerly(name, feeds);
  }

  /**
   * Runs an entry and reads its first output, which holds until the next run: what a loop calls over and over. A backend that answers at
   * once is not waited for.
   */
  report(name: string, feeds: EntryFeeds): TypedArray | Promise<TypedArray> {
    this.prepare();
    if (!this.#compiled) return this.runEagerly(name, feeds).then(([first]) => first!.data);
    const program = this.#program!;
    if (program.runSync !== undefined) return program.runSync(name, feeds)[0]!;
    const { backend } = this;
    const [first, ...others] = program.run(name, feeds);
    for (const storage of others) backend.release(storage);
    if (backend.readSync !== undefined) {
      const report = backend.readSync(first!);
      backend.release(first!);
      return report;
    }
    return backend.read(first!).finally(() => backend.release(first!));
  }

  #runProgram(name: string, feeds: EntryFeeds, size: number): HostOutput[] | Promise<HostOutput[]> {
    const backend = this.backend;
    const storages = this.#program!.run(name, feeds);
    const { graph } = this.#entries.get(name)!.traced!;
    const shapes = graph.outputs.map(({ type }) =>
      type.shape.map((axis) => (axis instanceof Dim ? axis.evaluate({ N: size }) : axis)),
    );
    const hostOutput = (data: TypedArray, i: number): HostOutput => {
      backend.release(storages[i]!);
      const { dtype, domain } = graph.outputs[i]!.type;
      return { data, shape: shapes[i]!, dtype, domain };
    };
    if (backend.readSync !== undefined) return storages.map((storage, i) => hostOutput(backend.readSync!(storage), i));
    return Promise.all(storages.map(async (storage, i) => hostOutput(await backend.read(storage), i)));
  }

  /** Runs an entry op by op, `watch` told of each; tensors that it holds are its own to free. */
  async runEagerly(name: string, feeds: EntryFeeds, watch?: OpWatch): Promise<HostOutput[]> {
    const { body, spec } = this.#entries.get(name)!;
    const disposals = this.#disposals;
    const check = (): void => {
      if (this.#disposals !== disposals) throw new ErmineError("ERMINE_USAGE", `${name}: the trainer was disposed meanwhile.`);
    };
    const before = await Promise.all(this.#buffers.map(async (buffer) => [buffer, await buffer.data()] as const));
    check();
    const run = (): EntryResult => body(eagerArguments(spec, feeds));
    // What the layers have written (running statistics) is as it was.
    const undo = (): void => scope(() => before.forEach(([buffer, data]) => buffer.write(data)));
    this.#undo = undo;
    let result: EntryResult;
    try {
      result = withBackend(this.backend, () => scope(() => (watch === undefined ? run() : observeOps(watch.observe, run))));
    } catch (error) {
      this.undo();
      throw error;
    }
    const tensors = [
      ...result.outputs,
      ...(result.updates ?? []).map(([, t]) => t),
      ...(result.ok === undefined ? [] : [result.ok]),
    ];
    try {
      const ok = result.ok === undefined || (await result.ok.data())[0] !== 0;
      const after = ok
        ? (result.updates ?? []).map(async ([variable, value]) => [variable, await value.data()] as const)
        : before;
      const writes = await Promise.all(after);
      check();
      this.#undo = undefined;
      // In a scope, so that what the variables held before is freed now and not when the collector comes by.
      scope(() => {
        for (const [variable, data] of writes) variable.write(data);
      });
      return await Promise.all(
        result.outputs.map(async (t) => ({
          data: await t.data(),
          shape: concrete(t.shape),
          dtype: t.dtype,
          domain: t.domain as Domain,
        })),
      );
    } finally {
      // Not taken.
      if (this.#undo === undo) this.undo();
      for (const t of tensors) if (watch?.holds(t) !== true) t.dispose();
    }
  }

  /** Puts back what the entry that runs now has changed already, where it is not done. */
  undo(): void {
    const undo = this.#undo;
    this.#undo = undefined;
    undo?.();
  }

  #release(): void {
    this.#program?.dispose();
    this.#program = undefined;
  }

  /** Gives the variables back their numbers, and frees the program. */
  dispose(): void {
    this.#disposals++;
    this.#release();
    this.#entries.clear();
  }
}

/** Runs fn, and refuses what would be neither trained nor saved: variables that are not the model's. */
function withModelVariables<T>(trace: Trace, variables: ReadonlySet<GraphVariable>, fn: () => T): T {
  let refused: ErmineError | undefined;
  const check: VariableCheck = (variable, access) => {
    // The optimizer's are read, and so may frozen ones be; they are written after the body.
    if (variables.has(variable) || (access === "read" && !variable.trainable)) return;
    refused = foreignVariable(variable, access);
    throw refused;
  };
  try {
    return trace.checked(check, fn);
  } catch (error) {
    // A module would have added its place.
    throw refused !== undefined && error === refused ? refused.at("the loss, outside of the model's modules") : error;
  }
}

const foreignVariable = ({ trainable, shape }: GraphVariable, access: "read" | "write"): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `A ${trainable ? "parameter" : "variable"} ${formatShape(shape)} is ${access === "read" ? "used" : "changed"} here that is not among the model's, ` +
      `so it would ${trainable ? "neither be trained nor saved" : "not be saved"}. A model finds what its constructor puts into properties, arrays, ` +
      "plain objects, Maps and Sets; not what is in #private fields, behind getters, under symbols, in objects of classes that are no modules, or " +
      `outside of the model. Make it a property of its module${trainable ? ", or freeze() it where it is not to be trained" : ""}.`,
  );

function traceBody(trace: Trace, entry: Entry, variables: ReadonlySet<Variable>): unknown {
  const { body, spec } = entry;
  const feed = (column: ColumnType, name: string): Tensor =>
    trace.feed(name, { shape: [batchAxis, ...column.shape], dtype: column.dtype, domain: "real" });
  const args: EntryArguments = {
    batch: batchOf(spec, feed),
    counters: trace.feed("counters", { shape: [3], dtype: "int32", domain: "real" }),
    scalars: trace.feed("scalars", { shape: [spec.scalarCount], dtype: "float32", domain: "real" }),
    accepted: () => trace.feed("accepted", { shape: [1], dtype: "int32", domain: "real" }),
  };
  const result = withModelVariables(trace, variables, () => body(args));
  for (const [variable, value] of result.updates ?? []) variable.value = value;
  if (result.ok !== undefined) currentTrace()!.commitIf(result.ok);
  entry.structure = result.structure;
  return [...result.outputs];
}

export function eagerArguments(spec: EntrySpec, feeds: EntryFeeds): EntryArguments {
  const feedTensor = (name: string, dtype: "float32" | "int32" | "bool"): Tensor => {
    const feed = feeds[name];
    if (feed === undefined) throw new ErmineError("ERMINE_DATA", `"${name}" is not fed.`);
    const length = feed.shape.reduce((a, b) => a * b, 1);
    let data = feed.value as TypedArray;
    if (isFeedSource(feed.value)) feed.value.copyInto((data = allocate(dtype, length)));
    return tensor(data, { shape: [...feed.shape], dtype });
  };
  return {
    batch: batchOf(spec, (column, name) => feedTensor(name, column.dtype)),
    counters: feedTensor("counters", "int32"),
    scalars: feedTensor("scalars", "float32"),
    accepted: () => feedTensor("accepted", "int32"),
  };
}

function batchOf({ columns }: EntrySpec, feed: (column: ColumnType, name: string) => Tensor): BatchTensors | undefined {
  if (columns === undefined) return undefined;
  const { inputs, targets, sampleWeights } = mapColumns(columns, feed);
  return { inputs, targets, sampleWeights };
}

const signature = ({ columns, scalarCount, isInFlight = false }: EntrySpec): string =>
  `${columns === undefined ? "" : signatureOf(columns)}|${scalarCount}|${isInFlight}`;
