/**
 * An op is one definition: shape rule, meaning in simpler ops, gradient rule. `apply` is the one door through which every
 * operation goes: into the running trace, or to the backend's kernel, or into its decomposition; and onto the tapes.
 */
// First: ops are made while the modules below, which import this one, are evaluated.
import { bindKernels, kernelName } from "../ir/kernels.js";
import { pauseTapes, recordOnTapes, tapesWatch } from "./tape.js";
import type { Attributes, Backend, TensorType } from "../ir/contract.js";
import { backendInUse, currentBackend } from "./currentBackend.js";
import { ErmineError } from "../types/errors.js";
import { currentPath, currentTrace } from "./trace.js";
import { concrete, type Shape, type Size } from "../types/dim.js";
import { bytesPerElement, type DType, type Domain } from "../types/dtype.js";
import { adopt } from "./scope.js";
import { checkTensor, storageOn, Tensor, typeOf, wrapStorage } from "../types/tensor.js";
import { conform, conforms, type InputDType } from "../ir/inputs.js";

/** An input of an op. */
export interface InputSpec {
  /** For messages. */
  readonly name: string;
  /** Which dtypes it takes, and which are cast first: kernels and rules see no other. Default "any". */
  readonly dtype?: InputDType;
  /** May be left out. */
  readonly optional?: boolean;
  /** false: no gradient flows to it (indices, masks, targets). Default true for float32. */
  readonly differentiable?: boolean;
  /** The op takes any number of these: must be the last. */
  readonly variadic?: boolean;
}

/** Where an op's indices are, and what they count. */
export interface Lookup {
  /** The position of the input that holds them. */
  readonly input: number;
  /** The length of the axis. */
  readonly size: Size;
}

/** Where a loss's class indices are, and which of them count. */
export interface ClassIndices {
  /** The position of the input that holds them: int32, in 0 … classes − 1. */
  readonly input: number;
  /** How many classes there are. */
  readonly classes: Size;
  /** An index that counts for nothing. */
  readonly ignoreIndex?: number;
}

/** The outputs of an op. */
export type Tensors = readonly Tensor[];
/** The inputs of an op; undefined where an optional one is left out. */
export type OptionalTensors = readonly (Tensor | undefined)[];

/**
 * The definition of an op: its shape rule, and either a meaning in other ops (`decompose`) or kernels of every backend. `defineOp` and `defineFusedOp` make it.
 */
export interface Op<A extends Attributes = Attributes> {
  /** For messages; backends list kernels by it (see `bindKernels`). */
  readonly name: string;
  /** The inputs in call order. */
  readonly inputs: readonly InputSpec[];
  /** The inputs where so many are given, for an op whose list depends on it; default `inputs`. */
  inputsOf?(count: number): readonly InputSpec[];
  /** Types of the outputs; throws where the inputs do not fit. */
  infer(inputs: readonly (TensorType | undefined)[], attributes: A): readonly TensorType[];
  /** The meaning in simpler ops; absent on primitives. */
  decompose?(inputs: OptionalTensors, attributes: A): Tensors;
  /**
   * Gradients of the inputs (undefined: none) from those of the outputs, in ops. Absent: that of decompose. `needed` says
   * for which inputs a gradient is asked: a rule may leave the others out, or ignore it.
   */
  gradient?(
    gradOutputs: Tensors,
    inputs: OptionalTensors,
    outputs: Tensors,
    attributes: A,
    needed: readonly boolean[],
  ): OptionalTensors;
  /**
   * Of an op that looks up or adds by index: which input holds the indices (int32), and the length of the axis that they are of. Each must
   * be in 0 … size − 1. Elsewhere a kernel throws ERMINE_VALUE; a program that finds out only when it runs gives NaN there (int32 0, bool
   * false), drops the update, takes no new value of any variable, and throws ERMINE_VALUE.
   */
  lookup?(inputs: readonly (TensorType | undefined)[], attributes: A): Lookup;
  /**
   * Of an op that compares with classes: which input holds the class indices. Another index than those gives NaN, and who looks for the NaN's
   * cause names it. undefined: not with these inputs.
   */
  classIndices?(inputs: readonly (TensorType | undefined)[], attributes: A): ClassIndices | undefined;
  /** The first input's gradient as some of its rows, where that is all it has: of a lookup in a table. undefined: not in this case. */
  rowGradient?(
    gradOutput: Tensor,
    inputs: OptionalTensors,
    attributes: A,
  ): { readonly indices: Tensor; readonly rows: Tensor } | undefined;
  /** The op on a backend that has float32 in the place of int32 and bool, where plain float arithmetic would differ. */
  lowered?(inputs: OptionalTensors, attributes: A): Tensors;
  /** Numbers that the host must make where the backend cannot (random bits). Inputs are host numbers. */
  host?(inputs: readonly ArrayLike<number>[], attributes: A): Float32Array;
}

/** Checks a definition and gives it back. */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<A extends Attributes>(op: Op<A>): Op<A> {
  if (op.inputs.some((input, i) => input.variadic === true && i !== op.inputs.length - 1)) {
    throw new ErmineError("ERMINE_OPTION", `${op.name}: only the last input can be variadic.`);
  }
  return op;
}

/**
 * An op whose gradient is an op of its own, `<name>Gradient`, that a backend can implement in one kernel. Its inputs are the
 * gradients of the outputs, the inputs, the outputs; its outputs the gradients of the differentiable inputs that are there.
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineFusedOp<A extends Attributes>(
  definition: Op<A> & Required<Pick<Op<A>, "gradient">>,
): Op<A> & { readonly gradientOp: Op<A> } {
  const { inputs, gradient, name } = definition;
  const wanted = (present: readonly unknown[]): number[] =>
    inputs.flatMap((spec, i) => (spec.differentiable !== false && present[i] !== undefined ? [i] : []));
  const outputCount = (attributesInputs: number, total: number) => (total - attributesInputs) / 2;
  const split = <T>(all: readonly T[]): { gradOutputs: readonly T[]; own: readonly T[]; outputs: readonly T[] } => {
    const n = outputCount(inputs.length, all.length);
    return { gradOutputs: all.slice(0, n), own: all.slice(n, n + inputs.length), outputs: all.slice(n + inputs.length) };
  };
  const specs = new Map<number, readonly InputSpec[]>();
  const gradientOp: Op<A> = defineOp<A>({
    name: `${name}Gradient`,
    inputs: [{ name: "operands", variadic: true, optional: true }],
    inputsOf(count) {
      let known = specs.get(count);
      if (known === undefined) {
        const outputs = Array.from({ length: outputCount(inputs.length, count) }, (_, i) => `output ${i}`);
        known = [
          ...outputs.map((output): InputSpec => ({ name: `gradient of ${output}`, dtype: "float32", optional: true })),
          ...inputs,
          ...outputs.map((output): InputSpec => ({ name: output, optional: true })),
        ];
        specs.set(count, known);
      }
      return known;
    },
    infer(types) {
      const { own } = split(types);
      return wanted(own).map((i) => ({ ...own[i]!, domain: "real" }));
    },
    decompose(all, attributes) {
      const { gradOutputs, own, outputs } = split(all);
      const positions = wanted(own);
      const needed = own.map((_, i) => positions.includes(i));
      const gradients = gradient(gradOutputs as Tensors, own, outputs as Tensors, attributes, needed);
      return positions.map((i) => {
        const found = gradients[i];
        if (found === undefined)
          throw new ErmineError("ERMINE_USAGE", `${name}: its gradient gives nothing for "${inputs[i]!.name}".`);
        return found;
      });
    },
  });
  return {
    ...definition,
    gradientOp,
    gradient(gradOutputs, own, outputs, attributes) {
      const found = apply(gradientOp, [...gradOutputs, ...own, ...outputs], attributes);
      const result: (Tensor | undefined)[] = own.map(() => undefined);
      wanted(own).forEach((input, k) => (result[input] = found[k]));
      return result;
    },
  };
}

/** @internal An op of core's own: the kernels of its name are its. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinOp<A extends Attributes>(op: Op<A>): Op<A> {
  return bindKernels(defineOp(op));
}

/** @internal The same with a backward op. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinFusedOp<A extends Attributes>(
  definition: Op<A> & Required<Pick<Op<A>, "gradient">>,
): Op<A> & { readonly gradientOp: Op<A> } {
  return bindKernels(defineFusedOp(definition));
}

/** Told of each eager op that a program asked for, in order, with what it got and gave; not of the simpler ones inside. */
export type OpObserver = (op: Op, outputs: Tensors, path: string, inputs: OptionalTensors, attributes: Attributes) => void;

let observer: OpObserver | undefined;
let depth = 0;

/** Runs fn with `observe` told of its ops: how a trainer finds the op that first made a number that is not finite. */
export function observeOps<T>(observe: OpObserver, fn: () => T): T {
  const outer = [observer, depth] as const;
  [observer, depth] = [observe, 0];
  try {
    return fn();
  } finally {
    [observer, depth] = outer;
  }
}

const inputsOf = (op: Op, count: number): readonly InputSpec[] => op.inputsOf?.(count) ?? op.inputs;

/**
 * Runs, or traces, one op. Inputs of other dtypes than it computes in are cast before, or refused.
 *
 * @throws ErmineError ERMINE_DTYPE, and what the op's `infer` throws
 */
export function apply<A extends Attributes>(definition: Op<A>, given: OptionalTensors, attributes: A): Tensor[] {
  const op = definition as unknown as Op;
  for (const t of given) if (t !== undefined) checkTensor(op.name, t);
  const inputs = conform(op.name, inputsOf(op, given.length), given);
  const types = op.infer(
    inputs.map((t) => t && typeOf(t)),
    attributes,
  );
  const watched = tapesWatch(op, inputs);
  if (watched && op.gradient === undefined && op.decompose !== undefined) {
    return retype(op.decompose(inputs, attributes), types);
  }
  const trace = currentTrace();
  const outputs = trace !== undefined ? trace.record(op, inputs, attributes, types) : observed(op, inputs, attributes, types);
  if (!watched) return outputs;
  const recorded = distinctFrom(inputs, outputs);
  recordOnTapes(op, inputs, recorded, attributes);
  return recorded;
}

/** The outputs, each a tensor of its own to tapes: a decomposition may give back what it was given (a piece that is the whole). */
function distinctFrom(inputs: OptionalTensors, outputs: Tensor[]): Tensor[] {
  const given = (t: Tensor): boolean => inputs.some((input) => input !== undefined && identity(input) === identity(t));
  return outputs.some(given) ? outputs.map((t) => (given(t) ? sameElements(t) : t)) : outputs;
}

function observed(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[] {
  if (observer === undefined) return execute(op, inputs, attributes, types);
  depth++;
  let outputs: Tensor[];
  try {
    outputs = execute(op, inputs, attributes, types);
  } finally {
    depth--;
  }
  if (depth === 0) observer(op, outputs, currentPath(), inputs, attributes);
  return outputs;
}

/** The op's first output. */
export function apply1<A extends Attributes>(op: Op<A>, inputs: OptionalTensors, attributes: A): Tensor {
  return apply(op, inputs, attributes)[0]!;
}

/**
 * @internal Decomposed and lowered results carry the domains and dtypes that the whole op promises (a backend without int32
 * computes them in float32).
 */
export function retype(outputs: Tensors, types: readonly TensorType[]): Tensor[] {
  return outputs.map((t, i) => view(t, types[i]!.dtype, types[i]!.domain));
}

/** @internal The same numbers under another mark; shares the state. */
export function withDomain<D extends Domain>(t: Tensor, domain: D): Tensor<D> {
  return view(t, t.dtype, domain) as Tensor<D>;
}

/** @internal The elements of `t` in a tensor that tapes take for another. */
export const sameElements = <D extends Domain>(t: Tensor<D>): Tensor<D> => new Tensor<D>(typeOf(t), t.state);

/** @internal The elements of `t`, known to tapes as `other`. */
export function aliasOf(t: Tensor, other: Tensor): Tensor {
  const result = new Tensor(typeOf(t), t.state);
  aliases.set(result, identity(other));
  return result;
}

const aliases = new WeakMap<Tensor, Tensor>();
function view(t: Tensor, dtype: DType, domain: Domain): Tensor {
  if (t.domain === domain && t.dtype === dtype) return t;
  checkTensor("withDomain", t);
  const result = new Tensor({ shape: t.shape, dtype, domain }, t.state);
  aliases.set(result, identity(t));
  return result;
}
/** @internal The tensor that tapes know this one by. */
export const identity = (t: Tensor): Tensor => aliases.get(t) ?? t;

/** @internal */
export const physicalDType = (backend: Backend, dtype: DType): DType =>
  backend.capabilities.dtypes.includes(dtype) ? dtype : "float32";

/** @internal Does `backend` have a kernel of this definition's for these inputs? It has none for dtypes that the op does not compute in. */
export function hasKernel(
  backend: Backend,
  op: Op,
  inputs: readonly (TensorType | undefined)[],
  attributes: Attributes,
): boolean {
  const name = kernelName(op);
  const dtypes = name === undefined ? undefined : backend.capabilities.ops.get(name);
  if (dtypes === undefined) return false;
  const first = inputs.find((t) => t !== undefined);
  if (first !== undefined && !dtypes.includes(physicalDType(backend, first.dtype))) return false;
  if (!conforms(inputsOf(op, inputs.length), inputs)) return false;
  return backend.supports?.(op.name, inputs, attributes) ?? true;
}

/** @internal Must this op be rewritten for a backend that lacks one of its dtypes? */
export function needsLowering(backend: Backend, op: Op, types: readonly (TensorType | undefined)[]): boolean {
  return op.lowered !== undefined && types.some((t) => t !== undefined && !backend.capabilities.dtypes.includes(t.dtype));
}

/** @internal Where an op over these runs: with the first tensor that only a backend has; what the host has too can move to the one in use. */
export function backendOf(inputs: OptionalTensors): Backend {
  let placed: Backend | undefined;
  for (const t of inputs) {
    if (t === undefined || t.state.kind === "traced" || t.state.backend === undefined) continue;
    if (t.state.host === undefined) return t.state.backend;
    placed ??= t.state.backend;
  }
  return backendInUse() ?? placed ?? currentBackend();
}

function execute(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[] {
  const backend = backendOf(inputs);
  const inputTypes = inputs.map((t) => t && typeOf(t));
  if (needsLowering(backend, op, [...inputTypes, ...types])) {
    return retype(
      pauseTapes(() => op.lowered!(inputs, attributes)),
      types,
    );
  }
  const kernel = hasKernel(backend, op, inputTypes, attributes) ? backend.kernels[op.name] : undefined;
  if (kernel === undefined) {
    if (op.decompose !== undefined)
      return retype(
        pauseTapes(() => op.decompose!(inputs, attributes)),
        types,
      );
    if (op.host !== undefined) {
      const numbers = op.host(
        inputs.map((t) => t!.dataSync()),
        attributes,
      );
      return [adoptStorage(types[0]!, backend, backend.upload(numbers, concrete(types[0]!.shape), "float32"))];
    }
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `The backend "${backend.name}" has no kernel for ${op.name} on ${inputTypes[0]?.dtype ?? "these inputs"}, and the op is a primitive.`,
    );
  }
  const operands = inputs.map((t) =>
    t === undefined
      ? undefined
      : { storage: storageOn(t, backend, op.name), shape: concrete(t.shape, op.name), dtype: physicalDType(backend, t.dtype) },
  );
  const outputTypes = types.map((t) => ({ shape: concrete(t.shape, op.name), dtype: physicalDType(backend, t.dtype) }));
  const storages = kernel(operands, attributes, outputTypes);
  return types.map((type, i) => adoptStorage(type, backend, storages[i]!));
}

function adoptStorage(type: TensorType, backend: Backend, storage: object): Tensor {
  const bytes = (concrete(type.shape) as number[]).reduce((a, b) => a * b, 1) * bytesPerElement[type.dtype];
  return adopt(wrapStorage(type, backend, storage), bytes);
}

/** A type with another shape. */
export const typeWith = (shape: Shape, dtype: DType = "float32", domain: Domain = "real"): TensorType => ({
  shape,
  dtype,
  domain,
});
