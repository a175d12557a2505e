/** Layers of nn by their golden names: "conv2d" is Conv2d, "leakyRelu" LeakyReLU. What nn lacks is a reason to skip. */
import * as nn from "@ermine/core/nn";
import { Skip, skipUnknownOptions } from "./kind.js";

type Options = Readonly<Record<string, unknown>>;
type LayerClass = new (...args: unknown[]) => nn.Module;

const classes = new Map(
  Object.entries(nn).flatMap(([name, value]) =>
    typeof value === "function" && value.prototype instanceof nn.Module
      ? [[name.toLowerCase(), value as unknown as LayerClass] as const]
      : [],
  ),
);

/** Positional arguments of a constructor; everything else is in its options. The first pattern that fits. */
const positional: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^linear$/, ["inFeatures", "outFeatures"]],
  [/^bilinear$/, ["in1Features", "in2Features", "outFeatures"]],
  [/^conv/, ["inChannels", "outChannels", "kernelSize"]],
  [/^adaptivelogsoftmaxwithloss$/, ["inFeatures", "nClasses", "cutoffs"]],
  [/^adaptive/, ["outputSize"]],
  [/^linearcrossentropyloss$/, ["inFeatures", "numClasses"]],
  [/^fold$/, ["outputSize", "kernelSize"]],
  [/^unfold$/, ["kernelSize"]],
  [/^channelshuffle$/, ["groups"]],
  [/^crossmaplrn2d$/, ["size"]],
  [/^lppool/, ["normType", "kernelSize"]],
  [/pool/, ["kernelSize"]],
  [/^constantpad/, ["padding", "value"]],
  [/pad\dd$/, ["padding"]],
  [/^(batch|instance)norm/, ["numFeatures"]],
  [/^groupnorm/, ["numGroups", "numChannels"]],
  [/^localresponsenorm$/, ["size"]],
  [/norm$/, ["normalizedShape"]],
  [/^embedding/, ["numEmbeddings", "embeddingDim"]],
  [/^(rnn|lstm|gru)(cell)?$/, ["inputSize", "hiddenSize"]],
  [/^multiheadattention$/, ["embedDim", "numHeads"]],
  [/^transformer(.*layer)?$/, ["dModel", "nhead"]],
  [/dropout/, ["p"]],
  [/^flatten$/, ["startAxis", "endAxis"]],
  [/^unflatten$/, ["axis", "sizes"]],
  [/^pixelshuffle$/, ["upscaleFactor"]],
  [/^pixelunshuffle$/, ["downscaleFactor"]],
];

/** PyTorch's names where ermine's are others. */
const renamed: Readonly<Record<string, string>> = {
  startDim: "startAxis",
  endDim: "endAxis",
  dim: "axis",
  unflattenedSize: "sizes",
  nHead: "nhead",
  numHead: "nhead",
  biasKv: "addBiasKv",
  keepdim: "keepDims",
};

/** Options of PyTorch's that say nothing about the numbers, and those of a call. */
const ignored = ["inplace", "needWeights", "averageAttnWeights", "isCausal", "enableNestedTensor", "maskCheck"];

/** A null is PyTorch's None, "not given"; a momentum of None is a way to average. */
const given = (options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) =>
      ignored.includes(name) || (value === null && name !== "momentum" && name !== "outputSize")
        ? []
        : [[renamed[name] ?? name, value] as const],
    ),
  );

export interface LayerRequest {
  readonly name: string;
  readonly options: Options;
  /** The names of its parameters, where a case has them: a stack of layers ends with a norm where there is one. */
  readonly parameters?: readonly string[];
}

/**
 * The layer of that golden name with those options.
 *
 * @throws Skip where nn has no such layer, or the layer no such option
 */
export function makeLayer({ name, options, parameters = [] }: LayerRequest): nn.Module {
  const key = name.replace(/Eval$/, "").toLowerCase();
  if (key === "transformerencoder" || key === "transformerdecoder") return makeStack(key, options, parameters);
  const Layer = classes.get(key);
  if (Layer === undefined) throw new Skip(`there is no layer "${name}"`);
  // A transformer's layer is told to be causal in the call; a transposed convolution the size of its output.
  const inCall = key.startsWith("transformer") ? ["causal"] : /^(convtranspose|maxunpool)/.test(key) ? ["outputSize"] : [];
  const places = positional.find(([pattern]) => pattern.test(key))?.[1] ?? [];
  const all = given(options);
  const named = Object.entries(all).filter(([option]) => !places.includes(option) && !inCall.includes(option));
  const args = places.map((place) => all[place]);
  return skipUnknownOptions(() => new Layer(...args, ...(named.length > 0 ? [Object.fromEntries(named)] : [])));
}

function makeStack(
  key: "transformerencoder" | "transformerdecoder",
  { numLayers, norm, layer: inner, encoderLayer = inner, decoderLayer = encoderLayer, ...beside }: Options,
  parameters: readonly string[],
): nn.Module {
  // A layer's options stand beside the stack's, or in an object of their own.
  const options: Options = { ...beside, ...(decoderLayer as Options | undefined) };
  const layer = () => makeLayer({ name: `${key}layer`, options });
  const ends = norm === true || parameters.some((name) => name.startsWith("norm."));
  const { dModel, layerNormEps = 1e-5 } = options as { dModel: number; layerNormEps?: number };
  const biased = !ends || parameters.length === 0 || parameters.includes("norm.bias");
  const behind = ends ? { norm: new nn.LayerNorm(dModel, { eps: layerNormEps, bias: biased }) } : {};
  return key === "transformerencoder"
    ? new nn.TransformerEncoder(() => layer() as nn.TransformerEncoderLayer, Number(numLayers ?? 1), behind)
    : new nn.TransformerDecoder(() => layer() as nn.TransformerDecoderLayer, Number(numLayers ?? 1), behind);
}
