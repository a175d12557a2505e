/** Layers in training and in evaluation, with the program's values for parameters, buffers and counters. */
import type { Builder } from "../builder.js";
import type { Arg, Ref } from "../program.js";
import { form, type Form } from "./form.js";

type Properties = { readonly [property: string]: Arg };

/** The variables of a layer: `{ weight: { value: x1 } }`. */
const held = (tensors: Readonly<Record<string, Ref>>): Properties =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, { value }]));

/** A call of `new name(...args)` with these properties, and with those of the modules inside of it. */
const layer = (
  b: Builder,
  name: string,
  args: readonly Arg[],
  properties: Properties,
  inputs: Ref | readonly Arg[],
  parts: Readonly<Record<string, Properties>> = {},
): Ref => b.call("layer", name, args, properties, parts, Array.isArray(inputs) ? inputs : [inputs]);

const leaf = (b: Builder, shape: readonly number[], kind: "finite" | "positive" = "finite"): Ref =>
  b.leaf(shape, "float32", kind);

/** [N, C, ...size], of one or two spatial axes, seldom three. */
function image(b: Builder): {
  readonly x: Ref;
  readonly axes: number;
  readonly channels: number;
  readonly size: readonly number[];
} {
  const axes = b.random.pick([1, 1, 2, 2, 2, 3]);
  const channels = b.random.integer(1, 4);
  const size = Array.from({ length: axes }, () => b.random.integer(1, axes === 3 ? 3 : 6));
  return { x: b.float({ shape: [b.random.integer(1, 3), channels, ...size] }), axes, channels, size };
}

const kernelOf = (b: Builder, size: readonly number[]): readonly number[] => size.map((n) => b.random.integer(1, Math.min(3, n)));

type DrawLayer = (b: Builder) => Ref;

const linear: DrawLayer = (b) => {
  const x = b.float({ ranks: [1, 4], fits: (shape) => shape.at(-1) !== 0 });
  const [inner, out] = [b.shapeOf(x).at(-1)!, b.random.integer(1, 5)];
  return layer(b, "Linear", [inner, out], held({ weight: leaf(b, [out, inner]), bias: leaf(b, [out]) }), x);
};

const prelu: DrawLayer = (b) => {
  const { x, channels } = image(b);
  const numParameters = b.random.pick([1, channels]);
  return layer(b, "PReLU", [{ numParameters }], held({ weight: leaf(b, [numParameters]) }), x);
};

const convolution: DrawLayer = (b) => {
  const { random } = b;
  const { x, axes, channels, size } = image(b);
  const groups = random.pick([1, 1, channels]);
  const out = groups * random.integer(1, 2);
  const kernel = kernelOf(b, size);
  const transposed = random.chance(0.3);
  const weight = transposed ? [channels, out / groups, ...kernel] : [out, channels / groups, ...kernel];
  const options = {
    groups,
    stride: random.integer(1, 2),
    ...(random.chance(0.5) ? { padding: kernel.map((n) => random.integer(0, n >> 1)) } : {}),
    ...(!transposed && random.chance(0.4) ? { paddingMode: random.pick(["reflect", "replicate", "circular"]) } : {}),
  };
  const name = `Conv${transposed ? "Transpose" : ""}${axes}d`;
  return layer(b, name, [channels, out, kernel, options], held({ weight: leaf(b, weight), bias: leaf(b, [out]) }), x);
};

const norm: DrawLayer = (b) => {
  const { random } = b;
  const { x, axes, channels, size } = image(b);
  const scaled = (shape: readonly number[]): Properties => held({ weight: leaf(b, shape), bias: leaf(b, shape) });
  const runningStatistics = (): Properties =>
    held({ running_mean: leaf(b, [channels]), running_var: leaf(b, [channels], "positive") });
  switch (random.pick(["batch", "batch kept", "instance", "group", "layer", "rms", "response", "maps"] as const)) {
    case "batch":
      return layer(b, `BatchNorm${axes}d`, [channels, { trackRunningStats: false }], scaled([channels]), x);
    case "batch kept":
      return layer(b, `BatchNorm${axes}d`, [channels], { training: false, ...scaled([channels]), ...runningStatistics() }, x);
    case "instance":
      return layer(b, `InstanceNorm${axes}d`, [channels, { affine: true }], scaled([channels]), x);
    case "group":
      return layer(b, "GroupNorm", [random.pick([1, channels]), channels], scaled([channels]), x);
    case "layer": {
      const shape = random.chance(0.5) ? size : size.slice(-1);
      return layer(b, "LayerNorm", [shape], scaled(shape), x);
    }
    case "rms":
      return layer(b, "RMSNorm", [size], held({ weight: leaf(b, size) }), x);
    case "response":
      return layer(b, "LocalResponseNorm", [random.integer(1, 3)], {}, x);
    case "maps":
      return layer(b, "CrossMapLRN2d", [random.integer(1, 4)], {}, x);
  }
};

const pooling: DrawLayer = (b) => {
  const { random } = b;
  const { x, axes, size } = image(b);
  const kernel = kernelOf(b, size);
  const options = random.chance(0.5) ? { stride: random.integer(1, 2) } : {};
  const target = size.map((n) => random.integer(1, n + 1));
  const [name, args] = random.pick<readonly [string, readonly Arg[]]>([
    [`MaxPool${axes}d`, [kernel, options]],
    [`AvgPool${axes}d`, [kernel, options]],
    [`LPPool${axes}d`, [2, kernel, options]],
    [`AdaptiveAvgPool${axes}d`, [target]],
    [`AdaptiveMaxPool${axes}d`, [target]],
  ]);
  return layer(b, name, args, {}, x);
};

const moving: DrawLayer = (b) => {
  const { random } = b;
  const { x, axes } = image(b);
  const widths = Array.from({ length: 2 * axes }, () => random.integer(0, 2));
  const [name, args] = random.pick<readonly [string, readonly Arg[]]>([
    ["Flatten", []],
    ["Identity", []],
    [`ReflectionPad${axes}d`, [widths]],
    [`ReplicationPad${axes}d`, [widths]],
    [`CircularPad${axes}d`, [widths]],
    [`ZeroPad${axes}d`, [widths]],
    ["PixelShuffle", [2]],
    ["PixelUnshuffle", [2]],
    ["Upsample", [{ scaleFactor: 2 }]],
    ["UpsamplingNearest2d", [{ scaleFactor: 2 }]],
    ["UpsamplingBilinear2d", [{ scaleFactor: 2 }]],
    ["ChannelShuffle", [b.shapeOf(x)[1]!]],
    ["Softmax2d", []],
    ["Unfold", [kernelOf(b, b.shapeOf(x).slice(2))]],
  ]);
  return layer(b, name, args, {}, x);
};

const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;

const recurrent: DrawLayer = (b) => {
  const { random } = b;
  const name = random.pick(["RNN", "GRU", "LSTM"] as const);
  const [inner, hidden, steps] = [random.integer(1, 3), random.integer(1, 3), random.integer(1, 3)];
  const bidirectional = random.chance(0.3);
  const numLayers = random.pick([1, 1, 1, 2]);
  const rows = gates[name] * hidden;
  const of = (suffix: string, width: number): Readonly<Record<string, Ref>> => ({
    [`weight_ih_${suffix}`]: leaf(b, [rows, width]),
    [`weight_hh_${suffix}`]: leaf(b, [rows, hidden]),
    [`bias_ih_${suffix}`]: leaf(b, [rows]),
    [`bias_hh_${suffix}`]: leaf(b, [rows]),
  });
  const properties = held(
    Object.assign(
      {},
      ...Array.from({ length: numLayers }, (_, k) => {
        const width = k === 0 ? inner : hidden * (bidirectional ? 2 : 1);
        return { ...of(`l${k}`, width), ...(bidirectional ? of(`l${k}_reverse`, width) : {}) };
      }),
    ) as Readonly<Record<string, Ref>>,
  );
  const x = b.float({ shape: [random.integer(1, 3), steps, inner] });
  return layer(b, name, [inner, hidden, { bidirectional, numLayers }], properties, x);
};

const cell: DrawLayer = (b) => {
  const { random } = b;
  const name = random.pick(["RNN", "GRU"] as const);
  const [batch, inner, hidden] = [random.integer(1, 3), random.integer(1, 3), random.integer(1, 3)];
  const rows = gates[name] * hidden;
  const properties = held({
    weight_ih: leaf(b, [rows, inner]),
    weight_hh: leaf(b, [rows, hidden]),
    bias_ih: leaf(b, [rows]),
    bias_hh: leaf(b, [rows]),
  });
  const inputs = [b.float({ shape: [batch, inner] }), b.float({ shape: [batch, hidden] })];
  return layer(b, `${name}Cell`, [inner, hidden], properties, inputs);
};

const bilinear: DrawLayer = (b) => {
  const { random } = b;
  const [batch, left, right, out] = Array.from({ length: 4 }, () => random.integer(1, 3)) as [number, number, number, number];
  const properties = held({ weight: leaf(b, [out, left, right]), bias: leaf(b, [out]) });
  const inputs = [b.float({ shape: [batch, left] }), b.float({ shape: [batch, right] })];
  return layer(b, "Bilinear", [left, right, out], properties, inputs);
};

/** Weight and bias of a linear map, or of a normalization where `inner` is undefined. */
const affine = (b: Builder, out: number, inner?: number): Properties =>
  held({ weight: leaf(b, inner === undefined ? [out] : [out, inner]), bias: leaf(b, [out]) });

const projections = (b: Builder, width: number): Properties =>
  held({ in_proj_weight: leaf(b, [3 * width, width]), in_proj_bias: leaf(b, [3 * width]) });

/** [N, L, width], or without a batch; two sequences of other lengths. */
function sequences(b: Builder): { readonly heads: number; readonly width: number; readonly query: Ref; readonly memory: Ref } {
  const { random } = b;
  const heads = random.integer(1, 2);
  const width = heads * random.integer(1, 3);
  const lead = random.chance(0.8) ? [random.integer(1, 3)] : [];
  const [query, memory] = [0, 1].map(() => b.float({ shape: [...lead, random.integer(1, 4), width] })) as [Ref, Ref];
  return { heads, width, query, memory };
}

const attention: DrawLayer = (b) => {
  const { random } = b;
  const { heads, width, query, memory } = sequences(b);
  const extra = random.chance(0.2);
  const options = { addBiasKv: extra, addZeroAttn: random.chance(0.2) };
  const properties = {
    ...projections(b, width),
    ...(extra ? held({ bias_k: leaf(b, [1, 1, width]), bias_v: leaf(b, [1, 1, width]) }) : {}),
  };
  const [sources, length] = random.chance(0.5) ? [[query], query] : [[query, memory, memory], memory];
  const mask = (): Arg => {
    const [l, s] = [b.shapeOf(query).at(-2)!, b.shapeOf(length).at(-2)!];
    return random.chance(0.5) ? { causal: true } : { attnMask: leaf(b, [l, s]) };
  };
  // Key and value are said where masks follow.
  const inputs: readonly Arg[] = random.chance(0.5)
    ? sources
    : [...(sources.length === 1 ? [query, query, query] : sources), mask()];
  return layer(b, "MultiHeadAttention", [width, heads, options], properties, inputs, { out_proj: affine(b, width, width) });
};

const transformer: DrawLayer = (b) => {
  const { random } = b;
  const { heads, width, query, memory } = sequences(b);
  const decoder = random.chance(0.4);
  const inner = random.integer(1, 4);
  const options = { dimFeedforward: inner, dropout: 0, normFirst: random.chance(0.5), activation: random.pick(["relu", "gelu"]) };
  const attentions = decoder ? ["self_attn", "multihead_attn"] : ["self_attn"];
  const parts = Object.fromEntries<Properties>([
    ...attentions.flatMap((name): [string, Properties][] => [
      [name, projections(b, width)],
      [`${name}.out_proj`, affine(b, width, width)],
    ]),
    ["linear1", affine(b, inner, width)],
    ["linear2", affine(b, width, inner)],
    ...["norm1", "norm2", ...(decoder ? ["norm3"] : [])].map((name): [string, Properties] => [name, affine(b, width)]),
  ]);
  const name = `Transformer${decoder ? "Decoder" : "Encoder"}Layer`;
  return layer(b, name, [width, heads, options], {}, decoder ? [query, memory] : [query], parts);
};

const embedding: DrawLayer = (b) => {
  const { random } = b;
  const [rows, width] = [random.integer(1, 5), random.integer(1, 3)];
  const options = {
    ...(random.chance(0.4) ? { paddingIdx: random.pick([0, -1]) } : {}),
    ...(random.chance(0.4) ? { scaleGradByFreq: true } : {}),
  };
  return layer(
    b,
    "Embedding",
    [rows, width, options],
    held({ weight: leaf(b, [rows, width]) }),
    b.indices(b.shape({ ranks: [1, 2] }), rows),
  );
};

const embeddingBag: DrawLayer = (b) => {
  const { random } = b;
  const [rows, width] = [random.integer(1, 5), random.integer(1, 3)];
  const mode = random.pick(["sum", "mean", "max"]);
  const options = {
    mode,
    ...(random.chance(0.4) ? { paddingIdx: random.pick([0, -1]) } : {}),
    ...(mode !== "max" && random.chance(0.4) ? { scaleGradByFreq: true } : {}),
  };
  return layer(
    b,
    "EmbeddingBag",
    [rows, width, options],
    held({ weight: leaf(b, [rows, width]) }),
    b.indices(b.shape({ ranks: [2, 2] }), rows),
  );
};

const positions: DrawLayer = (b) => {
  const x = b.float({ ranks: [2, 3], fits: (shape) => shape.at(-1)! > 0 });
  const [steps, features] = b.shapeOf(x).slice(-2) as [number, number];
  if (b.random.chance(0.5)) return layer(b, "SinusoidalPositions", [features], {}, x);
  const most = steps + b.random.integer(steps === 0 ? 1 : 0, 2);
  return layer(b, "LearnedPositions", [most, features], held({ weight: leaf(b, [most, features]) }), x);
};

const dropout: DrawLayer = (b) => {
  const { x, axes } = image(b);
  const name = b.random.pick(["Dropout", `Dropout${axes}d`, "AlphaDropout", "FeatureAlphaDropout"]);
  return b.call("drawn", b.leaf([3], "int32", { from: 0, to: 9 }), name, b.random.pick([0.25, 0.5]), x);
};

const unpooling: DrawLayer = (b) => {
  const { x, axes, size } = image(b);
  const places = size.reduce((count, n) => count * 2 * n, 1);
  return layer(b, `MaxUnpool${axes}d`, [2], {}, [x, b.indices(b.shapeOf(x), places)]);
};

/** Columns of windows of two steps along two axes, and the image that they are put into. */
const folding: DrawLayer = (b) => {
  const [height, width] = [b.random.integer(2, 4), b.random.integer(2, 4)];
  const columns = b.float({ shape: [b.random.integer(1, 2), 4 * b.random.integer(1, 2), (height - 1) * (width - 1)] });
  return layer(b, "Fold", [[height, width], 2], {}, columns);
};

const distance: DrawLayer = (b) => {
  const name = b.random.pick(["CosineSimilarity", "PairwiseDistance"]);
  const x = b.float({ ranks: [2, 3], fits: (shape) => !shape.includes(0) });
  return layer(b, name, [{}], {}, [x, b.float({ shape: b.shapeOf(x) })]);
};

const triplet: DrawLayer = (b) => {
  const x = b.float({ ranks: [1, 3], fits: (shape) => !shape.includes(0) });
  const others = [0, 1].map(() => b.float({ shape: b.shapeOf(x) }));
  return layer(b, "TripletMarginWithDistanceLoss", [{ swap: b.random.chance(0.5) }], {}, [x, ...others]);
};

const drawers: readonly DrawLayer[] = [
  unpooling,
  folding,
  distance,
  triplet,
  linear,
  bilinear,
  prelu,
  convolution,
  norm,
  norm,
  pooling,
  moving,
  recurrent,
  cell,
  attention,
  transformer,
  embedding,
  embeddingBag,
  positions,
  dropout,
];

export const layers: readonly Form[] = drawers.map((draw) => form("layer", draw, 0.45));
