/** Tensors from numbers: data, constants, ranges. */
import { valuesToCheck } from "../dispatch/valuesToCheck.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments, checkList, checkMapped } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { currentTrace } from "../dispatch/trace.js";
import { checkShape, formatShape, type Shape, type Size } from "../types/dim.js";
import {
  allocate,
  bytesPerElement,
  checkDTypeName,
  elementOf,
  type Domain,
  type DType,
  type TypedArray,
} from "../types/dtype.js";
import { nested, type Nested } from "../types/nested.js";
import { adopt } from "../dispatch/scope.js";
import { checkTensor, wrapHost, type Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { builtinOp } from "../ir/op.js";

export type FullAttributes = { readonly shape: Shape; readonly value: number; readonly dtype: DType };
export type IotaAttributes = { readonly size: Size };

/** The op of `full`: no input, attributes shape, value and dtype. */
export const fullOp = builtinOp<FullAttributes>({
  name: "full",
  inputs: [],
  infer: (_, { shape, dtype }) => [{ shape, dtype, domain: "real" }],
});

/** 0, 1, … size − 1 as int32. */
export const iotaOp = builtinOp<IotaAttributes>({
  name: "iota",
  inputs: [],
  infer: (_, { size }) => [{ shape: [size], dtype: "int32", domain: "real" }],
});

/** @internal A tensor over host values that it now owns, in the running scope. */
export function hostTensor<D extends Domain = "real">(
  data: TypedArray,
  shape: readonly number[],
  dtype: DType,
  domain?: D,
): Tensor<D> {
  return adopt(wrapHost({ shape, dtype, domain: domain ?? "real" }, data), data.length * bytesPerElement[dtype]);
}

/** The options of `tensor`. */
export interface TensorOptions {
  /** Default: that of the nesting; [length] for a typed array. */
  readonly shape?: readonly number[];
  /**
   * Default: float32 for numbers and arrays of floats, int32 for arrays of integers (bytes too), bool for booleans; of different ones the
   * widest. bool is 1 for all but 0.
   */
  readonly dtype?: DType;
}

/**
 * A tensor from a number, nested arrays (whose rows may be typed arrays), or a typed array of any kind (copied) with a shape.
 *
 * `data()` of a bool tensor gives bytes, so that its copy needs the dtype: `tensor(await t.data(), { shape: t.shape, dtype: t.dtype })`.
 * A Float64Array keeps its precision until a backend takes it: the float64 reference computes with it as it is.
 *
 * @example tensor([[1, 2], [3, 4]])
 * @example tensor(new Float32Array(6), { shape: [2, 3] })
 * @throws ErmineError ERMINE_SHAPE where rows differ in length or the shape does not fit, ERMINE_DTYPE where an element does not fit the dtype,
 * ERMINE_RELEASED for an array whose buffer is detached
 */
export function tensor(values: Nested, options: TensorOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("tensor", arguments, 2);
  checkOptions("tensor", options, { shape: "any", dtype: "string" }, "values");
  checkCopy("tensor", values);
  const { shape, dtype } = options;
  if (dtype !== undefined) checkDTypeName("tensor", dtype);
  if (shape !== undefined) checkShape("tensor", shape);
  const parsed = nested("tensor", values, dtype);
  if (shape !== undefined && product(shape) !== parsed.data.length) {
    throw new ErmineError("ERMINE_SHAPE", `tensor: ${parsed.data.length} numbers do not fill the shape ${formatShape(shape)}.`);
  }
  return hostTensor(parsed.data === values ? parsed.data.slice() : parsed.data, [...(shape ?? parsed.shape)], parsed.dtype);
}

/**
 * A tensor without axes.
 *
 * @example
 * scalar(3).shape; // => []
 * scalar(3).item(); // => 3
 */
export function scalar(
  value: number | boolean,
  options: {
    /** The dtype. Default: bool for a boolean, else float32. */
    readonly dtype?: DType;
  } = {},
): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("scalar", arguments, 2);
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    throw new ErmineError("ERMINE_SHAPE", "scalar takes one number. For a list of them write tensor([…]).");
  checkOptions("scalar", options, ofDType, [value]);
  return tensor(value, options);
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const ofDType = { dtype: "string" } as const;

/** The options of functions that make tensors. */
export interface DTypeOptions {
  /** The dtype. Default "float32". */
  readonly dtype?: DType;
}

/**
 * A tensor filled with one number.
 *
 * @example
 * full([2, 2], 7); // => [[7, 7], [7, 7]]
 */
export function full(shape: Shape, value: number, options: DTypeOptions = {}): Tensor<"real"> {
  if (!Array.isArray(shape) || arguments.length > 3) checkList("full", arguments, 0, 3);
  checkOptions("full", options, ofDType, [shape, value]);
  checkShape("full", shape);
  checkArgument("full(shape, value, options)", "value", value, "number");
  const dtype = options.dtype ?? "float32";
  checkDTypeName("full", dtype);
  const element = elementOf("full", value, dtype);
  if (currentTrace() !== undefined) return apply1(fullOp, [], { shape, value: element, dtype });
  const sizes = shape as readonly number[];
  return hostTensor(allocate(dtype, product(sizes)).fill(element), [...sizes], dtype);
}

/**
 * A tensor of zeros.
 *
 * @example
 * zeros([2, 2]); // => [[0, 0], [0, 0]]
 */
export function zeros(shape: Shape, options?: DTypeOptions): Tensor<"real"> {
  if (!Array.isArray(shape) || arguments.length > 2) checkList("zeros", arguments, 0, 2);
  checkOptions("zeros", options, ofDType, [shape]);
  return full(shape, 0, options);
}

/**
 * A tensor of ones.
 *
 * @example
 * ones([2, 2]); // => [[1, 1], [1, 1]]
 */
export function ones(shape: Shape, options?: DTypeOptions): Tensor<"real"> {
  if (!Array.isArray(shape) || arguments.length > 2) checkList("ones", arguments, 0, 2);
  checkOptions("ones", options, ofDType, [shape]);
  return full(shape, 1, options);
}

/**
 * Zeros of x's shape and dtype.
 *
 * @example
 * zerosLike(tensor([3, 4])); // => [0, 0]
 */
export function zerosLike(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("zerosLike", arguments, 1);
  checkTensor("zerosLike", x);
  return fullLike(x, 0);
}

/**
 * Ones of x's shape and dtype.
 *
 * @example
 * onesLike(tensor([3, 4])); // => [1, 1]
 */
export function onesLike(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("onesLike", arguments, 1);
  checkTensor("onesLike", x);
  return fullLike(x, 1);
}

/**
 * `value` in x's shape and dtype.
 *
 * @example
 * fullLike(tensor([1, 2]), 7); // => [7, 7]
 */
export function fullLike(x: Tensor, value: number): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("fullLike", arguments, 2);
  checkTensor("fullLike", x);
  checkArgument("fullLike(x, value)", "value", value, "number");
  return full(x.shape, value, { dtype: x.dtype });
}

/** @throws ErmineError ERMINE_USAGE where options stand in the place of a bound or the step */
function checkBounds(args: readonly unknown[]): void {
  const at = args.findIndex((bound) => typeof bound === "object" && bound !== null);
  if (at < 0) return;
  const bounds = at === 1 ? [0, args[0], 1] : ["start", "stop", 1].map((name, i) => (i < at ? args[i] : name));
  throw new ErmineError(
    "ERMINE_USAGE",
    `arange takes its options after start, stop and step. Write arange(${bounds.map((bound) => (typeof bound === "string" ? bound : show(bound))).join(", ")}, { dtype: … }).`,
  );
}

/**
 * start, start + step, … below `stop` (above, for a negative step): `arange(stop)` or `arange(start, stop, step)`. int32 where all
 * three are whole numbers, else float32.
 *
 * @example
 * arange(3); // => [0, 1, 2]
 * arange(1, 8, 3); // => [1, 4, 7]
 */
export function arange(start: number, stop?: number, step = 1, options: DTypeOptions = {}): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("arange", arguments, 4);
  checkBounds([start, stop, step]);
  checkOptions("arange", options, ofDType, [start, stop, step]);
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const signature = "arange(start, stop, step, options)";
  checkArgument(signature, "start", start, "number");
  if (stop !== undefined) checkArgument(signature, "stop", stop, "number");
  checkArgument(signature, "step", step, "number");
  if (step === 0 || ![from, to, step].every(Number.isFinite)) {
    throw new ErmineError("ERMINE_VALUE", `arange(${from}, ${to}, ${step}): bounds must be finite and the step not 0.`);
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? "int32" : "float32");
  checkDTypeName("arange", dtype);
  return hostTensor(
    allocate(dtype, count).map((_, i) => elementOf("arange", from + i * step, dtype)) as TypedArray,
    [count],
    dtype,
  );
}

/**
 * `count` evenly spaced numbers from `start` to `stop`, both included.
 *
 * @example
 * linspace(0, 1, 5); // => [0, 0.25, 0.5, 0.75, 1]
 */
export function linspace(start: number, stop: number, count: number): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("linspace", arguments, 3);
  checkArgument("linspace(start, stop, count)", "start", start, "number");
  checkArgument("linspace(start, stop, count)", "stop", stop, "number");
  checkShape("linspace", [count]);
  const step = (stop - start) / (count - 1);
  // From both ends, so that the last is exactly stop.
  const at = (i: number): number => (i < count / 2 ? start + i * step : stop - (count - 1 - i) * step);
  return hostTensor(
    Float32Array.from({ length: count }, (_, i) => (count === 1 ? start : at(i))),
    [count],
    "float32",
  );
}

/**
 * Ones on the diagonal of a rows × columns (default: square) matrix.
 *
 * @example
 * eye(2, 3); // => [[1, 0, 0], [0, 1, 0]]
 */
export function eye(rows: number, columns = rows): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("eye", arguments, 2);
  checkShape("eye", [rows, columns]);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = 1;
  return hostTensor(data, [rows, columns], "float32");
}

/** @internal 0 … size − 1, also where the size is symbolic. */
export function iota(size: Size): Tensor<"real"> {
  return typeof size === "number" && currentTrace() === undefined ? arange(size) : apply1(iotaOp, [], { size });
}

/** @internal Where the host knows the indices: all in 0 … size − 1 (from −size on, where negative ones count from the end)? */
export function checkIndices(where: string, indices: Tensor, size: Size, negative: boolean): void {
  const values = valuesToCheck(indices);
  if (typeof size !== "number" || values === undefined) return;
  for (const value of values) {
    if (value < size && value >= (negative ? -size : 0)) continue;
    throw new ErmineError("ERMINE_VALUE", `${where}: the index ${value} is not in ${negative ? -size : 0} … ${size - 1}.`);
  }
}
