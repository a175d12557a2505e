/**
 * The contract of backends: storage, kernels for ops, and optionally a compiler for whole graphs. Autograd,
 * shape checking, decomposition, domains and lifetimes stay in core. The smallest example is `@ermine/core/reference`.
 */
import type { DType, TypedArray } from "../types/dtype.js";
import type { Device, Storage, TensorType } from "../types/storage.js";
import type { GraphModule, OpNode, VariableStorage } from "./graph.js";
import type { Attributes } from "./op.js";

export type { VariableStorage } from "./graph.js";
export type { Attributes } from "./op.js";
export type { Device, Storage, TensorType } from "../types/storage.js";

/** An input as a kernel gets it: sizes are numbers, dtype is one that the backend declared. */
export interface KernelInput {
  /** Where the backend has the elements. */
  readonly storage: Storage;
  /** The shape of the input. */
  readonly shape: readonly number[];
  /** The dtype of the input. */
  readonly dtype: DType;
}

/** An output of a kernel. */
export interface KernelOutput {
  /** The shape of the output. */
  readonly shape: readonly number[];
  /** The dtype of the output. */
  readonly dtype: DType;
}

/**
 * Primitives have no decomposition: a backend has them all, for the dtypes that it stores. Those that only move elements (reshape,
 * transpose, slice, gather, where, …) come in every dtype; arithmetic, sum, prod, max, min, argMax, sort and cumsum in float32 and int32,
 * comparisons in these and bool where bool is stored as numbers.
 * An op with indices (`lookup` in its definition) throws ERMINE_VALUE where one of them is not in 0 … size − 1, "the index 9 is not in 0 … 4", and
 * never reads or writes elsewhere; a compiled program that meets one writes no variable, and throws when it has run.
 *
 * Computes an op's outputs into fresh storages. An absent optional input is undefined. Inputs are never written.
 */
export type Kernel = (
  inputs: readonly (KernelInput | undefined)[],
  attributes: Attributes,
  outputs: readonly KernelOutput[],
) => readonly Storage[];

/** The capabilities of a backend. */
export interface Capabilities {
  /**
   * The ops that have a kernel (eager) or a lowering (compiled), by the names of the definitions that are bound to them (`bindKernels`), with the dtypes of
   * their first input: another definition of such a name is decomposed. The other inputs have the dtypes that the op's
   * definition says of each (`InputSpec.dtype`): core casts to them or refuses, so that a kernel sees no other.
   */
  readonly ops: ReadonlyMap<string, readonly DType[]>;
  /** A backend without int32 or bool gets float32 in their place. */
  readonly dtypes: readonly DType[];
  /** The same inputs give the same bits. */
  readonly deterministic: boolean;
  /** Does `compile` take loops (`LoopNode`)? Default false: their steps are written out. What is interpreted has loops anyway. */
  readonly loops?: boolean;
  /** Does `compile` take conditionals (`ConditionalNode`)? Default false: both branches are computed. What is interpreted has conditionals anyway. */
  readonly conditionals?: boolean;
}

/** A backend: storages, kernels, and optionally a compiler. See CONTRIBUTING.md. */
export interface Backend extends Device {
  /** For people: "WebAssembly, relaxed SIMD, 1 thread". */
  readonly engine: string;
  /** Further columns for tables: threads, SIMD, device. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** Its capabilities. */
  readonly capabilities: Capabilities;
  /** A kernel for each op that it has one for, by the op's name. */
  readonly kernels: Readonly<Record<string, Kernel>>;
  /** Where a kernel takes only some inputs or options of its op: does it take these? Absent: all. What it refuses is decomposed. */
  supports?(op: string, inputs: readonly (TensorType | undefined)[], attributes: Attributes): boolean;
  /**
   * Makes the place where a variable's elements are while programs read and write them. Absent, or without
   * `compile`: core keeps a storage for each variable and replaces it (`StoredVariable`), which is what `interpret` works on.
   *
   * @param initial a storage of this backend that becomes the variable's own: nothing is copied, and its caller has it no more. Absent: all
   * elements are 0
   */
  createVariable?(type: KernelOutput, initial?: Storage): VariableStorage;
  /**
   * Compiles a module. Its variables are the places given, in the order of `module.variables`; other programs may have them too.
   *
   * @param variables places that `createVariable` made; they outlive the executable, which never releases them
   */
  compile?(module: GraphModule, variables: readonly VariableStorage[]): Executable;
  /**
   * Where the engine answers later: how many runs may be queued before the first is read. They are done in order, and each sees what the ones before
   * it have written. Default 1.
   */
  readonly runsInFlight?: number;
  /** Live storages and their bytes, those of variables and executables included. */
  memory(): { readonly tensors: number; readonly bytes: number };
  /** Frees everything. It cannot be used afterwards. */
  dispose(): void;
}

/**
 * Elements that the backend pulls while it runs: the one call from a backend to the data. A storage has no method of this name, so that it tells
 * which of the two a feed is (`isFeedSource`).
 */
export interface FeedSource {
  /** Writes all elements straight into the backend's own memory. @param target a view of the feed's size and dtype; it is not kept */
  copyInto(target: TypedArray): void;
}

/** The value of an input of a program. */
export interface Feed {
  /** Sizes as numbers: they bind the graph's symbols. */
  readonly shape: readonly number[];
  /** Elements on the host, a storage of the backend, or what writes them into the backend's memory. */
  readonly value: TypedArray | Storage | FeedSource;
  /** Of a storage: fed are these of its rows, in this order. Only where the executable `supportsRowGather`. */
  readonly rows?: Int32Array;
}

/** One feed for each of the entry's, by name. An object that is fed again has the names and shapes that it had. */
export type Feeds = Readonly<Record<string, Feed>>;

/** Graphs that share variables and buffers: step, accumulate, apply, evaluate, predict, … */
export interface Executable {
  /** Does it gather rows of a storage itself, faster than they could be written into a feed? See Feed. Absent: no. */
  readonly supportsRowGather?: boolean;
  /**
   * Queues the work and answers at once; outputs are ordinary storages that belong to the caller, who releases them.
   * Variables' new values are taken after every read, and only where the entry's commit condition holds.
   *
   * @throws ErmineError ERMINE_VALUE where an index is outside of its axis; variables are as they were
   */
  run(entry: string, feeds: Feeds): readonly Storage[];
  /**
   * Runs an entry as `run` does and gives its outputs' elements at once, in views that hold until a program of the backend runs or a variable is
   * written: nothing is made that must be released. Absent where the engine answers later.
   */
  runSync?(entry: string, feeds: Feeds): readonly TypedArray[];
  /**
   * Runs an entry as `run` does, nothing left out, and says how long its parts took. Where one instruction is several nodes of the
   * graph it is one part. Absent: the trainer times the eager kernels, one by one.
   */
  profile?(entry: string, feeds: Feeds): Promise<readonly PartTime[]>;
  /** Frees what the program holds, but for its variables. */
  dispose(): void;
  /**
   * Gives back what the program holds on the backend: called where the program was collected without `dispose()`. It must not refer to the module, to
   * its variables, or to the executable, or none of them is ever collected. Absent: what is held stays until the backend is disposed.
   */
  readonly finalizer?: () => void;
}

/** The time of one part of a program. */
export interface PartTime {
  /** The graph's nodes, their sizes numbers, that the part computes; none for what is no node's (copies at the end). */
  readonly nodes: readonly OpNode[];
  /** The median time of the part. */
  readonly seconds: number;
}

/** Can a backend run here? If not, why, and what to do. */
export type Probe =
  | {
      /** Can it run here? */
      readonly available: true;
      /** The device or engine that it would run on. */
      readonly engine: string;
    }
  | {
      /** Can it run here? */
      readonly available: false;
      /** Why it cannot. */
      readonly reason: string;
      /** The remedy. */
      readonly remedy: string;
    };

/** The object that a package exports for the registry. */
export interface BackendPlugin {
  /** The name that the backend is registered by. */
  readonly name: string;
  /**
   * The version of this contract that it was written for. In 2, the present one, feeds are pulled by `FeedSource.copyInto`, variables state their role
   * (`Variable.role`), and runs may be queued (`runsInFlight`).
   */
  readonly contract: 1 | 2;
  /** `auto` takes the available plugin of the highest priority. reference 0, cpu 50, tfjs 60. */
  readonly priority: number;
  /** Can it run here? Starts nothing. */
  probe(): Promise<Probe>;
  /** Starts the backend. */
  create(options?: unknown): Promise<Backend>;
}
