/** An op is one definition: a shape rule, its meaning in simpler ops, and what backends and graphs want to know of it. */
import { checkArguments } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";
import { checkDefinition } from "../types/options.js";
import type { Shape, Size } from "../types/dim.js";
import type { DType, Domain } from "../types/dtype.js";
import type { TensorType } from "../types/storage.js";
import type { Tensor } from "../types/tensor.js";
import type { InputDType } from "./inputs.js";
import { bindBuiltin } from "./kernels.js";

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

/** Plain JSON; sizes inside may be Dims until the graph is bound to a batch size. */
export type Attributes = { readonly [name: string]: unknown };

/**
 * Gradients of the inputs (undefined: none) from those of the outputs, in ops. `needed` says for which inputs a gradient is asked: a rule may
 * leave the others out, or ignore it.
 */
export type GradientRule<A extends Attributes = Attributes> = (
  gradOutputs: Tensors,
  inputs: OptionalTensors,
  outputs: Tensors,
  attributes: A,
  needed: readonly boolean[],
) => OptionalTensors;

/** The first input's gradient as some of its rows, where that is all it has: of a lookup in a table. undefined: not in this case. */
export type RowGradientRule<A extends Attributes = Attributes> = (
  gradOutput: Tensor,
  inputs: OptionalTensors,
  attributes: A,
  outputs: Tensors,
) => { readonly indices: Tensor; readonly rows: Tensor } | undefined;

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
  /** The inputs broadcast to the output's shape by NumPy's rule: in a loss, (N, 1) against (N) is refused. Default false. */
  readonly broadcasts?: boolean;
  /**
   * The positions of outputs that are there for the gradient: where none flows to them, `gradient` gets undefined in the place of their gradient, of other outputs
   * zeros. Default none.
   */
  readonly residuals?: readonly number[];
  /** Types of the outputs; throws where the inputs do not fit. */
  infer(inputs: readonly (TensorType | undefined)[], attributes: A): readonly TensorType[];
  /** The meaning in simpler ops; absent on primitives. */
  decompose?(inputs: OptionalTensors, attributes: A): Tensors;
  /**
   * The rule of its gradient. Absent: that of `decompose`. The rules of core's own ops are not part of their definitions: `autograd` has them, so
   * that a program without gradients carries none.
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
  /**
   * Floating-point operations of a call with these types, whose sizes are numbers; of an output that nobody reads the type is undefined. For profiles.
   * Default: one for each element of the largest input or output.
   */
  flops?(inputs: readonly (TensorType | undefined)[], outputs: readonly (TensorType | undefined)[], attributes: A): number;
  /**
   * Of an op whose outputs are the next values of some of its inputs (an optimizer's): the position of the input that an output is the next value of. Where
   * two backends are compared, what counts is how far a value moved.
   */
  successorOf?(output: number): number;
  /** The first input's gradient as rows of it: see `RowGradientRule`. */
  rowGradient?(
    gradOutput: Tensor,
    inputs: OptionalTensors,
    attributes: A,
    outputs: Tensors,
  ): { readonly indices: Tensor; readonly rows: Tensor } | undefined;
  /** The op on a backend that has float32 in the place of int32 and bool, where plain float arithmetic would differ. */
  lowered?(inputs: OptionalTensors, attributes: A): Tensors;
  /** Elements that the host computes where the backend cannot (random bits). Inputs are host values. */
  host?(inputs: readonly ArrayLike<number>[], attributes: A): Float32Array;
}

const parts = {
  name: "string",
  inputs: "list",
  inputsOf: "function",
  broadcasts: "boolean",
  residuals: "list",
  infer: "function",
  decompose: "function",
  gradient: "function",
  lookup: "function",
  classIndices: "function",
  flops: "function",
  successorOf: "function",
  rowGradient: "function",
  lowered: "function",
  host: "function",
} as const;

/** Checks a definition and gives it back. */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<A extends Attributes>(op: Op<A>): Op<A> {
  if (arguments.length > 1) checkArguments("defineOp", arguments, 1);
  checkDefinition<Op<A>>("defineOp", op, parts, ["name", "inputs", "infer"]);
  if (op.inputs.some((input, i) => input.variadic === true && i !== op.inputs.length - 1)) {
    throw new ErmineError("ERMINE_OPTION", `${op.name}: only the last input can be variadic.`);
  }
  return op;
}

/** @internal An op of core's own: the kernels of its name are its. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinOp<A extends Attributes>(op: Op<A>): Op<A> {
  const defined = defineOp(op);
  bindBuiltin(defined);
  return defined;
}

/** The inputs of an op that is given so many. */
export const inputsOf = (op: Op, count: number): readonly InputSpec[] => op.inputsOf?.(count) ?? op.inputs;

/** Does a gradient flow to the input at this position? */
export const isDifferentiable = (op: Op, position: number): boolean =>
  (op.inputs[Math.min(position, op.inputs.length - 1)]?.differentiable ?? true) !== false;

/** A type with another shape. */
export const typeWith = (shape: Shape, dtype: DType = "float32", domain: Domain = "real"): TensorType => ({
  shape,
  dtype,
  domain,
});
