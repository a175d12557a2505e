/**
 * The definitions of the ops that work element by element, of `where` and of `reshape`. They know of no other op, so that all others, `cast` included,
 * can be made of them.
 */
import { builtinOp, type Op } from "../ir/op.js";
import type { InputDType } from "../ir/inputs.js";
import { broadcastShapes, formatShape, sameSize, sizeOf, type Shape } from "../types/dim.js";
import type { DType, Domain } from "../types/dtype.js";
import { ErmineError } from "../types/errors.js";

/** The attributes of an op that has none. */
export type NoAttributes = Record<never, never>;
/** Attributes of `reshapeOp` and `broadcastToOp`. */
export type ShapeAttributes = {
  /** The shape of the output. */
  readonly shape: Shape;
};

interface ElementwiseOptions {
  /** The dtype of the result; default: that of the inputs. */
  readonly result?: DType;
  /** The dtypes that it computes in; default "float32". */
  readonly dtype?: InputDType;
  readonly domain?: (input: Domain) => Domain;
  /** false: it has no slope, or none but 0. Default true. */
  readonly differentiable?: boolean;
}

/** An op over one tensor, element by element. */
/* @__NO_SIDE_EFFECTS__ */
function unaryOp(
  name: string,
  { result, dtype = "float32", domain, differentiable = true }: ElementwiseOptions = {},
): Op<NoAttributes> {
  return builtinOp<NoAttributes>({
    name,
    inputs: [{ name: "x", dtype, differentiable }],
    infer: ([x]) => [{ shape: x!.shape, dtype: result ?? x!.dtype, domain: domain?.(x!.domain) ?? "real" }],
  });
}

/** An op over two tensors of one dtype that broadcast. */
/* @__NO_SIDE_EFFECTS__ */
function binaryOp(name: string, { result, dtype = "float32", differentiable = true }: ElementwiseOptions = {}): Op<NoAttributes> {
  return builtinOp<NoAttributes>({
    name,
    inputs: [
      { name: "a", dtype, differentiable },
      { name: "b", dtype: { sameAs: "a" }, differentiable },
    ],
    broadcasts: true,
    infer: ([a, b]) => [{ shape: broadcastShapes(name, a!.shape, b!.shape), dtype: result ?? a!.dtype, domain: "real" }],
  });
}

/** The op of `neg`. */
export const negOp = unaryOp("neg", { dtype: "numeric" });
/** The op of `abs`. */
export const absOp = unaryOp("abs", { dtype: "numeric" });
/** The op of `sign`. */
export const signOp = unaryOp("sign", { dtype: "numeric", differentiable: false });
/** The op of `exp`. */
export const expOp = unaryOp("exp", { domain: (input) => (input === "logProbabilities" ? "probabilities" : "real") });
/** The op of `log`. */
export const logOp = unaryOp("log", { domain: (input) => (input === "probabilities" ? "logProbabilities" : "real") });
/** The op of `log1p`. */
export const log1pOp = unaryOp("log1p");
/** The op of `expm1`. */
export const expm1Op = unaryOp("expm1");
/** The op of `sqrt`. */
export const sqrtOp = unaryOp("sqrt");
/** The op of `sin`. */
export const sinOp = unaryOp("sin");
/** The op of `cos`. */
export const cosOp = unaryOp("cos");
/** The op of `tanh`. */
export const tanhOp = unaryOp("tanh");
/** The op of `erf`. */
export const erfOp = unaryOp("erf");
/** The op of `floor`. */
export const floorOp = unaryOp("floor", { differentiable: false });
/** The op of `ceil`. */
export const ceilOp = unaryOp("ceil", { differentiable: false });
/** The op of `round`. */
export const roundOp = unaryOp("round", { differentiable: false });
/** The op of `isFinite`. */
export const isFiniteOp = unaryOp("isFinite", { result: "bool", differentiable: false });

/** The op of `add`. */
export const addOp = binaryOp("add", { dtype: "numeric" });
/** The op of `sub`. */
export const subOp = binaryOp("sub", { dtype: "numeric" });
/** The op of `mul`. */
export const mulOp = binaryOp("mul", { dtype: "numeric" });
/** The op of `div`. */
export const divOp = binaryOp("div");
/** The gradient is 0 for the base where the exponent is 0, and for the exponent where the base is 0 and the exponent is not negative, as PyTorch's. */
export const powOp = binaryOp("pow");
/** Where the two are equal each gets half of the gradient, as PyTorch's. */
export const maximumOp = binaryOp("maximum", { dtype: "numeric" });
/** The op of `minimum`. */
export const minimumOp = binaryOp("minimum", { dtype: "numeric" });
/** The op of `remainder`. */
export const remainderOp = binaryOp("remainder", { dtype: "numeric" });

// "any": where a backend has float32 only, logic is comparison of 0 and 1.
/** The op of `equal`. */
export const equalOp = binaryOp("equal", { dtype: "any", result: "bool", differentiable: false });
/** The op of `less`. */
export const lessOp = binaryOp("less", { dtype: "any", result: "bool", differentiable: false });
/** The op of `lessEqual`. */
export const lessEqualOp = binaryOp("lessEqual", { dtype: "any", result: "bool", differentiable: false });

/** The op of `where`. */
export const whereOp = builtinOp<NoAttributes>({
  name: "where",
  inputs: [{ name: "condition", dtype: "bool", differentiable: false }, { name: "a" }, { name: "b", dtype: { sameAs: "a" } }],
  broadcasts: true,
  infer: ([condition, a, b]) => [
    { shape: broadcastShapes("where", condition!.shape, a!.shape, b!.shape), dtype: a!.dtype, domain: "real" },
  ],
});

/** The op of `reshape`. */
export const reshapeOp = builtinOp<ShapeAttributes>({
  name: "reshape",
  inputs: [{ name: "x" }],
  infer([x], { shape }) {
    if (!sameSize(sizeOf(x!.shape), sizeOf(shape))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `reshape: ${formatShape(x!.shape)} has ${sizeOf(x!.shape)} elements and ${formatShape(shape)} has ${sizeOf(shape)}.`,
      );
    }
    return [{ ...x!, shape }];
  },
});
