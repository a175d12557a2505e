/** The law of sizes: batches of 0 and 1 and maps of 1 × 1 through every layer, in training and evaluation; what is kept afterwards is finite or untouched. */
import {
  ErmineError,
  manualSeed,
  mul,
  sum,
  tensor,
  valueAndGrad,
  withRandom,
  zeros,
  type Backend,
  type Tensor,
} from "@ermine/core";
import * as nn from "@ermine/core/nn";
import { callLayer } from "../golden/layerCalls.js";
import { release, runOn, type Mode } from "../golden/kind.js";
import type { Law } from "./law.js";

type LayerClass = new (...args: unknown[]) => nn.Module;

/** How a layer is made, and what a sample of each of its inputs is; int32 ones are indices. */
export interface SizedLayer {
  make(): nn.Module;
  readonly samples: readonly (readonly number[])[];
  readonly indices?: boolean;
}

const classOf = (name: string): LayerClass => (nn as unknown as Readonly<Record<string, LayerClass>>)[name]!;
const layer = (name: string, args: readonly unknown[], ...samples: readonly (readonly number[])[]): [string, SizedLayer] => [
  name,
  { make: () => new (classOf(name))(...args), samples },
];

/** A layer called with more than a batch, of which the rest is made. */
class Called<M extends nn.Module> extends nn.Module {
  readonly layer: M;
  readonly #call: (layer: M, x: Tensor) => Tensor;
  constructor(layer: M, call: (layer: M, x: Tensor) => Tensor) {
    super();
    this.layer = layer;
    this.#call = call;
  }
  forward(x: Tensor): Tensor {
    return this.#call(this.layer, x);
  }
}

const called = <M extends nn.Module>(
  name: string,
  make: () => M,
  sample: readonly number[],
  call: (layer: M, x: Tensor) => Tensor,
): [string, SizedLayer] => [name, { make: () => new Called(make(), call), samples: [sample] }];

/** Layers that compare a batch with another. */
const ofTwo = (["CosineSimilarity", "PairwiseDistance"] as const).map((name) =>
  called(
    name,
    () => new nn[name](),
    [2],
    (one, x) => one.forward(x, mul(x, 2)),
  ),
);

/** Lists and records of layers and of parameters: they compute nothing. */
const containers = new Set(["ModuleList", "ModuleDict", "ParameterList", "ParameterDict"]);

/** Layers over maps of one element, for each number of axes. */
const overMaps = [1, 2, 3].flatMap((rank): [string, SizedLayer][] => {
  const map = Array.from({ length: rank }, () => 1);
  const ofRank = (name: string, ...args: readonly unknown[]) => layer(`${name}${rank}d`, args, [2, ...map]);
  return [
    ofRank("Conv", 2, 3, 1),
    ofRank("ConvTranspose", 2, 3, 1),
    ofRank("MaxPool", 1),
    ofRank("AvgPool", 1),
    ofRank("LPPool", 2, 1),
    ofRank("AdaptiveAvgPool", 1),
    ofRank("AdaptiveMaxPool", 1),
    ofRank("ZeroPad", 1),
    ofRank("ConstantPad", 1, 0.5),
    ofRank("ReplicationPad", 1),
    ofRank("ReflectionPad", 0),
    ofRank("CircularPad", 1),
    ofRank("Dropout"),
    ofRank("BatchNorm", 2),
    ofRank("InstanceNorm", 2, { affine: true, trackRunningStats: true }),
    called(
      `MaxUnpool${rank}d`,
      () => new nn[`MaxUnpool${rank as 1 | 2 | 3}d`](1),
      [2, ...map],
      (one, x) => one.forward(x, zeros(x.shape as readonly number[], { dtype: "int32" })),
    ),
    ...(rank === 1 ? [] : [ofRank("FractionalMaxPool", 1, { outputSize: 1 })]),
  ];
});

const features = ["Dropout", "AlphaDropout", "Identity"].map((name) => layer(name, [], [2]));

/** Every layer of nn but the losses, which keep nothing, and the activations, which are called below. */
const table: Readonly<Record<string, SizedLayer>> = Object.fromEntries([
  ...overMaps,
  ...features,
  layer("FeatureAlphaDropout", [], [2, 1, 1]),
  layer("Linear", [2, 3], [2]),
  layer("Bilinear", [2, 2, 3], [2], [2]),
  layer("Flatten", [], [2, 1, 1]),
  layer("Unflatten", [1, [2, 1]], [2]),
  layer("LayerNorm", [2], [2]),
  layer("RMSNorm", [2], [2]),
  layer("GroupNorm", [1, 2], [2, 1, 1]),
  layer("LocalResponseNorm", [2], [2, 1, 1]),
  layer("ChannelShuffle", [2], [2, 1, 1]),
  layer("Softmax2d", [], [2, 1, 1]),
  layer("CrossMapLRN2d", [2], [2, 1, 1]),
  layer("Unfold", [1], [2, 1, 1]),
  layer("Fold", [1, 1], [2, 1]),
  layer("PixelShuffle", [2], [4, 1, 1]),
  layer("PixelUnshuffle", [1], [2, 1, 1]),
  layer("Upsample", [{ scaleFactor: 2 }], [2, 1, 1]),
  layer("UpsamplingNearest2d", [{ scaleFactor: 2 }], [2, 1, 1]),
  layer("UpsamplingBilinear2d", [{ scaleFactor: 2 }], [2, 1, 1]),
  ...ofTwo,
  ["LoRA", { make: () => nn.lora(new nn.Linear(2, 3), { targets: "weight", rank: 1 }), samples: [[2]] }] as const,
  ["Embedding", { make: () => new nn.Embedding(3, 2), samples: [[1]], indices: true }] as const,
  ["EmbeddingBag", { make: () => new nn.EmbeddingBag(3, 2), samples: [[1]], indices: true }] as const,
  ...["RNN", "LSTM", "GRU"].map((name) => layer(name, [2, 3], [1, 2])),
  ...["RNNCell", "LSTMCell", "GRUCell"].map((name) => layer(name, [2, 3], [2])),
  layer("SinusoidalPositions", [2], [1, 2]),
  layer("LearnedPositions", [3, 2], [1, 2]),
  layer("MultiHeadAttention", [2, 1], [1, 2]),
  layer("TransformerEncoderLayer", [2, 1, { dimFeedforward: 3 }], [1, 2]),
  layer("TransformerDecoderLayer", [2, 1, { dimFeedforward: 3 }], [1, 2]),
  layer("TransformerEncoder", [() => new nn.TransformerEncoderLayer(2, 1, { dimFeedforward: 3 }), 1], [1, 2]),
  layer("TransformerDecoder", [() => new nn.TransformerDecoderLayer(2, 1, { dimFeedforward: 3 }), 1], [1, 2]),
  called(
    "Transformer",
    () => new nn.Transformer(2, 1, { dimFeedforward: 3, numEncoderLayers: 1, numDecoderLayers: 1 }),
    [1, 2],
    (one, x) => one.forward(x, mul(x, 2)),
  ),
  ["Sequential", { make: () => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3)), samples: [[2]] }] as const,
  ["Residual", { make: () => new nn.Residual(new nn.Linear(2, 2)), samples: [[2]] }] as const,
]);

const isModule = (value: unknown): value is LayerClass => typeof value === "function" && value.prototype instanceof nn.Module;

/** Every layer that nn exports: activations by their classes, on two channels. */
export function sizedLayers(): Readonly<Record<string, SizedLayer>> {
  const others = Object.entries(nn).filter(
    ([name, value]) => isModule(value) && !(name in table) && !containers.has(name) && !name.endsWith("Loss"),
  );
  const thresholds = { Threshold: [{ threshold: 0.1, value: 0.2 }] } as Readonly<Record<string, readonly unknown[]>>;
  return { ...table, ...Object.fromEntries(others.map(([name]) => layer(name, thresholds[name] ?? [], [2]))) };
}

type Outcome = { readonly refused: string } | { readonly elements: number };

/** Forward and gradients of one batch. @throws Error where something is not finite, or a batch of 0 changes what is kept */
async function attempt(backend: Backend, mode: Mode, sized: SizedLayer, batch: number, training: boolean): Promise<Outcome> {
  manualSeed(3);
  const module = sized.make().train(training);
  const variables = module.namedVariables();
  const before = await module.stateDict();
  const inputs = sized.samples.map((sample) => {
    const shape = [batch, ...sample];
    const length = shape.reduce((a, b) => a * b, 1);
    return sized.indices === true
      ? tensor(new Int32Array(length), { shape })
      : tensor(
          Float32Array.from({ length }, (_, i) => Math.sin(1 + i)),
          { shape },
        );
  });
  const counters = tensor(Int32Array.of(0, 0, 0));
  const step = (at: Tensor, ...inputs: Tensor[]): readonly Tensor[] =>
    withRandom({ seed: 1, counters: at }, () => {
      const more = Object.fromEntries(inputs.slice(1).map((t, i) => [`input${i + 2}`, t]));
      const sources = [...module.parameters(), ...inputs.filter(({ dtype }) => dtype === "float32")];
      const { value, grads } = valueAndGrad(() => {
        const { output } = callLayer(module, inputs[0]!, more, {}, []);
        return [sum(output), output] as const;
      }, sources);
      return [value[1], ...(grads as readonly Tensor[])];
    });
  try {
    const results = runOn({ backend, mode }, step, counters, ...inputs);
    const values = await Promise.all(results.map((t) => t.data()));
    release(results);
    const wrong = values.findIndex((data) => !data.every(Number.isFinite));
    if (wrong >= 0)
      throw new Error(`${wrong === 0 ? "the output" : `gradient ${wrong - 1}`} is not finite: ${values[wrong]!.join()}`);
    const after = await module.stateDict();
    for (const [name, { data }] of Object.entries(after)) {
      if (!data.every(Number.isFinite)) throw new Error(`${name} is kept as ${data.join()}`);
      if (batch === 0 && data.some((value, i) => value !== before[name]!.data[i]))
        throw new Error(`a batch of 0 changes ${name}`);
    }
    return { elements: values[0]!.length };
  } catch (error) {
    if (!(error instanceof ErmineError)) throw error;
    for (const [name, { data }] of Object.entries(await module.stateDict())) {
      if (data.some((value, i) => value !== before[name]!.data[i])) throw new Error(`a batch that was refused changes ${name}`);
    }
    return { refused: error.code };
  } finally {
    release(inputs, counters);
    for (const [, variable] of variables) variable.value.dispose();
  }
}

export const sizesHold: Law = {
  name: "batches of 0 and 1 leave what is kept finite or untouched",
  trials: () =>
    Object.entries(sizedLayers()).map(([name, sized]) => ({
      name,
      async check(backend) {
        for (const training of [true, false]) {
          for (const batch of [0, 1]) {
            const label = `${name}, a batch of ${batch} in ${training ? "training" : "evaluation"}`;
            const outcomes: Outcome[] = [];
            for (const mode of ["eager", "compiled"] as const) {
              try {
                outcomes.push(await attempt(backend, mode, sized, batch, training));
              } catch (error) {
                throw new Error(`${label}, ${mode}: ${(error as Error).message}`, { cause: error });
              }
            }
            const [eager, compiled] = outcomes.map((outcome) => JSON.stringify(outcome));
            if (eager !== compiled) throw new Error(`${label}: eagerly ${eager}, compiled ${compiled}`);
            if ("elements" in outcomes[0]! && (outcomes[0].elements === 0) !== (batch === 0)) {
              throw new Error(`${label}: ${outcomes[0].elements} elements come out`);
            }
          }
        }
      },
    })),
};
