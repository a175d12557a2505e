/** What elementwise ops have in common: how they are defined, and how operands of other dtypes and plain numbers meet. */
import { broadcastShapes } from "../types/dim.js";
import { elementOf, promote, type DType, type Domain } from "../types/dtype.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";
import { constant } from "./constant.js";
import { apply1, builtinOp, type Op, type OptionalTensors } from "../dispatch/dispatch.js";
import type { InputDType } from "../ir/inputs.js";

export { checkTensor };

/** What an operation over tensors also takes: a plain number or boolean. */
export type Operand = Tensor | number | boolean;

/** The attributes of an op that has none. */
export type NoAttributes = Record<never, never>;

type GradientRule = NonNullable<Op<NoAttributes>["gradient"]>;

interface ElementwiseOptions {
  /** The dtype of the result; default: that of the inputs. */
  readonly result?: DType;
  /** The dtypes that it computes in; default "float32". */
  readonly dtype?: InputDType;
  readonly domain?: (input: Domain) => Domain;
  readonly decompose?: (inputs: OptionalTensors) => readonly Tensor[];
  readonly gradient?: GradientRule;
  readonly lowered?: (inputs: OptionalTensors) => readonly Tensor[];
}

/** @internal An op over one tensor, element by element. */
/* @__NO_SIDE_EFFECTS__ */
export function unaryOp(name: string, options: ElementwiseOptions = {}): Op<NoAttributes> {
  return builtinOp<NoAttributes>({
    name,
    inputs: [{ name: "x", dtype: options.dtype ?? "float32" }],
    infer: ([x]) => [{ shape: x!.shape, dtype: options.result ?? x!.dtype, domain: options.domain?.(x!.domain) ?? "real" }],
    gradient: options.gradient ?? noGradient,
    ...(options.decompose === undefined ? {} : { decompose: options.decompose }),
    ...(options.lowered === undefined ? {} : { lowered: options.lowered }),
  });
}

/** @internal An op over two tensors of one dtype that broadcast. */
/* @__NO_SIDE_EFFECTS__ */
export function binaryOp(name: string, options: ElementwiseOptions = {}): Op<NoAttributes> {
  return builtinOp<NoAttributes>({
    name,
    inputs: [
      { name: "a", dtype: options.dtype ?? "float32" },
      { name: "b", dtype: { sameAs: "a" } },
    ],
    infer: ([a, b]) => [{ shape: broadcastShapes(name, a!.shape, b!.shape), dtype: options.result ?? a!.dtype, domain: "real" }],
    gradient: options.gradient ?? noGradient,
    ...(options.decompose === undefined ? {} : { decompose: options.decompose }),
    ...(options.lowered === undefined ? {} : { lowered: options.lowered }),
  });
}

const noGradient: GradientRule = (_, inputs) => inputs.map(() => undefined);

/** @internal Both operands as tensors of one dtype, at least `atLeast`; a number takes the dtype of the other where it fits. */
export function promoteOperands(name: string, a: Operand, b: Operand, atLeast: DType = "int32"): [Tensor, Tensor] {
  const own = (operand: Operand): DType => {
    if (operand instanceof Tensor) return operand.dtype;
    if (typeof operand === "boolean") return "bool";
    if (typeof operand !== "number") checkTensor(name, operand);
    const other = operand === a ? b : a;
    return other instanceof Tensor && other.dtype !== "float32" && Number.isInteger(operand) ? "int32" : "float32";
  };
  const dtype = promote(promote(own(a), own(b)), atLeast);
  const others = [a, b].filter((operand) => operand instanceof Tensor);
  const meet = (operand: Operand): Tensor =>
    operand instanceof Tensor ? cast(operand, dtype) : constant(elementOf(name, Number(operand), dtype), dtype, others);
  return [meet(a), meet(b)];
}

/** @internal */
export function applyUnary(op: Op<NoAttributes>, x: Tensor, dtype?: DType): Tensor {
  checkTensor(op.name, x);
  return apply1(op, [dtype === undefined ? x : cast(x, dtype)], {});
}

/** @internal */
export function applyBinary(op: Op<NoAttributes>, a: Operand, b: Operand, atLeast?: DType): Tensor {
  return apply1(op, promoteOperands(op.name, a, b, atLeast), {});
}
