/** Traced computations as plain data: pure functions from feeds and variables to outputs and new values of variables. */
import type { Attributes, Storage, TensorType } from "./contract.js";
import type { Op } from "../dispatch/dispatch.js";
import type { TypedArray } from "../types/dtype.js";
import type { Variable } from "../dispatch/variable.js";
import type { Requirement } from "./requirements.js";

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
  /** What the op is told. */
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
  readonly variable: Variable;
}
/** A tensor that was there before the trace. */
export interface ConstantNode extends NodeBase {
  /** Which node it is. */
  readonly kind: "constant";
  /** Host numbers (float32 ones may be a Float64Array), or a storage of the backend that the graph was traced for. */
  readonly data: TypedArray | undefined;
  /** Its elements on a backend; undefined where they are on the host. */
  readonly storage: Storage | undefined;
  /** Whose storage it is: held, so that it is not collected before the graph. */
  readonly owner: object | undefined;
}
/** A node of a graph. */
export type Node = OpNode | FeedNode | VariableNode | ConstantNode;

/** What a trace recorded: from feeds and variables to outputs and new values of variables. */
export interface Graph {
  /** The inputs. */
  readonly feeds: readonly FeedNode[];
  /** Every node, in topological order. */
  readonly nodes: readonly Node[];
  /** The results. */
  readonly outputs: readonly Value[];
  /** The new values of variables. */
  readonly updates: readonly { readonly variable: Variable; readonly value: Value }[];
  /** A bool scalar: the updates are taken only where it is true. Absent: always. */
  readonly commit: Value | undefined;
  /** Sizes for which the graph has no meaning; on the graph as it was traced, `compileApart` holds its feeds to them. */
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
  /** What the op is told. */
  readonly attributes: Attributes;
  /** The names of the feeds that its inputs are. */
  readonly inputs: readonly string[];
  /** The shape, dtype and domain of the result. */
  readonly type: TensorType;
}

/** Entries that share their variables. */
export interface GraphModule {
  /** The variables of all entries. */
  readonly variables: readonly Variable[];
  /** The graphs, by name. */
  readonly entries: Readonly<Record<string, Graph>>;
}

/** Attributes as text, equal only where they are: JSON has no NaN, no infinities and no −0. */
export const attributesKey = (attributes: Attributes): string =>
  JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? "-0" : value}`
      : value,
  );
