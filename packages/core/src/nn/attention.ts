/** Attention of several heads. */
import { softmax } from "../activations/softmax.js";
import { checkOptions, ErmineError } from "../errors.js";
import { add, mul } from "../ops/arithmetic.js";
import { iota, zeros } from "../ops/creation.js";
import { greater } from "../ops/comparison.js";
import { linear } from "../ops/linear.js";
import { matmul } from "../ops/matmul.js";
import { expandDims, permute, reshape, sliceAxis, squeeze, transpose } from "../ops/shape.js";
import { where } from "../ops/where.js";
import { initialize, xavierUniform } from "../random/initializers.js";
import { formatShape, sameSize, type Size } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { Dropout } from "./dropout.js";
import { checkSize, Linear } from "./linear.js";
import { Module } from "./module.js";

export interface AttentionMasks {
  /** bool (L, S) or (N·heads, L, S): true is not attended to; float: added to the scores. */
  readonly attnMask?: Tensor;
  /** bool (N, S): true is padding, not attended to; float: added. */
  readonly keyPaddingMask?: Tensor;
}

/** Added to the score of what is not attended to. */
const hidden = -Infinity;

const asScores = (mask: Tensor): Tensor => (mask.dtype === "bool" ? where(mask, hidden, 0) : mask);

/**
 * softmax(Q Kᵀ / √d) V for each of `numHeads` heads of d = embedDim / numHeads, Q, K and V projections of query, key and value; then a projection
 * of all heads. (N, L, embedDim), or (L, embedDim) without a batch. Source: Vaswani et al. 2017.
 *
 * in_proj_weight (3 · embedDim, embedDim) starts from Xavier's uniform, biases from 0, as PyTorch's.
 */
export class MultiHeadAttention extends Module {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly causal: boolean;
  readonly batchFirst: boolean;
  readonly in_proj_weight: Parameter;
  readonly in_proj_bias: Parameter | undefined;
  readonly out_proj: Linear;
  readonly dropout: Dropout;

  /**
   * @param options.causal no step attends to a later one; default false
   * @param options.dropout of the attention weights, in training; default 0
   * @param options.bias default true
   * @param options.batchFirst default true; PyTorch's is false
   */
  constructor(
    embedDim: number,
    numHeads: number,
    options: { causal?: boolean; dropout?: number; bias?: boolean; batchFirst?: boolean } = {},
  ) {
    super();
    checkOptions("MultiHeadAttention", options, ["causal", "dropout", "bias", "batchFirst"]);
    checkSize("MultiHeadAttention", "embedDim", embedDim);
    checkSize("MultiHeadAttention", "numHeads", numHeads);
    if (embedDim % numHeads !== 0) {
      throw new ErmineError("ERMINE_OPTION", `MultiHeadAttention: numHeads ${numHeads} must divide embedDim ${embedDim}.`);
    }
    const { causal = false, dropout = 0, bias = true, batchFirst = true } = options;
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.causal = causal;
    this.batchFirst = batchFirst;
    this.in_proj_weight = new Parameter(initialize(xavierUniform(), [3 * embedDim, embedDim], "in_proj_weight"));
    this.in_proj_bias = bias ? new Parameter(zeros([3 * embedDim])) : undefined;
    this.out_proj = new Linear(embedDim, embedDim, { bias });
    if (this.out_proj.bias !== undefined) this.out_proj.bias.value = zeros([embedDim]);
    this.dropout = new Dropout(dropout);
  }

  forward(query: Tensor, key: Tensor = query, value: Tensor = key, masks: AttentionMasks = {}): Tensor {
    checkOptions("MultiHeadAttention", masks, ["attnMask", "keyPaddingMask"]);
    for (const t of [query, key, value]) {
      if ((t.rank === 2 || t.rank === 3) && sameSize(t.shape[t.rank - 1]!, this.embedDim)) continue;
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects (N, L, ${this.embedDim}) or (L, ${this.embedDim}), got ${formatShape(t.shape)}.`,
      );
    }
    if (query.rank === 2) {
      const padding = masks.keyPaddingMask === undefined ? {} : { keyPaddingMask: expandDims(masks.keyPaddingMask, 0) };
      return squeeze(this.#attend(expandDims(query, 0), expandDims(key, 0), expandDims(value, 0), { ...masks, ...padding }), 0);
    }
    if (this.batchFirst) return this.#attend(query, key, value, masks);
    const turn = (t: Tensor): Tensor => transpose(t, 0, 1);
    return turn(this.#attend(turn(query), turn(key), turn(value), masks));
  }

  #attend(query: Tensor, key: Tensor, value: Tensor, { attnMask, keyPaddingMask }: AttentionMasks): Tensor {
    const [n, length] = query.shape as readonly [Size, Size];
    const [e, heads] = [this.embedDim, this.numHeads];
    const part = (t: Tensor, i: number): Tensor => {
      const bias = this.in_proj_bias === undefined ? undefined : sliceAxis(this.in_proj_bias.value, 0, i * e, e);
      const projected = linear(t, sliceAxis(this.in_proj_weight.value, 0, i * e, e), bias);
      return permute(reshape(projected, [n, t.shape[1]!, heads, e / heads]), [0, 2, 1, 3]);
    };
    const [q, k, v] = [part(query, 0), part(key, 1), part(value, 2)];
    let scores: Tensor = mul(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(e / heads));
    const source = key.shape[1]!;
    if (this.causal) {
      const later = greater(reshape(iota(source), [1, source]), reshape(iota(length), [length, 1]));
      scores = where(later, hidden, scores);
    }
    if (attnMask !== undefined) {
      const added = asScores(attnMask);
      scores = add(scores, attnMask.rank === 3 ? reshape(added, [n, heads, length, source]) : added);
    }
    if (keyPaddingMask !== undefined) scores = add(scores, reshape(asScores(keyPaddingMask), [n, 1, 1, source]));
    const weights = this.dropout.forward(softmax(scores, { axis: -1 }));
    const joined = reshape(permute(matmul(weights, v), [0, 2, 1, 3]), [n, length, e]);
    return this.out_proj.forward(joined);
  }

  override describe(): string {
    return `MultiHeadAttention ${this.embedDim}, ${this.numHeads} heads${this.causal ? ", causal" : ""}`;
  }
}
