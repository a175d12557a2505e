/** A call of every class and function of `@ermine/core/nn`, and of what a layer has. */
import { mish, mse, ones, tensor, zeros, type Tensor } from "@ermine/core";
import * as nn from "@ermine/core/nn";
import type { ArgumentSpec, CallSpec } from "../../src/laws/arguments.js";
import { aTensor, call, fn, integer, integers, list, number, only, optional, options, text, truth, variadic } from "./slots.js";

type Class = new (...args: readonly unknown[]) => unknown;
type Rows = Readonly<Record<string, readonly ArgumentSpec[]>>;

const each = (names: string, ...args: readonly ArgumentSpec[]): Rows =>
  Object.fromEntries(names.split(" ").map((name) => [name, args]));
/** "Conv" is Conv1d, Conv2d and Conv3d. */
const ofRanks = (names: string, ...args: readonly ArgumentSpec[]): Rows =>
  each(
    names
      .split(" ")
      .flatMap((name) => [1, 2, 3].map((rank) => `${name}${rank}d`))
      .join(" "),
    ...args,
  );
const layer = (): nn.Linear => new nn.Linear(2, 2);

const traced = layer();
const adapted = (): nn.LoRA<nn.Sequential> => nn.lora(new nn.Sequential(layer()), { targets: "0" });

const activations =
  "Identity ReLU ReLU6 LeakyReLU Threshold RReLU ELU CELU SELU GELU SiLU Mish Softplus Softsign Sigmoid LogSigmoid Hardsigmoid Hardswish Hardtanh Tanh " +
  "Tanhshrink Softshrink Hardshrink GLU Softmax LogSoftmax Softmin";
/** Losses with weights of their own. */
const weightedLosses: Rows = {
  AdaptiveLogSoftmaxWithLoss: [integer(4), integer(5), list([2]), options()],
  LinearCrossEntropyLoss: [integer(4), integer(2), options()],
};
const losses = Object.keys(nn).filter((name) => name.endsWith("Loss") && !(name in weightedLosses));
const containers = "ModuleList ModuleDict ParameterList ParameterDict".split(" ");

/** The arguments of each constructor. */
const constructors: Rows = {
  Linear: [integer(2), integer(2), options()],
  Bilinear: [integer(2), integer(1), integer(1), options()],
  ...ofRanks("Conv ConvTranspose", integer(1), integer(2), integers(3), options()),
  ...ofRanks("MaxPool AvgPool", integers(2), options()),
  ...ofRanks("LPPool", number(2), integers(2), options()),
  ...ofRanks("AdaptiveMaxPool", integers(2, "null"), options()),
  ...ofRanks("AdaptiveAvgPool", integers(2, "null")),
  ...ofRanks("BatchNorm InstanceNorm", integer(3), options()),
  ...ofRanks("ZeroPad ReflectionPad ReplicationPad CircularPad", integers(1)),
  ...ofRanks("ConstantPad", integers(1), number(0)),
  GroupNorm: [integer(1), integer(2), options()],
  ...ofRanks("MaxUnpool", integers(2), options()),
  ...each("FractionalMaxPool2d FractionalMaxPool3d", integers(2), options({ outputSize: 2 }, "outputSize", "outputRatio")),
  Unfold: [integers(2), options()],
  Fold: [integers(2), integers(2), options()],
  ChannelShuffle: [integer(2)],
  Softmax2d: [],
  CrossMapLRN2d: [integer(3), options()],
  ...each("UpsamplingNearest2d UpsamplingBilinear2d", options({ size: 2 })),
  ...each("CosineSimilarity PairwiseDistance", options()),
  Transformer: [integer(4), integer(2), optional(options({ numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 4 }))],
  ModuleList: [optional(only(() => [layer()]))],
  ModuleDict: [optional(only(() => ({ a: layer() })))],
  ParameterList: [optional(only(() => [new nn.Parameter(ones([2]))]))],
  ParameterDict: [optional(only(() => ({ a: new nn.Parameter(ones([2])) })))],
  ...each("LayerNorm RMSNorm", integers(3), options()),
  LocalResponseNorm: [integer(3), options()],
  ...each("Embedding EmbeddingBag", integer(3), integer(2), options()),
  ...each("RNN LSTM GRU RNNCell LSTMCell GRUCell", integer(2), integer(3), options()),
  ...each("MultiHeadAttention TransformerEncoderLayer TransformerDecoderLayer", integer(4), integer(2), options()),
  TransformerEncoder: [fn(() => new nn.TransformerEncoderLayer(4, 2)), integer(1), options()],
  TransformerDecoder: [fn(() => new nn.TransformerDecoderLayer(4, 2)), integer(1), options()],
  SinusoidalPositions: [integer(4), options()],
  LearnedPositions: [integer(5), integer(4)],
  PReLU: [options()],
  ...each("Dropout AlphaDropout FeatureAlphaDropout", optional(number(0.5))),
  ...ofRanks("Dropout", optional(number(0.5))),
  Flatten: [optional(integer(1)), optional(integer(-1))],
  Unflatten: [integer(1), list([1, 2])],
  ...each("PixelShuffle PixelUnshuffle", integer(2)),
  Residual: [only(layer), optional(only(layer))],
  Upsample: [options({ size: 2 })],
  ...each(activations, options()),
  ...each(losses.join(" "), options()),
  ...weightedLosses,
  Parameter: [aTensor(() => ones([2])), options(undefined, "name")],
};

const construct =
  (name: string) =>
  (...args: readonly unknown[]): unknown =>
    new (nn as unknown as Readonly<Record<string, Class>>)[name]!(...args);

/** Candidate inputs of a layer: the first that it takes is used. */
const inputs: readonly (readonly (() => Tensor)[])[] = [
  ...[
    [1, 2],
    [1, 3],
    [2, 3],
    [3, 4],
    [1, 3, 2],
    [1, 2, 4],
    [1, 1, 4],
    [1, 3, 4],
    [1, 2, 4, 4],
    [1, 1, 4, 4],
    [1, 3, 4, 4],
    [1, 4, 2, 2],
    [1, 1, 4, 4, 4],
    [1, 3, 4, 4, 4],
    [2, 4, 4],
  ].map((shape) => [() => ones(shape)]),
  [() => tensor([0, 1], { dtype: "int32" })],
  [() => tensor([[0, 1]], { dtype: "int32" })],
  [() => ones([1, 2]), () => ones([1, 1])],
  [() => ones([2, 4, 4]), () => ones([2, 4, 4])],
  ...[1, 2, 3].map((axes) => {
    const shape = [1, 1, ...Array<number>(axes).fill(1)];
    return [() => ones(shape), () => zeros(shape, { dtype: "int32" })];
  }),
  [() => ones([4, 1])],
  [() => ones([1, 4]), () => tensor([0], { dtype: "int32" })],
  [() => ones([2, 4, 4]), () => ones([2, 4, 4]), () => ones([2, 4, 4])],
];

type Forward = (...args: readonly unknown[]) => unknown;
function forwardOf(name: string, args: readonly ArgumentSpec[]): CallSpec | undefined {
  const module = construct(name)(...args.map((argument) => argument.right())) as nn.Module;
  const forward: Forward = (...given) => (module.forward as Forward)(...given);
  const taken = inputs.find((candidates) => {
    try {
      forward(...candidates.map((make) => make()));
      return true;
    } catch {
      return false;
    }
  });
  return taken && variadic(forward, ...taken.map((make) => aTensor(make)));
}

const layers = Object.entries(constructors).filter(
  ([name]) => name !== "Parameter" && !losses.includes(name) && !containers.includes(name),
);

export const rows: Readonly<Record<string, CallSpec>> = {
  ...Object.fromEntries(Object.entries(constructors).map(([name, args]) => [name, call(construct(name), ...args)])),
  Sequential: variadic(construct("Sequential"), only(layer)),
  activationModule: call(
    nn.activationModule,
    only(() => mish),
    optional(text("Own")),
  ),
  lossModule: call(
    nn.lossModule,
    only(() => mse),
  ),
  initializeParameters: call(nn.initializeParameters, only(layer), text("zeros", "a function"), optional(fn(() => true))),
  summary: call(nn.summary, only(layer), options()),
  lora: call(nn.lora, only(layer), options({ targets: "weight" }, "targets")),
  withFeatures: call(
    (...args: [never, never, never]) => nn.withFeatures(...args),
    only(() => traced),
    only(() => [""]),
    fn(() => traced.forward(ones([1, 2]))),
  ),
};

export const methods: Readonly<Record<string, CallSpec>> = {
  ...Object.fromEntries(
    layers.flatMap(([name, args]) => {
      const forward = forwardOf(name, args);
      return forward === undefined ? [] : [[`${name}.forward`, forward] as const];
    }),
  ),
  "Module.train": call((...args: [boolean]) => layer().train(...args), optional(truth(true))),
  "Module.parameterCount": call((...args: []) => layer().parameterCount(...args), options()),
  "Module.onForward": call(
    (...args: [never]) => layer().onForward(...args),
    fn(() => 1),
  ),
  "Module.loadStateDict": call(
    (...args: [never]) => layer().loadStateDict(...args),
    only(async () => layer().stateDict(), "an object"),
    optional(options({ strict: false }, "rename")),
  ),
  "TripletMarginWithDistanceLoss.forward": variadic(
    (...args: [Tensor, Tensor, Tensor]) => new nn.TripletMarginWithDistanceLoss().forward(...args),
    ...[1, 2, 3].map(() => aTensor(() => ones([1, 2]))),
  ),
  ...Object.fromEntries(
    (["logProb", "predict"] as const).map((name) => [
      `AdaptiveLogSoftmaxWithLoss.${name}`,
      call(
        (...args: [Tensor]) => new nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])[name](...args),
        aTensor(() => ones([1, 4])),
      ),
    ]),
  ),
  "ModuleList.append": call((...args: [nn.Linear]) => new nn.ModuleList().append(...args), only(layer)),
  "ModuleList.extend": call(
    (...args: [nn.Linear[]]) => new nn.ModuleList().extend(...args),
    only(() => [layer()]),
  ),
  "ModuleList.at": call((...args: [number]) => new nn.ModuleList([layer()]).at(...args), integer(0)),
  "ModuleDict.set": call((...args: [string, nn.Linear]) => new nn.ModuleDict().set(...args), text("a"), only(layer)),
  ...Object.fromEntries(
    (["get", "has"] as const).map((name) => [
      `ModuleDict.${name}`,
      call((...args: [string]) => new nn.ModuleDict({ a: layer() })[name](...args), text("a")),
    ]),
  ),
  "ModuleDict.keys": call((...args: []) => new nn.ModuleDict({ a: layer() }).keys(...args)),
  "LoRA.forward": variadic(
    (...args: [Tensor]) => adapted().forward(...args),
    aTensor(() => ones([1, 2])),
  ),
  "LoRA.loadAdapterState": call(
    (...args: [never]) => adapted().loadAdapterState(...args),
    only(async () => adapted().adapterState(), "an object"),
    optional(options({ strict: false }, "rename")),
  ),
  ...Object.fromEntries(
    (["merge", "unmerge", "adapterState", "adapterConfig"] as const).map((name) => [
      `LoRA.${name}`,
      call((...args: []) => adapted()[name](...args)),
    ]),
  ),
  ...Object.fromEntries(
    (["eval", "freeze", "thaw", "stateDict", "namedModules", "namedVariables", "namedParameters", "parameters"] as const).map(
      (name) => [`Module.${name}`, call((...args: []) => layer()[name](...args))],
    ),
  ),
};
/** Layers whose forward the table has no input for. */
export const withoutForward = layers.flatMap(([name]) => (`${name}.forward` in methods ? [] : [name]));
