/** The layers of a transformer, and stacks of them. Source: Vaswani et al. 2017. */
import { gelu } from "../activations/gelu.js";
import { relu } from "../activations/relu.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { add } from "../ops/arithmetic.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { MultiHeadAttention, type AttentionMasks } from "./attention.js";
import { Dropout } from "./dropout.js";
import { initializeParameters } from "./initialize.js";
import { LayerNorm } from "./layerNorm.js";
import { Linear } from "./linear.js";
import { Module, type Layer } from "./module.js";
import { checkSize } from "./size.js";

/** The options of transformer layers. */
export interface TransformerLayerOptions {
  /** Width between the two linear maps. Default 2048. */
  readonly dimFeedforward?: number;
  /** Of each part's result and of the attention weights, in training. Default 0.1. */
  readonly dropout?: number;
  /** Between the two linear maps: by name, or any function of a tensor. Default "relu". */
  readonly activation?: "relu" | "gelu" | ((x: Tensor) => Tensor);
  /** Of the normalizations. Default 1e-5. */
  readonly layerNormEps?: number;
  /** Normalize before each part instead of after it. Default false. */
  readonly normFirst?: boolean;
  /** (N, L, dModel); false: (L, N, dModel). Default true; PyTorch's is false. */
  readonly batchFirst?: boolean;
  /** Of every linear map and normalization. Default true. */
  readonly bias?: boolean;
}

const names = {
  dimFeedforward: "integer",
  dropout: "number",
  activation: ["string", "function"],
  layerNormEps: "number",
  normFirst: "boolean",
  batchFirst: "boolean",
  bias: "boolean",
} as const;

function activationOf(where: string, activation: TransformerLayerOptions["activation"] = "relu"): (x: Tensor) => Tensor {
  if (typeof activation === "function") return activation;
  const activations = { relu: (x: Tensor) => relu(x), gelu: (x: Tensor) => gelu(x) };
  if (Object.hasOwn(activations, activation)) return activations[activation];
  throw new ErmineError("ERMINE_OPTION", `${where}: activation is "relu", "gelu" or a function, got ${show(activation)}.`);
}

/** The common part of encoder and decoder layers: self-attention, and two linear maps over each step. */
abstract class TransformerLayer extends Module {
  readonly self_attn: MultiHeadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly normFirst: boolean;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #name: string;

  constructor(name: string, dModel: number, nhead: number, options: TransformerLayerOptions) {
    super();
    checkOptions(name, options, names, [dModel, nhead]);
    const { dimFeedforward = 2048, dropout = 0.1, normFirst = false, batchFirst = true, bias = true } = options;
    for (const [key, size] of Object.entries({ dModel, nhead, dimFeedforward })) checkSize(name, key, size);
    this.self_attn = new MultiHeadAttention(dModel, nhead, { dropout, bias, batchFirst });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias });
    this.normFirst = normFirst;
    this.#activation = activationOf(name, options.activation);
    this.#name = name;
  }

  /** x + dropout(part(x)), normalized before the part or after the sum. */
  protected around(x: Tensor, norm: LayerNorm, dropout: Dropout, part: (x: Tensor) => Tensor): Tensor<"real"> {
    if (this.normFirst) return add(x, dropout.forward(part(norm.forward(x))));
    return norm.forward(add(x, dropout.forward(part(x))));
  }

  protected feedForward(x: Tensor): Tensor {
    return this.linear2.forward(this.dropout.forward(this.#activation(this.linear1.forward(x))));
  }

  override describe(): string {
    return `${this.#name} ${this.self_attn.embedDim}, ${this.self_attn.numHeads} heads, ${this.linear1.outFeatures}`;
  }
}

const normOf = (dModel: number, { layerNormEps = 1e-5, bias = true }: TransformerLayerOptions): LayerNorm =>
  new LayerNorm(dModel, { eps: layerNormEps, bias });
const dropoutOf = ({ dropout = 0.1 }: TransformerLayerOptions): Dropout => new Dropout(dropout);

/** The masks of `forward`, without those that are not there. */
const masksOf = (attnMask?: Tensor, keyPaddingMask?: Tensor, causal?: boolean): AttentionMasks => ({
  ...(attnMask === undefined ? {} : { attnMask }),
  ...(keyPaddingMask === undefined ? {} : { keyPaddingMask }),
  ...(causal === undefined ? {} : { causal }),
});

/** Masks of an encoder. */
export interface EncoderMasks {
  /** (L, L) or (N·heads, L, L), as MultiHeadAttention's attnMask. */
  readonly srcMask?: Tensor;
  /** (N, L), as its keyPaddingMask. */
  readonly srcKeyPaddingMask?: Tensor;
  /** No step attends to a later one. Default false. */
  readonly isCausal?: boolean;
}

const encoderMasks = { srcMask: "tensor", srcKeyPaddingMask: "tensor", isCausal: "boolean" } as const;

/**
 * Self-attention, then two linear maps, each with a way around and a normalization: (N, L, dModel) → the same; or (L, dModel).
 *
 * @example
 * new TransformerEncoderLayer(8, 2, { dimFeedforward: 16 }).forward(normal([2, 5, 8])).shape; // => [2, 5, 8]
 */
export class TransformerEncoderLayer extends TransformerLayer {
  /** The normalization of the attention's block. */
  readonly norm1: LayerNorm;
  /** The normalization of the feed-forward block. */
  readonly norm2: LayerNorm;
  /** Drops outputs of the attention in training. */
  readonly dropout1: Dropout;
  /** Drops outputs of the feed-forward block in training. */
  readonly dropout2: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    checkArguments("TransformerEncoderLayer", arguments, 3);
    super("TransformerEncoderLayer", dModel, nhead, options);
    this.norm1 = normOf(dModel, options);
    this.norm2 = normOf(dModel, options);
    this.dropout1 = dropoutOf(options);
    this.dropout2 = dropoutOf(options);
  }

  forward(src: Tensor, masks: EncoderMasks = {}): Tensor<"real"> {
    checkTensor("forward", src);
    checkOptions("TransformerEncoderLayer.forward", masks, encoderMasks, "src");
    const selfMasks = masksOf(masks.srcMask, masks.srcKeyPaddingMask, masks.isCausal);
    const attended = this.around(src, this.norm1, this.dropout1, (x) => this.self_attn.forward(x, x, x, selfMasks));
    return this.around(attended, this.norm2, this.dropout2, (x) => this.feedForward(x));
  }
}

/** Masks of a decoder, for its own input and for the memory. */
export interface DecoderMasks {
  /** (T, T) or (N·heads, T, T). */
  readonly tgtMask?: Tensor;
  /** (T, S) or (N·heads, T, S). */
  readonly memoryMask?: Tensor;
  /** (N, T). */
  readonly tgtKeyPaddingMask?: Tensor;
  /** (N, S). */
  readonly memoryKeyPaddingMask?: Tensor;
  /** No step of the target attends to a later one. Default false. */
  readonly tgtIsCausal?: boolean;
  /** No step of the target attends to a later one of the memory. Default false. */
  readonly memoryIsCausal?: boolean;
}

const decoderMasks = {
  tgtMask: "tensor",
  memoryMask: "tensor",
  tgtKeyPaddingMask: "tensor",
  memoryKeyPaddingMask: "tensor",
  tgtIsCausal: "boolean",
  memoryIsCausal: "boolean",
} as const;

/**
 * Self-attention, attention to the encoder's output, then two linear maps: tgt (N, T, dModel), memory (N, S, dModel) → (N, T, dModel).
 *
 * @example
 * new TransformerDecoderLayer(8, 2).forward(normal([2, 5, 8]), normal([2, 7, 8])).shape; // => [2, 5, 8]
 */
export class TransformerDecoderLayer extends TransformerLayer {
  /** The attention to the memory. */
  readonly multihead_attn: MultiHeadAttention;
  /** The normalization of the self-attention's block. */
  readonly norm1: LayerNorm;
  /** The normalization of the block of attention to the memory. */
  readonly norm2: LayerNorm;
  /** The normalization of the feed-forward block. */
  readonly norm3: LayerNorm;
  /** Drops outputs of the self-attention in training. */
  readonly dropout1: Dropout;
  /** Drops outputs of the attention to the memory in training. */
  readonly dropout2: Dropout;
  /** Drops outputs of the feed-forward block in training. */
  readonly dropout3: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    checkArguments("TransformerDecoderLayer", arguments, 3);
    super("TransformerDecoderLayer", dModel, nhead, options);
    const { dropout = 0.1, bias = true, batchFirst = true } = options;
    this.multihead_attn = new MultiHeadAttention(dModel, nhead, { dropout, bias, batchFirst });
    this.norm1 = normOf(dModel, options);
    this.norm2 = normOf(dModel, options);
    this.norm3 = normOf(dModel, options);
    this.dropout1 = dropoutOf(options);
    this.dropout2 = dropoutOf(options);
    this.dropout3 = dropoutOf(options);
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor<"real"> {
    checkTensor("forward", tgt);
    checkTensor("forward", memory);
    checkOptions("TransformerDecoderLayer.forward", masks, decoderMasks, "tgt, memory");
    const selfMasks = masksOf(masks.tgtMask, masks.tgtKeyPaddingMask, masks.tgtIsCausal);
    const cross = masksOf(masks.memoryMask, masks.memoryKeyPaddingMask, masks.memoryIsCausal);
    const self = this.around(tgt, this.norm1, this.dropout1, (x) => this.self_attn.forward(x, x, x, selfMasks));
    const both = this.around(self, this.norm2, this.dropout2, (x) => this.multihead_attn.forward(x, memory, memory, cross));
    return this.around(both, this.norm3, this.dropout3, (x) => this.feedForward(x));
  }
}

/** Layers one after the other, then a norm where one is given. */
abstract class Stack<L extends Module> extends Module {
  readonly layers: readonly L[];
  readonly norm: Layer | undefined;

  constructor(where: string, make: (index: number) => L, numLayers: number, options: { readonly norm?: Layer }) {
    super();
    checkOptions(where, options, { norm: "any" }, `make, ${show(numLayers)}`);
    checkSize(where, "numLayers", numLayers);
    if (options.norm !== undefined && !(options.norm instanceof Module))
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: norm is a module, such as new LayerNorm(dModel), got ${show(options.norm)}.`,
      );
    if (typeof make !== "function") {
      throw new ErmineError(
        "ERMINE_USAGE",
        `${where} makes its own layers, so that each starts from other numbers: give a function, (i) => new ${where}Layer(…).`,
      );
    }
    this.layers = Array.from({ length: numLayers }, (_, i) => make(i));
    this.norm = options.norm;
  }

  protected through(x: Tensor, run: (layer: L, x: Tensor) => Tensor): Tensor {
    const last = this.layers.reduce((y, layer) => run(layer, y), x);
    return this.norm === undefined ? last : this.norm.forward(last);
  }
}

/**
 * `numLayers` encoder layers one after the other, then `norm` where one is given.
 *
 * @param make gives each layer; PyTorch copies one layer with its values instead
 * @example new TransformerEncoder(() => new TransformerEncoderLayer(64, 4), 6, { norm: new LayerNorm(64) })
 */
export class TransformerEncoder extends Stack<TransformerEncoderLayer> {
  constructor(
    make: (index: number) => TransformerEncoderLayer,
    numLayers: number,
    options: {
      /** A module applied to the last layer's output. Default: nothing. */
      readonly norm?: Layer;
    } = {},
  ) {
    checkArguments("TransformerEncoder", arguments, 3);
    super("TransformerEncoder", make, numLayers, options);
  }

  forward(src: Tensor, masks: EncoderMasks = {}): Tensor {
    return this.through(src, (layer, x) => layer.forward(x, masks));
  }
}

/**
 * `numLayers` decoder layers one after the other, then `norm` where one is given; `make` gives each layer.
 *
 * @example
 * const decoder = new TransformerDecoder(() => new TransformerDecoderLayer(8, 2), 2);
 * decoder.forward(normal([2, 5, 8]), normal([2, 7, 8])).shape; // => [2, 5, 8]
 */
export class TransformerDecoder extends Stack<TransformerDecoderLayer> {
  constructor(
    make: (index: number) => TransformerDecoderLayer,
    numLayers: number,
    options: {
      /** A module applied to the last layer's output. Default: nothing. */
      readonly norm?: Layer;
    } = {},
  ) {
    checkArguments("TransformerDecoder", arguments, 3);
    super("TransformerDecoder", make, numLayers, options);
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    return this.through(tgt, (layer, x) => layer.forward(x, memory, masks));
  }
}

/** The options of `Transformer`, next to those of its layers. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Default 6. */
  readonly numEncoderLayers?: number;
  /** Default 6. */
  readonly numDecoderLayers?: number;
}

/** What the encoder and the decoder may not see. */
export interface TransformerMasks extends DecoderMasks {
  /** (S, S) or (N·heads, S, S). */
  readonly srcMask?: Tensor;
  /** (N, S): steps that the encoder does not see; memoryKeyPaddingMask says which the decoder does not. */
  readonly srcKeyPaddingMask?: Tensor;
  /** No step of the source attends to a later one. Default false. */
  readonly srcIsCausal?: boolean;
}

const transformerMasks = { ...decoderMasks, srcMask: "tensor", srcKeyPaddingMask: "tensor", srcIsCausal: "boolean" } as const;

/**
 * An encoder and a decoder of transformer layers, each with a normalization at its end: src (N, S, dModel), tgt (N, T, dModel) → (N, T, dModel). Weights of two axes start from
 * xavierUniform. Source: Vaswani et al. 2017.
 *
 * @example
 * const model = new Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16 });
 * model.forward(normal([2, 7, 8]), normal([2, 5, 8]), { tgtIsCausal: true }).shape; // => [2, 5, 8]
 */
export class Transformer extends Module {
  /** The layers over the source. */
  readonly encoder: TransformerEncoder;
  /** The layers over the target. */
  readonly decoder: TransformerDecoder;
  /** The width of the model. */
  readonly dModel: number;

  constructor(dModel: number, nhead: number, options: TransformerOptions = {}) {
    checkArguments("Transformer", arguments, 3);
    super();
    const counts = { numEncoderLayers: "integer", numDecoderLayers: "integer" } as const;
    checkOptions("Transformer", options, { ...names, ...counts }, [dModel, nhead]);
    const { numEncoderLayers = 6, numDecoderLayers = 6, ...ofLayers } = options;
    for (const [key, size] of Object.entries({ dModel, numEncoderLayers, numDecoderLayers })) checkSize("Transformer", key, size);
    const ending = (): { readonly norm: LayerNorm } => ({ norm: normOf(dModel, ofLayers) });
    this.encoder = new TransformerEncoder(() => new TransformerEncoderLayer(dModel, nhead, ofLayers), numEncoderLayers, ending());
    this.decoder = new TransformerDecoder(() => new TransformerDecoderLayer(dModel, nhead, ofLayers), numDecoderLayers, ending());
    this.dModel = dModel;
    initializeParameters(this, "xavierUniform");
  }

  forward(src: Tensor, tgt: Tensor, masks: TransformerMasks = {}): Tensor {
    checkTensor("forward", src);
    checkTensor("forward", tgt);
    checkOptions("Transformer.forward", masks, transformerMasks, "src, tgt");
    const { srcMask, srcKeyPaddingMask, srcIsCausal, ...ofDecoder } = masks;
    const ofEncoder = {
      ...(srcMask === undefined ? {} : { srcMask }),
      ...(srcKeyPaddingMask === undefined ? {} : { srcKeyPaddingMask }),
      ...(srcIsCausal === undefined ? {} : { isCausal: srcIsCausal }),
    };
    return this.decoder.forward(tgt, this.encoder.forward(src, ofEncoder), ofDecoder);
  }

  override describe(): string {
    return `Transformer ${this.dModel}, ${this.encoder.layers.length} and ${this.decoder.layers.length} layers`;
  }
}
