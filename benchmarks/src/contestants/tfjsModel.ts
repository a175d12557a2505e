/** The models in TensorFlow.js's ops, channels last, as its CPU kernels have it. */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import type { ConvolutionSpec, LayerSpec, ModelSpec, TransposedConvolutionSpec } from "../model.js";
import type { NamedNumbers } from "./data.js";
import { rearrangement, samePadding } from "./tfjsLayout.js";

/** TensorFlow.js, as far as it is used here: tfjs-node's or tfjs-core's. */
export type Tf = Pick<
  typeof import("@tensorflow/tfjs-core"),
  | "add"
  | "avgPool"
  | "batchNorm"
  | "conv2d"
  | "conv2dTranspose"
  | "depthwiseConv2d"
  | "dropout"
  | "erf"
  | "expandDims"
  | "fill"
  | "gather"
  | "linalg"
  | "losses"
  | "matMul"
  | "maxPool"
  | "mean"
  | "moments"
  | "mul"
  | "oneHot"
  | "ones"
  | "pad"
  | "relu"
  | "relu6"
  | "reshape"
  | "rsqrt"
  | "sigmoid"
  | "slice"
  | "softmax"
  | "split"
  | "squeeze"
  | "stack"
  | "sub"
  | "tanh"
  | "tensor"
  | "tensor1d"
  | "tidy"
  | "train"
  | "transpose"
  | "variable"
>;

/** Parameters by name, and running statistics as their batch norm comes to need them. */
export type Variables = Map<string, Variable>;

export function tfjsVariables(tf: Tf, parameters: readonly NamedNumbers[]): Variables {
  return new Map(
    parameters.map((parameter) => {
      const start = tf.tidy(() => {
        const { shape, data } = parameter;
        const layout = rearrangement(parameter);
        if (layout === undefined) return tf.tensor(data, [...shape]);
        return tf.reshape(tf.transpose(tf.tensor(data, [...layout.from]), [...layout.order]), [...layout.to]);
      });
      const variable = tf.variable(start);
      start.dispose();
      return [parameter.name, variable];
    }),
  );
}

/** What keeps a model from being trained, or run, here; undefined where nothing does. */
export function tfjsLacks(layers: readonly LayerSpec[], training: boolean): string | undefined {
  for (const layer of layers) {
    if (layer.kind !== "convolution") continue;
    const { groups = 1, dilation = 1 } = layer;
    if (groups > 1 && groups !== layer.in) return "it has no convolutions in groups of several channels";
    if (training && dilation > 1) return "it has no gradients of dilated convolutions";
  }
  return undefined;
}

/** How a forward runs. */
interface Pass {
  readonly tf: Tf;
  readonly variables: Variables;
  /** With the batch's statistics, which move the running ones. */
  readonly training: boolean;
  readonly dropout: boolean;
  /** The axes between batch and channels come first in specs, and here last. */
  readonly images: boolean;
}

const parameter = ({ variables }: Pass, name: string): Variable => variables.get(name)!;

/** Signals are images of height 1. */
const asImages = ({ tf }: Pass, x: Tensor, axes: 1 | 2, fn: (x: Tensor4D) => Tensor): Tensor =>
  axes === 2 ? fn(x as Tensor4D) : tf.squeeze(fn(tf.expandDims(x, 1)), [1]);

/** A number an axis: 1 for the height of a signal. */
const perAxis = (axes: 1 | 2, value: number): [number, number] => [axes === 1 ? 1 : value, value];

function withBias(pass: Pass, x: Tensor, name: string): Tensor {
  const bias = pass.variables.get(`${name}.bias`);
  return bias === undefined ? x : pass.tf.add(x, bias);
}

function convolution(pass: Pass, x: Tensor, name: string, spec: ConvolutionSpec): Tensor {
  const { tf } = pass;
  const { axes, kernel, stride = 1, padding = 0, dilation = 1, groups = 1 } = spec;
  const weight = parameter(pass, `${name}.weight`) as unknown as Tensor4D;
  const convolve = groups > 1 ? tf.depthwiseConv2d : tf.conv2d;
  const y = asImages(pass, x, axes, (images) => {
    const isSame = images.shape
      .slice(axes === 1 ? 2 : 1, -1)
      .every((size) => samePadding(size, { kernel, stride, dilation }).every((side) => side === padding));
    const sides = ([vertical, horizontal]: [number, number]): [number, number][] => [
      [0, 0],
      [vertical, vertical],
      [horizontal, horizontal],
      [0, 0],
    ];
    const padded = isSame || padding === 0 ? images : tf.pad(images, sides([axes === 1 ? 0 : padding, padding]));
    return convolve(padded, weight, perAxis(axes, stride), isSame ? "same" : "valid", "NHWC", perAxis(axes, dilation));
  });
  return withBias(pass, y, name);
}

function transposedConvolution(pass: Pass, x: Tensor, name: string, spec: TransposedConvolutionSpec): Tensor {
  const { tf } = pass;
  const { axes, out, kernel, stride = 1, padding = 0, outputPadding = 0 } = spec;
  const weight = parameter(pass, `${name}.weight`) as unknown as Tensor4D;
  const y = asImages(pass, x, axes, (images) => {
    const [n, ...sizes] = images.shape.slice(0, -1) as [number, number, number];
    const open = sizes.map((_, i) => axes === 2 || i === 1);
    const wanted = sizes.map((size, i) => (open[i]! ? (size - 1) * stride - 2 * padding + kernel + outputPadding : size));
    const isSame = sizes.every(
      (size, i) =>
        !open[i]! ||
        (size === Math.ceil(wanted[i]! / stride) &&
          samePadding(wanted[i]!, { kernel, stride, dilation: 1 }).every((side) => side === padding)),
    );
    const size = (all: readonly number[]): [number, number, number, number] => [n, all[0]!, all[1]!, out];
    if (isSame) return tf.conv2dTranspose(images, weight, size(wanted), perAxis(axes, stride), "same");
    // All that there is, and of that what the padding leaves.
    const whole = sizes.map((length, i) => (open[i]! ? (length - 1) * stride + kernel : length));
    const all = tf.conv2dTranspose(images, weight, size(whole), perAxis(axes, stride), "valid");
    const [top, left] = open.map((isOpen) => (isOpen ? padding : 0)) as [number, number];
    return tf.slice(all, [0, top, left, 0], size(wanted));
  });
  return withBias(pass, y, name);
}

const momentum = 0.1;
const epsilon = 1e-5;

function batchNorm(pass: Pass, x: Tensor, name: string, features: number): Tensor {
  const { tf, variables, training } = pass;
  const running = (statistic: string, start: number): Variable => {
    const key = `${name}.${statistic}`;
    if (!variables.has(key)) variables.set(key, tf.variable(tf.fill([features], start), false));
    return variables.get(key)!;
  };
  const [means, variances] = [running("running_mean", 0), running("running_var", 1)];
  const [scale, offset] = [parameter(pass, `${name}.weight`), parameter(pass, `${name}.bias`)];
  const normalize = (mean: Tensor, variance: Tensor): Tensor =>
    tf.batchNorm(x, mean as Tensor1D, variance as Tensor1D, offset as unknown as Tensor1D, scale as unknown as Tensor1D, epsilon);
  if (!training) return normalize(means, variances);
  const axes = x.shape.slice(0, -1).map((_, i) => i);
  const { mean, variance } = tf.moments(x, axes);
  const count = x.size / features;
  const move = (variable: Variable, now: Tensor): void =>
    variable.assign(tf.add(tf.mul(variable, 1 - momentum), tf.mul(now, momentum)));
  move(means, mean);
  move(variances, tf.mul(variance, count / (count - 1)));
  return normalize(mean, variance);
}

function layerNorm(pass: Pass, x: Tensor, name: string): Tensor {
  const { tf } = pass;
  const { mean, variance } = tf.moments(x, -1, true);
  const scale = tf.mul(tf.rsqrt(tf.add(variance, epsilon)), parameter(pass, `${name}.weight`));
  return tf.add(tf.mul(tf.sub(x, mean), scale), parameter(pass, `${name}.bias`));
}

function dense(pass: Pass, x: Tensor, weight: string, bias: string): Tensor {
  const { tf } = pass;
  const matrix = parameter(pass, weight) as unknown as Tensor2D;
  const added = pass.variables.get(bias);
  const [features, out] = matrix.shape;
  const rows = tf.matMul((x.rank === 2 ? x : tf.reshape(x, [-1, features])) as Tensor2D, matrix);
  const y = added === undefined ? rows : tf.add(rows, added);
  return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), out]);
}

function attention(pass: Pass, x: Tensor, name: string, heads: number, causal: boolean): Tensor {
  const { tf } = pass;
  const [n, l, d] = x.shape as [number, number, number];
  const all = dense(pass, x, `${name}.in_proj_weight`, `${name}.in_proj_bias`);
  const [q, k, v] = tf.split(all, 3, 2).map((t) => tf.transpose(tf.reshape(t, [n, l, heads, d / heads]), [0, 2, 1, 3])) as [
    Tensor4D,
    Tensor4D,
    Tensor4D,
  ];
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(d / heads));
  // 0 up to the diagonal, and above it so little that softmax gives 0.
  const mask = causal ? tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([l, l]), -1, 0)), -1e9) : undefined;
  const weights = tf.softmax(mask === undefined ? scores : tf.add(scores, mask));
  const joined = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]);
  return dense(pass, tf.reshape(joined, [n, l, d]), `${name}.out_proj.weight`, `${name}.out_proj.bias`);
}

const gelu = (tf: Tf, x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

function run(pass: Pass, layers: readonly LayerSpec[], prefix: string, x: Tensor): Tensor {
  return layers.reduce((y, layer, i) => runLayer(pass, layer, `${prefix}${i}`, y), x);
}

/** One layer: the input's part of all gates at once, then step by step. */
function recurrent(pass: Pass, x: Tensor, cell: "lstm" | "gru", nameOf: (part: string) => string): Tensor {
  const { tf } = pass;
  const weight = parameter(pass, nameOf("weight_hh"));
  const hidden = (h: Tensor): Tensor =>
    tf.add(tf.matMul(h as Tensor2D, weight as unknown as Tensor2D), parameter(pass, nameOf("bias_hh")));
  const gates = dense(pass, x, nameOf("weight_ih"), nameOf("bias_ih"));
  const steps = tf.split(gates, gates.shape[1]!, 1).map((step) => tf.squeeze(step, [1]));
  const zeros = tf.fill([x.shape[0]!, weight.shape[0]!], 0);
  let [h, c]: [Tensor, Tensor] = [zeros, zeros];
  const outputs = steps.map((step) => {
    if (cell === "lstm") {
      const [i, f, g, o] = tf.split(tf.add(step, hidden(h)), 4, 1) as [Tensor, Tensor, Tensor, Tensor];
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      return h;
    }
    const [xr, xz, xn] = tf.split(step, 3, 1) as [Tensor, Tensor, Tensor];
    const [hr, hz, hn] = tf.split(hidden(h), 3, 1) as [Tensor, Tensor, Tensor];
    const z = tf.sigmoid(tf.add(xz, hz));
    const n = tf.tanh(tf.add(xn, tf.mul(tf.sigmoid(tf.add(xr, hr)), hn)));
    h = tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, h));
    return h;
  });
  return tf.stack(outputs, 1);
}

function runLayer(pass: Pass, layer: LayerSpec, name: string, x: Tensor): Tensor {
  const { tf } = pass;
  switch (layer.kind) {
    case "convolution":
      return convolution(pass, x, name, layer);
    case "transposedConvolution":
      return transposedConvolution(pass, x, name, layer);
    case "pooling": {
      const window = perAxis(layer.axes, layer.kernel);
      const pool = layer.reduce === "max" ? tf.maxPool : tf.avgPool;
      return asImages(pass, x, layer.axes, (images) => pool(images, window, window, "valid"));
    }
    case "batchNorm":
      return batchNorm(pass, x, name, layer.features);
    case "layerNorm":
      return layerNorm(pass, x, name);
    case "activation":
      return layer.name === "gelu" ? gelu(tf, x) : tf[layer.name](x);
    case "flatten":
      return tf.reshape(x, [x.shape[0]!, -1]);
    case "linear":
      return dense(pass, x, `${name}.weight`, `${name}.bias`);
    case "dropout":
      return pass.dropout ? tf.dropout(x, layer.p) : x;
    case "embedding":
      return tf.gather(parameter(pass, `${name}.weight`), x as Tensor1D);
    case "positions":
      return tf.add(x, parameter(pass, `${name}.weight`));
    case "mean":
      return tf.mean(
        x,
        layer.axes.map((axis) => (pass.images ? axis - 1 : axis)),
      );
    case "residual": {
      const around = layer.shortcut === undefined ? x : run(pass, layer.shortcut, `${name}.shortcut.`, x);
      return tf.add(run(pass, layer.branch, `${name}.branch.`, x), around);
    }
    case "attention":
      return attention(pass, x, name, layer.heads, layer.causal === true);
    case "recurrent": {
      let y = x;
      for (let i = 0; i < (layer.layers ?? 1); i++) y = recurrent(pass, y, layer.cell, (part) => `${name}.${part}_l${i}`);
      return y;
    }
  }
}

/** The output; images are [N, …size, channels]. */
export function tfjsForward(
  tf: Tf,
  model: ModelSpec,
  variables: Variables,
  x: Tensor,
  { training, dropout = training }: { readonly training: boolean; readonly dropout?: boolean },
): Tensor {
  return run({ tf, variables, training, dropout, images: model.input.images === true }, model.layers, "", x);
}

/** [N, channels, …size] to [N, …size, channels]. */
export function channelsLast(tf: Tf, x: Tensor): Tensor {
  const axes = x.shape.map((_, i) => i);
  const last = tf.transpose(x, [0, ...axes.slice(2), 1]);
  x.dispose();
  return last;
}
