/** Attention of several heads. */
import { softmax } from "../activations/softmax.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { add, mul } from "../ops/arithmetic.js";
import { attend } from "../functional/attention.js";
import { checkLengths } from "../functional/lengths.js";
import { checkRotary, rotary, type RotaryOptions } from "../functional/positions.js";
import { sequenceMask } from "../functional/sequences.js";
import { greater, logicalNot } from "../ops/comparison.js";
import { iota, zeros } from "../ops/creation.js";
import { linear } from "../ops/linear.js";
import { matmul } from "../ops/matmul.js";
import { broadcastTo, expandDims, permute, reshape, squeeze, transpose } from "../ops/shape.js";
import { concat, split } from "../ops/concat.js";
import { padTensor } from "../ops/slice.js";
import { mean } from "../ops/statistics.js";
import { where } from "../ops/where.js";
import { initialize, xavierNormal, xavierUniform } from "../random/initializers.js";
import { formatShape, mulSizes, sameShape, sameSize, type Shape, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { Dropout } from "./dropout.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** Which keys a query may see. */
export interface AttentionMasks {
  /**
   * bool (L, S) or (N · heads, L, S): true is NOT attended to, as PyTorch's layer has it; `scaledDotProductAttention`'s mask is the opposite. float32:
   * added to the scores. A query that may attend to nothing is NaN.
   */
  readonly attnMask?: Tensor;
  /** bool (N, S): true is padding, NOT attended to; float32: added to the scores. A sample of padding alone is NaN. */
  readonly keyPaddingMask?: Tensor;
  /** int32 (N): how many of the keys are part of each sequence, 0 … S; those after them are NOT attended to. A sample without any is NaN. */
  readonly lengths?: Tensor;
  /** No step attends to a later one. Default: what the layer was made with. */
  readonly causal?: boolean;
}

const maskNames = { attnMask: "tensor", keyPaddingMask: "tensor", lengths: "tensor", causal: "boolean" } as const;

/** The options of `MultiHeadAttention`. */
export interface MultiHeadAttentionOptions {
  /** No step attends to a later one. Default false. */
  readonly causal?: boolean;
  /** Of the attention weights, in training. Default 0. */
  readonly dropout?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** A learned key and value more, at the end of the sequences. Default false. */
  readonly addBiasKv?: boolean;
  /** A key and value of zeros more, at the very end. Default false. */
  readonly addZeroAttn?: boolean;
  /** Features of the keys. Default embedDim. */
  readonly kdim?: number;
  /** Features of the values. Default embedDim. */
  readonly vdim?: number;
  /** (N, L, features) in and out; false: (L, N, features). Default true; PyTorch's is false. */
  readonly batchFirst?: boolean;
  /**
   * Queries and keys are turned by their steps, from 0 on in both (`rotary`), so that scores depend on how far apart steps are; an object has the options of that.
   * Needs an even embedDim / numHeads, and no added keys. Default false.
   */
  readonly rotary?: boolean | RotaryOptions;
}

/** The result of `run`. */
export interface Attended {
  /** The output, of the queries' shape. */
  readonly output: Tensor<"real">;
  /** (N, L, S): the mean over the heads; (N, heads, L, S) with averageAttnWeights false. */
  readonly weights: Tensor;
}

type Found = Pick<Attended, "output"> & Partial<Attended>;

const names = {
  causal: "boolean",
  dropout: "number",
  bias: "boolean",
  addBiasKv: "boolean",
  addZeroAttn: "boolean",
  kdim: "integer",
  vdim: "integer",
  batchFirst: "boolean",
  rotary: ["boolean", "object"],
} as const;

/** Added to the score of what is not attended to. */
const hidden = -Infinity;

const asScores = (mask: Tensor): Tensor => (mask.dtype === "bool" ? where(mask, hidden, 0) : mask);

/**
 * softmax(Q Kᵀ / √d) V for each of `numHeads` heads of d = embedDim / numHeads, Q, K and V projections of query, key and value; then a projection
 * of all heads. (N, L, embedDim), or (L, embedDim) without a batch. Source: Vaswani et al. 2017.
 *
 * in_proj_weight (3 · embedDim, embedDim) starts from Xavier's uniform (with kdim or vdim: q_proj_weight, k_proj_weight, v_proj_weight), bias_k and
 * bias_v (1, 1, embedDim) from Xavier's normal, the other biases from 0, as PyTorch's.
 *
 * @example
 * const x = normal([2, 5, 8]); // 2 sequences of 5
 * new MultiHeadAttention(8, 2).forward(x, x, x).shape; // => [2, 5, 8]
 */
export class MultiHeadAttention extends Module {
  /** The last axis of queries and outputs. */
  readonly embedDim: number;
  /** How many heads share it. */
  readonly numHeads: number;
  /** The last axis of keys. */
  readonly kdim: number;
  /** The last axis of values. */
  readonly vdim: number;
  /** Does each query see only the keys up to its own position? */
  readonly causal: boolean;
  /** Is the batch the first axis? */
  readonly batchFirst: boolean;
  /** How queries and keys are turned by their steps; undefined: they are not. */
  readonly rotary: RotaryOptions | undefined;
  /** Is a key and a value of zeros added? */
  readonly addZeroAttn: boolean;
  /** The projections of queries, keys and values in one, (3 · embedDim, embedDim); undefined where keys or values have other sizes. */
  readonly in_proj_weight: Parameter | undefined;
  /** The projection of queries, where there is no joint one. */
  readonly q_proj_weight: Parameter | undefined;
  /** The projection of keys, where there is no joint one. */
  readonly k_proj_weight: Parameter | undefined;
  /** The projection of values, where there is no joint one. */
  readonly v_proj_weight: Parameter | undefined;
  /** The biases of the three projections; undefined without them. */
  readonly in_proj_bias: Parameter | undefined;
  /** A key that is added to all; undefined without one. */
  readonly bias_k: Parameter | undefined;
  /** The value of the key that is added; undefined without one. */
  readonly bias_v: Parameter | undefined;
  /** The projection of the heads' joined outputs. */
  readonly out_proj: Linear;
  /** Drops attention weights in training. */
  readonly dropout: Dropout;

  constructor(embedDim: number, numHeads: number, options: MultiHeadAttentionOptions = {}) {
    checkArguments("MultiHeadAttention", arguments, 3);
    super();
    checkOptions("MultiHeadAttention", options, names, [embedDim, numHeads]);
    const { causal = false, dropout = 0, bias = true, addBiasKv = false, addZeroAttn = false, batchFirst = true } = options;
    const { kdim = embedDim, vdim = embedDim } = options;
    for (const [key, size] of Object.entries({ embedDim, numHeads, kdim, vdim })) checkSize("MultiHeadAttention", key, size);
    if (embedDim % numHeads !== 0) {
      throw new ErmineError("ERMINE_OPTION", `MultiHeadAttention: numHeads ${numHeads} must divide embedDim ${embedDim}.`);
    }
    this.rotary = rotaryOptions(options, embedDim / numHeads);
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.kdim = kdim;
    this.vdim = vdim;
    this.causal = causal;
    this.batchFirst = batchFirst;
    this.addZeroAttn = addZeroAttn;
    const packed = kdim === embedDim && vdim === embedDim;
    const weight = (name: string, isUsed: boolean, rows: number, columns: number): Parameter | undefined =>
      isUsed ? new Parameter(initialize(xavierUniform(), [rows, columns], name)) : undefined;
    this.in_proj_weight = weight("in_proj_weight", packed, 3 * embedDim, embedDim);
    this.q_proj_weight = weight("q_proj_weight", !packed, embedDim, embedDim);
    this.k_proj_weight = weight("k_proj_weight", !packed, embedDim, kdim);
    this.v_proj_weight = weight("v_proj_weight", !packed, embedDim, vdim);
    this.in_proj_bias = bias ? new Parameter(zeros([3 * embedDim])) : undefined;
    const extra = (name: string): Parameter | undefined =>
      addBiasKv ? new Parameter(initialize(xavierNormal(), [1, 1, embedDim], name)) : undefined;
    this.bias_k = extra("bias_k");
    this.bias_v = extra("bias_v");
    this.out_proj = new Linear(embedDim, embedDim, { bias });
    if (this.out_proj.bias !== undefined) this.out_proj.bias.value = zeros([embedDim]);
    this.dropout = new Dropout(dropout);
  }

  /** (`run` gives the attention weights too.) */
  forward(query: Tensor, key: Tensor = query, value: Tensor = key, masks: AttentionMasks = {}): Tensor<"real"> {
    checkTensor("forward", query);
    checkTensor("forward", key);
    checkTensor("forward", value);
    checkOptions("MultiHeadAttention.forward", masks, maskNames, "query, key, value");
    return this.#batched(query, key, value, masks, false).output;
  }

  /** The output, and what was attended to. */
  run(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    options: AttentionMasks & {
      /** Give the mean of the attention weights over the heads: (N, L, S). Default true; false gives those of each head. */
      readonly averageAttnWeights?: boolean;
    } = {},
  ): Attended {
    checkOptions("MultiHeadAttention.run", options, { ...maskNames, averageAttnWeights: "boolean" }, "query, key, value");
    const { averageAttnWeights = true, ...masks } = options;
    const { output, weights } = this.#batched(query, key, value, masks, true);
    const shown = averageAttnWeights ? mean(weights!, { axis: 1 }) : weights!;
    return { output, weights: query.rank === 2 ? squeeze(shown, 0) : shown };
  }

  #batched(query: Tensor, key: Tensor, value: Tensor, unbatchedMasks: AttentionMasks, weighed: boolean): Found {
    const parts = [
      ["query", query, this.embedDim],
      ["key", key, this.kdim],
      ["value", value, this.vdim],
    ] as const;
    for (const [name, t, size] of parts) {
      if ((t.rank === 2 || t.rank === 3) && t.rank === query.rank && sameSize(t.shape[t.rank - 1]!, size)) continue;
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects the ${name} (N, L, ${size}) or (L, ${size}), all three with a batch or without, got ${formatShape(t.shape)}.`,
      );
    }
    const masks = withLengths(
      unbatchedMasks,
      query.rank === 2 ? undefined : key.shape[this.batchFirst ? 0 : 1]!,
      key.shape[this.batchFirst || key.rank === 2 ? key.rank - 2 : 0]!,
    );
    if (query.rank === 2) {
      const { keyPaddingMask, ...others } = masks;
      const padding = keyPaddingMask === undefined ? {} : { keyPaddingMask: expandDims(keyPaddingMask, 0) };
      const batchedMasks = { ...others, ...padding };
      const { output, weights } = this.#attend(...each([query, key, value], (t) => expandDims(t, 0)), batchedMasks, weighed);
      return { output: squeeze(output, 0) as Tensor<"real">, weights };
    }
    if (this.batchFirst) return this.#attend(query, key, value, masks, weighed);
    const turn = (t: Tensor): Tensor => transpose(t, 0, 1);
    const { output, weights } = this.#attend(...each([query, key, value], turn), masks, weighed);
    return { output: turn(output) as Tensor<"real">, weights };
  }

  /** Query, key and value, projected to embedDim; by one product where all three are one. */
  #project(query: Tensor, key: Tensor, value: Tensor): readonly Tensor[] {
    const e = this.embedDim;
    const [weight, bias] = [this.in_proj_weight?.value, this.in_proj_bias?.value];
    if (weight !== undefined && query === key && key === value) return split(linear(query, weight, bias), e, -1);
    const separate = [this.q_proj_weight, this.k_proj_weight, this.v_proj_weight];
    const weights = weight === undefined ? separate.map((parameter) => parameter!.value) : split(weight, e, 0);
    const biases = bias === undefined ? [] : split(bias, e, 0);
    return [query, key, value].map((t, i) => linear(t, weights[i]!, biases[i]));
  }

  #attend(query: Tensor, key: Tensor, value: Tensor, masks: AttentionMasks, weighed: boolean): Found {
    const [n, length] = query.shape as readonly [Size, Size];
    const [e, heads] = [this.embedDim, this.numHeads];
    const lengthened = (t: Tensor, bias: Parameter | undefined): Tensor => {
      const stepShape = [n, 1, e] as const;
      const ends = [
        ...(bias === undefined ? [] : [broadcastTo(bias.value, stepShape)]),
        ...(this.addZeroAttn ? [zeros(stepShape)] : []),
      ];
      return ends.length === 0 ? t : concat([t, ...ends], 1);
    };
    const byHead = (t: Tensor): Tensor => permute(reshape(t, [n, t.shape[1]!, heads, e / heads]), [0, 2, 1, 3]);
    const [queries, keys, values] = this.#project(query, key, value);
    const turned = (t: Tensor): Tensor => (this.rotary === undefined ? t : rotary(t, this.rotary));
    const q = turned(byHead(queries!));
    const k = turned(byHead(lengthened(keys!, this.bias_k)));
    const v = byHead(lengthened(values!, this.bias_v));
    const sizes = [n, length, key.shape[1]!] as const;
    const { output, weights } =
      weighed || (this.dropout.training && this.dropout.p > 0)
        ? this.#weigh(q, k, v, masks, sizes)
        : this.#mix(q, k, v, masks, sizes);
    const joined = reshape(permute(output, [0, 2, 1, 3]), [n, length, e]);
    return { output: this.out_proj.forward(joined), weights };
  }

  /** softmax(q kᵀ / √d + mask) v over (N, heads, L or S, d), with no weight ever kept. */
  #mix(q: Tensor, k: Tensor, v: Tensor, masks: AttentionMasks, sizes: readonly [Size, Size, Size]): Found {
    const { attnMask, keyPaddingMask, causal = this.causal } = masks;
    const alone = causal && attnMask === undefined && keyPaddingMask === undefined && this.#extraKeys === 0;
    const mask = alone ? undefined : this.#mask(masks, sizes);
    return { output: attend([q, k, v], mask, { scale: 1 / Math.sqrt(q.shape[3] as number), causal: alone, nothing: "NaN" }) };
  }

  #weigh(q: Tensor, k: Tensor, v: Tensor, masks: AttentionMasks, sizes: readonly [Size, Size, Size]): Attended {
    const mask = this.#mask(masks, sizes);
    const scores = mul(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(q.shape[3] as number));
    const weights = this.dropout.forward(softmax(mask === undefined ? scores : add(scores, mask), { axis: -1 }));
    return { output: matmul(weights, v), weights };
  }

  /** Keys that are added to those given. */
  get #extraKeys(): number {
    return (this.bias_k === undefined ? 0 : 1) + (this.addZeroAttn ? 1 : 0);
  }

  /** All masks as one to be added to the scores, (N or 1, heads or 1, L or 1, S and what was added to the keys). */
  #mask({ attnMask, keyPaddingMask, causal = this.causal }: AttentionMasks, sizes: readonly [Size, Size, Size]) {
    const [n, length, source] = sizes;
    const all: Tensor[] = [];
    if (causal) {
      const later = greater(reshape(iota(source), [1, 1, 1, source]), reshape(iota(length), [1, 1, length, 1]));
      all.push(where(later, hidden, 0));
    }
    if (attnMask !== undefined) {
      checkMask("attnMask", attnMask, [
        [length, source],
        [mulSizes(n, this.numHeads), length, source],
      ]);
      const lead = attnMask.rank === 3 ? [n, this.numHeads] : [1, 1];
      all.push(reshape(asScores(attnMask), [...lead, length, source]));
    }
    if (keyPaddingMask !== undefined) {
      checkMask("keyPaddingMask", keyPaddingMask, [[n, source]]);
      all.push(reshape(asScores(keyPaddingMask), [n, 1, 1, source]));
    }
    if (all.length === 0) return undefined;
    const none = [0, 0, 0, 0];
    return padTensor(
      all.reduce((sum: Tensor, mask) => add(sum, mask)),
      none,
      [0, 0, 0, this.#extraKeys],
      0,
    );
  }

  override describe(): string {
    return `MultiHeadAttention ${this.embedDim}, ${this.numHeads} heads${this.causal ? ", causal" : ""}`;
  }
}

/** @throws ErmineError ERMINE_OPTION where it cannot be had with the other options */
function rotaryOptions(
  { rotary: rotaryOption, addBiasKv, addZeroAttn }: MultiHeadAttentionOptions,
  size: number,
): RotaryOptions | undefined {
  if (rotaryOption === undefined || rotaryOption === false) return undefined;
  const options = rotaryOption === true ? {} : rotaryOption;
  checkRotary("MultiHeadAttention: rotary", options);
  if (size % 2 !== 0)
    throw new ErmineError(
      "ERMINE_OPTION",
      `MultiHeadAttention: rotary turns pairs of features, and embedDim / numHeads is ${size}, an odd number.`,
    );
  if (addBiasKv === true || addZeroAttn === true)
    throw new ErmineError(
      "ERMINE_OPTION",
      "MultiHeadAttention: rotary needs keys that are steps. Leave out addBiasKv and addZeroAttn.",
    );
  return options;
}

/** The masks, with lengths as the padding that they leave. */
function withLengths(
  { lengths, ...masks }: AttentionMasks,
  batch: Size | undefined,
  steps: Size,
): Omit<AttentionMasks, "lengths"> {
  if (lengths === undefined) return masks;
  if (masks.keyPaddingMask !== undefined)
    throw new ErmineError("ERMINE_OPTION", "MultiHeadAttention takes lengths or a keyPaddingMask, which says the same.");
  checkLengths("MultiHeadAttention", lengths, batch, steps);
  return { ...masks, keyPaddingMask: logicalNot(sequenceMask(lengths, steps)) };
}

type Three = readonly [query: Tensor, key: Tensor, value: Tensor];

/** fn of each; what is one stays one. */
function each([query, key, value]: Three, fn: (t: Tensor) => Tensor): Three {
  const q = fn(query);
  const k = key === query ? q : fn(key);
  return [q, k, value === key ? k : fn(value)];
}

/** @throws ErmineError ERMINE_SHAPE where the mask has none of these shapes, or is neither bool nor float32 */
function checkMask(name: string, mask: Tensor, shapes: readonly Shape[]): void {
  if (shapes.some((shape) => sameShape(shape, mask.shape)) && (mask.dtype === "bool" || mask.dtype === "float32")) return;
  const heads = shapes.length > 1 ? ", (L, S) or (N · heads, L, S): for (N, L, S) repeat each sample's rows for every head" : "";
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name} is bool (true: not attended to) or float32 (added to the scores) and here ${shapes.map(formatShape).join(" or ")}${heads}; got ` +
      `${mask.dtype}${formatShape(mask.shape)}.`,
  );
}
