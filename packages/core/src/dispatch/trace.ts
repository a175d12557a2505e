/** Recording: while a trace runs, every op becomes a node of its graph instead of being computed. */
import type { Backend } from "../ir/contract.js";
import type { ConstantNode, FeedNode, Graph, GraphVariable, HostFeed, Node, OpNode, Value, VariableNode } from "../ir/graph.js";
import type { Attributes, Op, OptionalTensors } from "../ir/op.js";
import type { Requirement } from "../ir/requirements.js";
import { checkCall } from "../ir/arguments.js";
import { hasKernel, needsLowering } from "../ir/support.js";
import { checkArguments } from "../types/arguments.js";
import { checkDTypeName } from "../types/dtype.js";
import { ErmineError } from "../types/errors.js";
import { physicalDType, type TensorType } from "../types/storage.js";
import { eagerState, Tensor, typeOf } from "../types/tensor.js";
import { retype, sameElements } from "../types/views.js";
import { context, within, type Recorder } from "./context.js";
import { checkBackend } from "./currentBackend.js";
import { keep } from "./scope.js";

/** The trace that records, if one does. */
export function currentTrace(): Trace | undefined {
  if (arguments.length > 0) checkArguments("currentTrace", arguments, 0);
  return context.trace as Trace | undefined;
}

/** Told of a variable that is read for the first time, or written; throws where the trace must not have it. */
export type VariableCheck = (variable: GraphVariable, access: "read" | "write") => void;

/** A check of what is fed. */
export interface ValueCheck {
  /** The feed's name. */
  readonly feed: string;
  /** Throws where the values break a rule. */
  check(values: ArrayLike<number>): void;
}

type Draft<N extends Node> = Omit<N, "id" | "outputs" | "path">;

/** One graph in the making. With a backend, ops that it lacks are recorded decomposed and lowered. */
export class Trace implements Recorder {
  readonly #nodes: Node[] = [];
  readonly #feeds: FeedNode[] = [];
  readonly #hostFeeds: HostFeed[] = [];
  readonly #requirements: Requirement[] = [];
  readonly #valueChecks: ValueCheck[] = [];
  readonly #variables = new Map<GraphVariable, { read: Tensor; current: Tensor }>();
  readonly #constants = new Map<object, Tensor>();
  readonly #backend: Backend | undefined;
  #commit: Value | undefined;
  #check: VariableCheck | undefined;

  constructor(backend?: Backend) {
    if (arguments.length > 1) checkArguments("Trace", arguments, 1);
    if (backend !== undefined) checkBackend("new Trace(backend)", backend);
    this.#backend = backend;
  }

  /** Runs fn under this trace. */
  run<T>(fn: () => T): T {
    checkCall("trace.run(fn)", arguments);
    return within("trace", this, fn);
  }

  /** Runs fn, and lets `check` refuse variables that it reads or writes. */
  checked<T>(check: VariableCheck, fn: () => T): T {
    checkCall("trace.checked(check, fn)", arguments);
    const outer = this.#check;
    this.#check = check;
    try {
      return fn();
    } finally {
      this.#check = outer;
    }
  }

  #add<N extends Node>(draft: Draft<N>, types: readonly TensorType[]): Tensor[] {
    const outputs: Value[] = [];
    const node = { ...draft, id: this.#nodes.length, outputs, path: context.path } as unknown as Node;
    types.forEach((type, index) => outputs.push({ node, index, type: this.#physical(type) }));
    this.#nodes.push(node);
    if (node.kind === "feed") this.#feeds.push(node);
    // Tensors keep the dtype that the program speaks of; values have the one that the backend stores.
    return outputs.map((value, i) => new Tensor(types[i]!, { kind: "traced", value, trace: this }));
  }

  #physical(type: TensorType): TensorType {
    return this.#backend === undefined ? type : { ...type, dtype: physicalDType(this.#backend, type.dtype) };
  }

  /** @internal What was recorded so far. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** @internal The states of the eager tensors that became constants. */
  get captured(): ReadonlySet<object> {
    return new Set(this.#constants.keys());
  }

  /** A tensor that is fed at each run. */
  feed(name: string, type: TensorType): Tensor {
    checkCall("trace.feed(name, type)", arguments);
    checkDTypeName("trace.feed", type.dtype);
    return this.#add<FeedNode>({ kind: "feed", name }, [type])[0]!;
  }

  /** Notes a call of an op and gives its outputs. */
  record(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[] {
    const backend = this.#backend;
    if (backend !== undefined) {
      const inputTypes = inputs.map((t) => t && typeOf(t));
      if (needsLowering(backend, op, [...inputTypes, ...types])) return retype(op.lowered!(inputs, attributes), types);
      if (!hasKernel(backend, op, inputTypes, attributes)) {
        if (op.decompose !== undefined) return retype(op.decompose(inputs, attributes), types);
        if (op.host !== undefined) return [this.#hostFeed(op, inputs, attributes, types[0]!)];
        throw new ErmineError("ERMINE_UNSUPPORTED", `The backend "${backend.name}" has no kernel for the primitive ${op.name}.`);
      }
    }
    return this.add(op, inputs, attributes, types);
  }

  /** @internal Notes a call of an op as it is. */
  add(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[] {
    const values = inputs.map((t) => t && this.valueOf(t));
    return this.#add<OpNode>({ kind: "op", op, inputs: values, attributes }, types);
  }

  #hostFeed(op: Op, inputs: OptionalTensors, attributes: Attributes, type: TensorType): Tensor {
    const names = inputs.map((t) => {
      const { node } = this.valueOf(t!);
      if (node.kind !== "feed") {
        throw new ErmineError(
          "ERMINE_UNSUPPORTED",
          `${op.name} is made on the host here, so its inputs must be fed, not computed.`,
        );
      }
      return node.name;
    });
    const name = `host:${this.#hostFeeds.length}`;
    this.#hostFeeds.push({ name, op, attributes, inputs: names, type });
    return this.feed(name, type);
  }

  /** The tensor's place in this graph; an eager one becomes a constant. */
  valueOf(t: Tensor): Value {
    if (!(t instanceof Tensor) || arguments.length > 1) checkCall("trace.valueOf(t)", arguments);
    if (t.state.kind === "traced") {
      if (t.state.trace !== this) {
        throw new ErmineError(
          "ERMINE_USAGE",
          "A tensor of another trace was used: return it from that function instead of storing it outside.",
        );
      }
      return t.state.value as Value;
    }
    const existing = this.#constants.get(t.state);
    if (existing !== undefined) return (existing.state as { value: Value }).value;
    const state = eagerState(t, "a traced function");
    const { host } = state;
    const constant =
      host === undefined ? this.constant(typeOf(keep(t)), undefined, state.storage, state) : this.constant(typeOf(t), host);
    this.#constants.set(t.state, constant);
    return (constant.state as { value: Value }).value;
  }

  /** @internal */
  constant(type: TensorType, data: ConstantNode["data"], storage?: ConstantNode["storage"], owner?: object): Tensor {
    return this.#add<ConstantNode>({ kind: "constant", data, storage, owner }, [type])[0]!;
  }

  /** The value of a variable at this place of the recording. */
  readVariable(variable: GraphVariable): Tensor {
    checkCall("trace.readVariable(variable)", arguments);
    let entry = this.#variables.get(variable);
    if (entry === undefined) {
      this.#check?.(variable, "read");
      const read = this.#add<VariableNode>({ kind: "variable", variable }, [variable.type])[0]!;
      entry = { read, current: read };
      this.#variables.set(variable, entry);
    }
    return entry.current;
  }

  /** The value that a variable has from this place on. */
  writeVariable(variable: GraphVariable, t: Tensor): void {
    checkCall("trace.writeVariable(variable, t)", arguments);
    this.#check?.(variable, "write");
    this.readVariable(variable);
    this.valueOf(t);
    const entry = this.#variables.get(variable)!;
    // A variable is not what was written to it: a gradient for the one is none for the other.
    entry.current = t === entry.read ? t : sameElements(t);
  }

  /** Was the variable written in this trace? */
  isWritten(variable: GraphVariable): boolean {
    checkCall("trace.isWritten(variable)", arguments);
    const entry = this.#variables.get(variable);
    return entry !== undefined && entry.read !== entry.current;
  }

  /** Notes that something is measured over `count` elements, which must not be one. */
  requireValues(t: Tensor, check: ValueCheck["check"]): void {
    checkCall("trace.requireValues(t, check)", arguments);
    const { node } = this.valueOf(t);
    if (node.kind === "feed") this.#valueChecks.push({ feed: node.name, check });
  }

  /** @internal What fed values are checked by, where they are known. */
  get valueChecks(): readonly ValueCheck[] {
    return this.#valueChecks;
  }

  require(label: string, count: Requirement["count"]): void {
    this.#requirements.push({ what: label, count, path: context.path });
  }

  /** New values of variables are taken only where `ok` (a bool scalar) is true. */
  commitIf(ok: Tensor): void {
    checkCall("trace.commitIf(t)", arguments);
    this.#commit = this.valueOf(ok);
  }

  /** The graph of what was recorded. */
  finish(outputs: readonly Tensor[]): Graph {
    checkCall("trace.finish(outputs)", arguments);
    const values = outputs.map((t) => this.valueOf(t));
    const updates = [...this.#variables]
      .filter(([, { read, current }]) => read !== current)
      .map(([variable, { current }]) => ({ variable, value: this.valueOf(current) }));
    return {
      feeds: this.#feeds,
      nodes: this.#nodes,
      outputs: values,
      updates,
      commit: this.#commit,
      hostFeeds: this.#hostFeeds,
      ...(this.#requirements.length === 0 ? {} : { requirements: this.#requirements }),
    };
  }
}
