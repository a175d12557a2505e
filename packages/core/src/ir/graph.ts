/** Traced computations as plain data: pure functions from feeds and variables to outputs and new values of variables. */
import { checkCall } from "./arguments.js";
import type { Attributes, Op } from "./op.js";
import type { AnyTypedArray } from "../types/arrays.js";
import type { TypedArray } from "../types/dtype.js";
import type { Device, Storage, TensorType } from "../types/storage.js";
import type { Tensor } from "../types/tensor.js";
import type { Requirement } from "./requirements.js";

/**
 * The elements of a variable in a backend's memory: one place, which every program over the variable reads and writes. It knows nothing of
 * the variable, so that a variable that nobody can reach any more is collected.
 */
export interface VariableStorage {
  /** The elements now, as an ordinary storage that is the caller's: a copy. */
  snapshot(): Storage;
  /** The elements now, on the host. */
  read(): Promise<TypedArray>;
  /** Replaces the elements, for every program: by host ones, or by a copy of a storage of this backend. */
  write(data: TypedArray | Storage): void;
  /** Ends the place and gives its elements to the caller, who releases them; nothing is copied. Called when no program has it any more. */
  take(): Storage;
  /** Ends the place with its elements. Called when no program has it any more. */
  release(): void;
}

/**
 * The role of a variable in training.
 * - "parameter": what is minimized over.
 * - "buffer": what layers change themselves in a forward (running statistics), or a constant that is saved with the model.
 * - "slot": what an optimizer keeps for a parameter (momentum, second moment).
 * - "average": a slot that holds an average of the parameter along the way.
 * - "gradientSum": what the micro-batches of an update have added up so far.
 * - "counter": runs accepted on the device, by which runs in flight know of a refused one.
 */
export type VariableRole = "parameter" | "buffer" | "slot" | "average" | "gradientSum" | "counter";

/** A variable as graphs and programs see it: `Variable` is the one there is. */
export interface GraphVariable {
  /** Shape, dtype and domain, which stay. */
  readonly type: TensorType;
  /** Its sizes. */
  readonly shape: readonly number[];
  /** For messages; a module's path where it has one. */
  readonly name: string;
  /** The role in training. */
  readonly role: VariableRole;
  /** Do optimizers update it? */
  readonly trainable: boolean;
  /** A copy of the elements. */
  data(): Promise<TypedArray>;
  /** Replaces the elements by those of an array of any kind. */
  write(data: AnyTypedArray | readonly number[]): void;
  /** The backend whose memory has the elements while compiled programs read and write them; undefined while none does. */
  readonly placedOn: Device | undefined;
  /** @internal The tensor outside of traces and tapes; a snapshot while programs have the variable. */
  eagerValue(): Tensor;
  /** @internal One more program of `backend` has the variable. `create` makes the place of its elements where there is none yet. */
  hold(backend: Device, create: (initial?: Storage) => VariableStorage): VariablePlacement;
  /** @internal A program of `backend` that had the variable has ended. */
  letGo(backend: Device): void;
}

/** Where a variable's elements are while programs of one backend have it; there may be one for each of several backends. */
export interface VariablePlacement {
  /** The place. */
  readonly storage: VariableStorage;
  /** The variable's places, this one among them. */
  readonly all: readonly VariablePlacement[];
  /** Has nobody written the variable elsewhere since? */
  readonly isFresh: boolean;
  /** Copies the newest elements here, where they are not. */
  refresh(): void;
  /** The elements here are others now. */
  wrote(): void;
}

/** One output of a node. */
export interface Value {
  /** The node that makes it. */
  readonly node: Node;
  /** Which of the node's outputs it is. */
  readonly index: number;
  /** Its shape, dtype and domain. */
  readonly type: TensorType;
}

interface NodeBase {
  /** Position in creation order: a topological order. */
  readonly id: number;
  readonly outputs: readonly Value[];
  /** The path of the module that asked for it ("encoder.0"), for messages and profiles. */
  readonly path: string;
}

/** A call of an op. */
export interface OpNode extends NodeBase {
  /** Which node it is. */
  readonly kind: "op";
  /** The op. */
  readonly op: Op;
  /** The inputs in call order; undefined where an optional one is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** The attributes of the op. */
  readonly attributes: Attributes;
}
/** An input of the graph. */
export interface FeedNode extends NodeBase {
  /** Which node it is. */
  readonly kind: "feed";
  /** The name that it is fed by. */
  readonly name: string;
}
/** The value of a variable when the graph starts. */
export interface VariableNode extends NodeBase {
  /** Which node it is. */
  readonly kind: "variable";
  /** The variable. */
  readonly variable: GraphVariable;
}
/** A tensor that was there before the trace. */
export interface ConstantNode extends NodeBase {
  /** Which node it is. */
  readonly kind: "constant";
  /** Host values (float32 ones may be a Float64Array), or a storage of the backend that the graph was traced for. */
  readonly data: TypedArray | undefined;
  /** Its elements on a backend; undefined where they are on the host. */
  readonly storage: Storage | undefined;
  /** Whose storage it is: held, so that it is not collected before the graph. */
  readonly owner: object | undefined;
}
/** A node of a graph. */
export type Node = OpNode | FeedNode | VariableNode | ConstantNode;

/** A recorded computation: from feeds and variables to outputs and new values of variables. */
export interface Graph {
  /** The inputs. */
  readonly feeds: readonly FeedNode[];
  /** Every node, in topological order. */
  readonly nodes: readonly Node[];
  /** The results. */
  readonly outputs: readonly Value[];
  /** The new values of variables. */
  readonly updates: readonly { readonly variable: GraphVariable; readonly value: Value }[];
  /** A bool scalar: the updates are taken only where it is true. Absent: always. */
  readonly commit: Value | undefined;
  /** Sizes for which the graph has no meaning; on the graph as it was traced, `compileDetached` holds its feeds to them. */
  readonly requirements?: readonly Requirement[];
  /** Feeds that the host computes from other feeds, because the backend cannot (random bits); `compileModule` fills them. */
  readonly hostFeeds: readonly HostFeed[];
}

/** An input that the host computes for a backend that lacks the op. */
export interface HostFeed {
  /** The name that it is fed by. */
  readonly name: string;
  /** The op that the host runs. */
  readonly op: Op;
  /** The attributes of the op. */
  readonly attributes: Attributes;
  /** The names of the feeds that its inputs are. */
  readonly inputs: readonly string[];
  /** The shape, dtype and domain of the result. */
  readonly type: TensorType;
}

/** Entries that share their variables. */
export interface GraphModule {
  /** The variables of all entries. */
  readonly variables: readonly GraphVariable[];
  /** The graphs, by name. */
  readonly entries: Readonly<Record<string, Graph>>;
}

/** Attributes as text, equal only where they are: JSON has no NaN, no infinities and no −0. */
export function attributesKey(attributes: Attributes): string {
  checkCall("attributesKey(attributes)", arguments);
  return JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? "-0" : value}`
      : value,
  );
}
