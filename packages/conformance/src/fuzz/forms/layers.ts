/** Layers in training and in evaluation, with the program's values for parameters, buffers and counters. */
import type { Builder } from "../builder.js";
import type { Arg, Ref } from "../program.js";
import { form, type Form } from "./form.js";

type Own = { readonly [property: string]: Arg };

/** What a layer holds: `{ weight: { value: x1 } }`. */
const held = (tensors: Readonly<Record<string, Ref>>): Own =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, { value }]));

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
  return b.call("layer", "Linear", [inner, out], held({ weight: leaf(b, [out, inner]), bias: leaf(b, [out]) }), x);
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
  return b.call("layer", name, [channels, out, kernel, options], held({ weight: leaf(b, weight), bias: leaf(b, [out]) }), x);
};

const norm: DrawLayer = (b) => {
  const { random } = b;
  const { x, axes, channels, size } = image(b);
  const affine = (shape: readonly number[]): Own => held({ weight: leaf(b, shape), bias: leaf(b, shape) });
  const kept = (): Own => held({ running_mean: leaf(b, [channels]), running_var: leaf(b, [channels], "positive") });
  switch (random.pick(["batch", "batch kept", "instance", "group", "layer", "rms", "response"] as const)) {
    case "batch":
      return b.call("layer", `BatchNorm${axes}d`, [channels, { trackRunningStats: false }], affine([channels]), x);
    case "batch kept":
      return b.call("layer", `BatchNorm${axes}d`, [channels], { training: false, ...affine([channels]), ...kept() }, x);
    case "instance":
      return b.call("layer", `InstanceNorm${axes}d`, [channels, { affine: true }], affine([channels]), x);
    case "group":
      return b.call("layer", "GroupNorm", [random.pick([1, channels]), channels], affine([channels]), x);
    case "layer": {
      const shape = random.chance(0.5) ? size : size.slice(-1);
      return b.call("layer", "LayerNorm", [shape], affine(shape), x);
    }
    case "rms":
      return b.call("layer", "RMSNorm", [size], held({ weight: leaf(b, size) }), x);
    case "response":
      return b.call("layer", "LocalResponseNorm", [random.integer(1, 3)], {}, x);
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
  return b.call("layer", name, args, {}, x);
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
  ]);
  return b.call("layer", name, args, {}, x);
};

const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;

const recurrent: DrawLayer = (b) => {
  const { random } = b;
  const name = random.pick(["RNN", "GRU", "LSTM"] as const);
  const [inner, hidden, steps] = [random.integer(1, 3), random.integer(1, 3), random.integer(1, 3)];
  const bidirectional = random.chance(0.3);
  const rows = gates[name] * hidden;
  const of = (suffix: string): Readonly<Record<string, Ref>> => ({
    [`weight_ih_${suffix}`]: leaf(b, [rows, inner]),
    [`weight_hh_${suffix}`]: leaf(b, [rows, hidden]),
    [`bias_ih_${suffix}`]: leaf(b, [rows]),
    [`bias_hh_${suffix}`]: leaf(b, [rows]),
  });
  const own = held({ ...of("l0"), ...(bidirectional ? of("l0_reverse") : {}) });
  const x = b.float({ shape: [random.integer(1, 3), steps, inner] });
  return b.call("layer", name, [inner, hidden, bidirectional ? { bidirectional } : {}], own, x);
};

const embedding: DrawLayer = (b) => {
  const { random } = b;
  const [rows, width] = [random.integer(1, 5), random.integer(1, 3)];
  const options = {
    ...(random.chance(0.4) ? { paddingIdx: random.pick([0, -1]) } : {}),
    ...(random.chance(0.4) ? { scaleGradByFreq: true } : {}),
  };
  return b.call(
    "layer",
    "Embedding",
    [rows, width, options],
    held({ weight: leaf(b, [rows, width]) }),
    b.indices(b.shape({ ranks: [1, 2] }), rows),
  );
};

const dropout: DrawLayer = (b) => {
  const { x, axes } = image(b);
  const name = b.random.pick(["Dropout", `Dropout${axes}d`, "AlphaDropout", "FeatureAlphaDropout"]);
  return b.call("drawn", b.leaf([3], "int32", { from: 0, to: 9 }), name, b.random.pick([0.25, 0.5]), x);
};

export const layers: readonly Form[] = [linear, convolution, norm, norm, pooling, moving, recurrent, embedding, dropout].map(
  (draw) => form("layer", draw, 0.6),
);
