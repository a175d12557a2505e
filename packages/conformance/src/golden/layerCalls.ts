/** How a layer of a golden case is called: what it takes beside its input, and what it gives beside its output. */
import { cast, Tensor } from "@ermine/core";
import * as nn from "@ermine/core/nn";

export type Arguments = Readonly<Record<string, Tensor>>;

export interface Answer {
  readonly output: Tensor;
  /** Results next to the output: "indices", "weights", "state0". */
  readonly others: Readonly<Record<string, Tensor>>;
}

type Options = Readonly<Record<string, unknown>>;

/** The first of these names that is there. */
const pick = (from: Arguments, ...names: readonly string[]): Tensor | undefined =>
  names.map((name) => from[name]).find((t) => t !== undefined);

/** JSON has no bool: a mask of whole numbers is one. */
const mask = (t: Tensor | undefined): Tensor | undefined => (t?.dtype === "int32" ? cast(t, "bool") : t);

/** Only what is there: an absent mask is not an undefined one. */
const present = <T extends object>(all: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;

const causal = (options: Options): boolean | undefined => {
  const said = options["isCausal"] ?? options["causal"];
  return typeof said === "boolean" ? said : undefined;
};

/**
 * Calls the layer with its input and the further tensors of the case, by PyTorch's names.
 *
 * @param wanted what the case asks for beside the output: attention that nobody asks for its weights takes another way
 */
export function callLayer(layer: nn.Module, x: Tensor, more: Arguments, options: Options, wanted: readonly string[]): Answer {
  const state = [pick(more, "h0", "hx", "h", "state0", "input2"), pick(more, "c0", "cx", "c", "state1", "input3")].filter((t) => t !== undefined);
  if (layer instanceof nn.RNN || layer instanceof nn.LSTM || layer instanceof nn.GRU) {
    const { output, state: last } = layer.run(x, present<nn.SequenceOptions>({ state: state.length > 0 ? state : undefined, lengths: more["lengths"] }));
    return { output, others: Object.fromEntries(last.map((t, i) => [`state${i}`, t])) };
  }
  if (layer instanceof nn.LSTMCell) {
    const [h, c] = layer.forward(x, state.length > 0 ? (state as [Tensor, Tensor]) : undefined);
    return { output: h, others: { state0: h, state1: c } };
  }
  if (layer instanceof nn.RNNCell || layer instanceof nn.GRUCell) return { output: layer.forward(x, state[0]), others: {} };
  if (layer instanceof nn.EmbeddingBag) {
    const { offsets, perSampleWeights } = more;
    return { output: layer.forward(x, present<nn.EmbeddingBagInputs>({ offsets, perSampleWeights })), others: {} };
  }
  if (layer instanceof nn.AdaptiveLogSoftmaxWithLoss) {
    const { output, loss } = layer.forward(x, more["target"]!);
    return { output, others: { loss } };
  }
  if (layer instanceof nn.MultiHeadAttention) return attention(layer, x, more, options, wanted);
  if (layer instanceof nn.TransformerEncoderLayer || layer instanceof nn.TransformerEncoder) {
    const masks = present<nn.EncoderMasks>({
      srcMask: mask(pick(more, "srcMask", "mask", "attnMask")),
      srcKeyPaddingMask: mask(pick(more, "srcKeyPaddingMask", "keyPaddingMask")),
      isCausal: causal(options),
    });
    return { output: layer.forward(x, masks), others: {} };
  }
  if (layer instanceof nn.TransformerDecoderLayer || layer instanceof nn.TransformerDecoder) {
    const masks = present<nn.DecoderMasks>({
      tgtMask: mask(more["tgtMask"]),
      memoryMask: mask(more["memoryMask"]),
      tgtKeyPaddingMask: mask(more["tgtKeyPaddingMask"]),
      memoryKeyPaddingMask: mask(more["memoryKeyPaddingMask"]),
      tgtIsCausal: causal(options),
    });
    return { output: layer.forward(x, pick(more, "memory", "input2") ?? x, masks), others: {} };
  }
  if (layer instanceof nn.Transformer) {
    const masks = present<nn.TransformerMasks>({ srcMask: mask(more["srcMask"]), tgtMask: mask(more["tgtMask"]), srcKeyPaddingMask: mask(more["srcKeyPaddingMask"]), memoryKeyPaddingMask: mask(more["memoryKeyPaddingMask"]) });
    return { output: layer.forward(x, more["tgt"]!, masks), others: {} };
  }
  const call = layer.forward as (...args: unknown[]) => Tensor | readonly [Tensor, Tensor];
  const takesSize = layer instanceof nn.MaxUnpool1d || layer instanceof nn.MaxUnpool2d || layer instanceof nn.MaxUnpool3d;
  const size = takesSize || layer.constructor.name.startsWith("ConvTranspose") ? options["outputSize"] : undefined;
  const result = call(x, ...Object.values(more), ...(Array.isArray(size) ? [size] : []));
  return result instanceof Tensor ? { output: result, others: {} } : { output: result[0], others: { indices: result[1] } };
}

function attention(layer: nn.MultiHeadAttention, x: Tensor, more: Arguments, options: Options, wanted: readonly string[]): Answer {
  const key = pick(more, "key", "input2") ?? x;
  const { averageAttnWeights } = options as { averageAttnWeights?: boolean };
  const masks = present<nn.AttentionMasks>({
    attnMask: mask(pick(more, "attnMask", "mask")),
    keyPaddingMask: mask(more["keyPaddingMask"]),
    causal: causal(options),
  });
  const value = pick(more, "value", "input3") ?? key;
  if (!wanted.includes("weights")) return { output: layer.forward(x, key, value, masks), others: {} };
  const { output, weights } = layer.run(x, key, value, {
    ...masks,
    ...(averageAttnWeights === undefined ? {} : { averageAttnWeights }),
  });
  return { output, others: { weights } };
}
