/**
 * The execution context of a computation: on which backend it runs, whether it is traced, which tapes listen, where it draws random numbers. The one
 * place for such state; what holds only during a function is set by `within` and put back when the function ends.
 */
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkCall } from "../ir/arguments.js";
import type { Backend } from "../ir/contract.js";
import type { GraphVariable } from "../ir/graph.js";
import type { Attributes, Op, OptionalTensors, Tensors } from "../ir/op.js";
import type { Dim, Size } from "../types/dim.js";
import type { TensorType } from "../types/storage.js";
import type { Tensor } from "../types/tensor.js";
import type { Tape } from "./tape.js";

/** The interface of a trace, which ops and variables call while a function is traced. */
export interface Recorder {
  record(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[];
  readVariable(variable: GraphVariable): Tensor;
  writeVariable(variable: GraphVariable, t: Tensor): void;
  /** Notes that something is measured over `count` elements, which must not be one. */
  require(label: string, count: Dim): void;
  /** Notes a check of an argument's values, for calls that have them on the host; of what is computed there is none. */
  requireValues(t: Tensor, check: (values: ArrayLike<number>) => void): void;
  /**
   * In the body of a loop: the values that `draw` makes for all steps, drawn once and outside, as one step sees them. `draw` is handed the number of
   * steps. undefined: they are drawn where they are asked for.
   */
  drawEachStep?(draw: (steps: Size) => Tensor): Tensor | undefined;
  /** Is this in a branch of a conditional, which may not be taken? */
  readonly mayNotRun?: boolean;
}

/** Told of each eager op that a program asked for, in order, with what it got and gave; not of the simpler ones inside. */
export type OpObserver = (op: Op, outputs: Tensors, path: string, inputs: OptionalTensors, attributes: Attributes) => void;

/** Where draws come from. */
export interface RandomStream {
  readonly seed: number;
  /** How often each purpose drew, by the purpose and the module's path. */
  readonly calls: Map<string, number>;
  /** int32 [3]: step, micro-batch, index of each draw's first element in the whole one; absent: draws are made on the host. */
  readonly counters: Tensor | undefined;
}

/** The loss that is computed, and the tensors that come from its batch. */
export interface LossContext {
  /** For messages. */
  readonly name: string;
  /** The keys of tensors with elements of the batch. */
  readonly fromBatch: WeakSet<object>;
}

export interface ExecutionContext {
  /** Runs eager ops whose tensors do not say where. */
  backend: Backend | undefined;
  /** Makes ops nodes of a graph. */
  trace: Recorder | undefined;
  /** Note what gradients flow through, innermost last. */
  tapes: readonly Tape[];
  /** Tapes before this position do not listen (`noGrad`); one that is started inside of it does. */
  firstTape: number;
  /** The tensors that tapes know variables by: a map for each running tape, innermost last. undefined: a constant, read as it is. */
  recordings: readonly Map<GraphVariable, Tensor | undefined>[];
  /** The random numbers of a training step; absent: those of `manualSeed`. */
  random: RandomStream | undefined;
  /** The random numbers of eager draws. */
  eagerRandom: RandomStream;
  /** The path of the module that runs ("encoder.0"). */
  path: string;
  /** The module that runs. */
  module: object | undefined;
  /** The tensors that the innermost scope frees. */
  region: Set<Tensor> | undefined;
  observer: OpObserver | undefined;
  /** The loss that is computed: ops in it do not promote ranks (see `rankPromotion.ts`). */
  loss: LossContext | undefined;
  /** How many ops the eager op that runs is inside of. */
  depth: number;
  /** Variables that programs of more than one backend have, dropped ones included: while there are none, no program has older elements than another. */
  spreadVariables: number;
}

/** The context of this copy of the package. */
export const context: ExecutionContext = {
  backend: undefined,
  trace: undefined,
  tapes: [],
  firstTape: 0,
  recordings: [],
  random: undefined,
  eagerRandom: { seed: 0, calls: new Map(), counters: undefined },
  path: "",
  module: undefined,
  region: undefined,
  observer: undefined,
  loss: undefined,
  depth: 0,
  spreadVariables: 0,
};

/** Runs `fn` with a field of the context as `value`. */
export function within<F extends keyof ExecutionContext, T>(field: F, value: ExecutionContext[F], fn: () => T): T {
  const outer = context[field];
  context[field] = value;
  try {
    return fn();
  } finally {
    context[field] = outer;
  }
}

/** @internal Names the module that the nodes made by fn belong to. */
export function withPath<T>(path: string, fn: () => T): T {
  if (arguments.length > 2) checkArguments("withPath", arguments, 2);
  checkArgument("withPath(path, fn)", "path", path, "string");
  checkArgument("withPath(path, fn)", "fn", fn, "function");
  return within("path", path, fn);
}

/** The path of the module whose forward runs; "" outside of all. */
export function currentPath(): string {
  if (arguments.length > 0) checkArguments("currentPath", arguments, 0);
  return context.path;
}

/** @internal Runs fn outside of any trace: eagerly. */
export function withoutTrace<T>(fn: () => T): T {
  checkCall("withoutTrace(fn)", arguments);
  return within("trace", undefined, fn);
}

/** Runs fn with `observe` told of its ops: how a trainer finds the op that first made a number that is not finite. */
export function observeOps<T>(observe: OpObserver, fn: () => T): T {
  checkCall("observeOps(observe, fn)", arguments);
  return within("observer", observe, () => within("depth", 0, fn));
}
