/** Traced computations as plain data: pure functions from feeds and variables to outputs and new values of variables. */
import type { Attributes, Storage, TensorType } from "./contract.js";
import type { Op } from "../dispatch/dispatch.js";
import type { TypedArray } from "../types/dtype.js";
import type { Variable } from "../dispatch/variable.js";
import type { Requirement } from "./requirements.js";

/** One output of a node. */
export interface Value {
  readonly node: Node;
  readonly index: number;
  readonly type: TensorType;
}

interface NodeBase {
  /** Position in creation order: a topological order. */
  readonly id: number;
  readonly outputs: readonly Value[];
  /** The path of the module that asked for it ("encoder.0"), for messages and profiles. */
  readonly path: string;
}

export interface OpNode extends NodeBase {
  readonly kind: "op";
  readonly op: Op;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
}
export interface FeedNode extends NodeBase {
  readonly kind: "feed";
  readonly name: string;
}
export interface VariableNode extends NodeBase {
  readonly kind: "variable";
  readonly variable: Variable;
}
export interface ConstantNode extends NodeBase {
  readonly kind: "constant";
  /** Host numbers (float32 ones may be a Float64Array), or a storage of the backend that the graph was traced for. */
  readonly data: TypedArray | undefined;
  readonly storage: Storage | undefined;
  /** Whose storage it is: held, so that it is not collected before the graph. */
  readonly owner: object | undefined;
}
export type Node = OpNode | FeedNode | VariableNode | ConstantNode;

export interface Graph {
  readonly feeds: readonly FeedNode[];
  /** Every node, in topological order. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly Value[];
  readonly updates: readonly { readonly variable: Variable; readonly value: Value }[];
  /** A bool scalar: the updates are taken only where it is true. Absent: always. */
  readonly commit: Value | undefined;
  /** Sizes for which the graph has no meaning; on the graph as it was traced, `compileApart` holds its feeds to them. */
  readonly requirements?: readonly Requirement[];
  /** Feeds that the host computes from other feeds, because the backend cannot (random bits); `compileModule` fills them. */
  readonly hostFeeds: readonly HostFeed[];
}

export interface HostFeed {
  readonly name: string;
  readonly op: Op;
  readonly attributes: Attributes;
  /** The names of the feeds that its inputs are. */
  readonly inputs: readonly string[];
  readonly type: TensorType;
}

/** Entries that share their variables. */
export interface GraphModule {
  readonly variables: readonly Variable[];
  readonly entries: Readonly<Record<string, Graph>>;
}

/** Attributes as text, equal only where they are: JSON has no NaN, no infinities and no −0. */
export const attributesKey = (attributes: Attributes): string =>
  JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? "-0" : value}`
      : value,
  );
