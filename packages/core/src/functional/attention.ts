/** Scaled dot-product attention as one op, so that a backend need not keep a number for each pair of query and key. */
import { softmax } from "../activations/softmax.js";
import { watchingTape } from "../dispatch/tapes.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { drawUniform } from "../random/generator.js";
import { broadcastShapes, countElements, formatShape, sameShape, sameSize, type Shape } from "../types/dim.js";
import type { TensorType } from "../types/storage.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { add, mul } from "../ops/arithmetic.js";
import { addOp } from "../ops/primitives.js";
import { equal, greater, greaterEqual } from "../ops/comparison.js";
import { iota } from "../ops/creation.js";
import { apply1 } from "../ops/apply.js";
import { builtinOp } from "../ir/op.js";
import { matmul } from "../ops/matmul.js";
import { amax } from "../ops/reduction.js";
import { broadcastTo, reshape } from "../ops/shape.js";
import { where } from "../ops/where.js";

/** Attributes of the attention op. */
export type AttentionAttributes = {
  /** Multiplies the products of queries and keys. */
  readonly scale: number;
  /** No query attends to a later key. */
  readonly causal: boolean;
  /** The result of a query that may attend to nothing: 0, or NaN as a softmax over −∞ alone has it. */
  readonly nothing: "zero" | "NaN";
};

/** Scores of what is not attended to. */
const hidden = -Infinity;

/** softmax(scale · q kᵀ, masked): [..., L, S]. */
export function weightsOf(
  q: Tensor,
  k: Tensor,
  mask: Tensor | undefined,
  { scale, causal, nothing }: AttentionAttributes,
): Tensor {
  let scores: Tensor = mul(matmul(q, k, { transposeB: true }), scale);
  if (causal) {
    const [length, source] = [q.shape.at(-2)!, k.shape.at(-2)!];
    const later = greater(reshape(iota(source), [1, source]), reshape(iota(length), [length, 1]));
    scores = where(later, hidden, scores);
  }
  if (mask !== undefined) scores = mask.dtype === "bool" ? where(mask, scores, hidden) : add(scores, mask);
  // Of no keys there is no largest score.
  if (mask === undefined || nothing === "NaN" || k.shape.at(-2) === 0) return softmax(scores, { axis: -1 });
  // Masked before the softmax and after it: neither its value nor its gradient meets a row of −∞.
  const empty = equal(amax(scores, { axis: -1, keepDims: true }), hidden);
  return where(empty, 0, softmax(where(empty, 0, scores), { axis: -1 }));
}

/** Pairs of a query and a key: of [..., L, E] and [..., S, E]. */
export const pairsOf = (q: TensorType, k: TensorType): number => countElements(q.shape.slice(0, -1)) * (k.shape.at(-2) as number);
export const lastOf = ({ shape }: TensorType): number => shape.at(-1) as number;

/** Inputs q [..., L, E], k [..., S, E], v [..., S, F] with equal axes before; a mask that broadcasts to [..., L, S] and gets no gradient. */
export const scaledDotProductAttentionOp = builtinOp<AttentionAttributes>({
  name: "scaledDotProductAttention",
  inputs: [
    { name: "q", dtype: "float32" },
    { name: "k", dtype: "float32" },
    { name: "v", dtype: "float32" },
    { name: "mask", dtype: { bool: "bool", float32: "float32" }, optional: true, differentiable: false },
  ],
  infer([q, k, v, mask]) {
    const fits =
      q!.shape.length >= 2 &&
      [k!, v!].every(({ shape }) => shape.length === q!.shape.length && sameShape(shape.slice(0, -2), q!.shape.slice(0, -2))) &&
      sameSize(q!.shape.at(-1)!, k!.shape.at(-1)!) &&
      sameSize(k!.shape.at(-2)!, v!.shape.at(-2)!);
    if (!fits) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `scaledDotProductAttention takes q [..., L, E], k [..., S, E] and v [..., S, F], got ${[q!, k!, v!].map(({ shape }) => formatShape(shape)).join(", ")}.`,
      );
    }
    const scores = [...q!.shape.slice(0, -1), k!.shape.at(-2)!];
    if (mask !== undefined) {
      if (!sameShape(broadcastShapes("scaledDotProductAttention", mask.shape, scores), scores)) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `scaledDotProductAttention: a mask ${formatShape(mask.shape)} does not broadcast to ${formatShape(scores)}.`,
        );
      }
    }
    return [{ shape: [...q!.shape.slice(0, -1), v!.shape.at(-1)!], dtype: "float32", domain: "real" }];
  },
  flops: ([q, k, v], [y]) => (y === undefined ? 0 : 2 * pairsOf(q!, k!) * (lastOf(q!) + lastOf(v!))),
  decompose: ([q, k, v, mask], attributes) => [matmul(weightsOf(q!, k!, mask, attributes), v!)],
});

/** The options of `scaledDotProductAttention`. */
export interface AttentionOptions {
  /** Broadcasts to [..., L, S]. bool: true IS attended to, as PyTorch's function has it; the masks of `MultiHeadAttention` are the opposite. float32: added to the scores. Default: none. */
  readonly mask?: Tensor;
  /** The i-th query attends to the first i + 1 keys. Not with a mask. Default false. */
  readonly causal?: boolean;
  /** Default 1 / √E. */
  readonly scale?: number;
  /** Each attention weight becomes 0 with this probability, the others are divided by 1 − p. Default 0; give it in training only. */
  readonly dropoutP?: number;
}

/**
 * softmax(scale · q kᵀ + mask) v: each query's mean of the values, weighed by how well their keys fit. A query that may attend to
 * nothing gives 0.
 *
 * @param q [..., L, E]
 * @param k [..., S, E]; axes before the last two broadcast
 * @param v [..., S, F]
 * @returns [..., L, F]
 * @throws ErmineError ERMINE_SHAPE where the shapes do not fit, ERMINE_OPTION for a wrong option
 * Source: Vaswani et al. 2017; PyTorch's scaled_dot_product_attention
 * @example
 * scaledDotProductAttention(ones([1, 2, 4]), ones([1, 3, 4]), ones([1, 3, 4])).shape; // => [1, 2, 4]
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("scaledDotProductAttention", arguments, 4);
  const name = "scaledDotProductAttention";
  for (const t of [q, k, v]) checkTensor(name, t);
  checkOptions(name, options, { mask: "tensor", causal: "boolean", scale: "number", dropoutP: "number" }, "q, k, v");
  const { mask, causal = false, dropoutP = 0 } = options;
  if (causal && mask !== undefined)
    throw new ErmineError("ERMINE_OPTION", `${name} takes a mask or causal: true. Put both into one mask.`);
  if (!(dropoutP >= 0 && dropoutP <= 1))
    throw new ErmineError("ERMINE_OPTION", `${name}: dropoutP is a probability in [0, 1], got ${show(dropoutP)}.`);
  const features = q.shape.at(-1);
  const scale = options.scale ?? (typeof features === "number" ? 1 / Math.sqrt(features) : undefined);
  if (scale === undefined || !Number.isFinite(scale))
    throw new ErmineError("ERMINE_OPTION", `${name}: scale is a number, or q's last size is known; got ${show(scale)}.`);
  const attributes: AttentionAttributes = { scale, causal, nothing: "zero" };
  if (dropoutP === 0) return attend([q, k, v], mask, attributes);
  const weights = weightsOf(q, k, mask, attributes);
  const keepMask = greaterEqual(drawUniform(weights.shape, "dropout"), dropoutP);
  return matmul(where(keepMask, mul(weights, dropoutP === 1 ? 0 : 1 / (1 - dropoutP)), 0), v);
}

/** @internal By the op where it can; a mask that is learned needs the gradient of the simpler ops. */
export function attend(
  tensors: readonly [q: Tensor, k: Tensor, v: Tensor],
  mask: Tensor | undefined,
  attributes: AttentionAttributes,
): Tensor<"real"> {
  const [q, k, v] = tensors;
  if (mask !== undefined && watchingTape(addOp, [mask]) !== undefined) return matmul(weightsOf(q, k, mask, attributes), v);
  const lead = tensors.reduce<Shape>((shape, t) => broadcastShapes("scaledDotProductAttention", shape, t.shape.slice(0, -2)), []);
  const [a, b, c] = tensors.map((t) => {
    const shape = [...lead, ...t.shape.slice(-2)];
    return sameShape(shape, t.shape) ? t : broadcastTo(t, shape);
  });
  return apply1(scaledDotProductAttentionOp, [a, b, c, mask], attributes);
}
