/** Models in ermine's own layers, and their losses. */
import { add, crossEntropy, mean, mse, reshape, zeros, type Tensor } from "@ermine/core";
import {
  AvgPool1d,
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  Dropout,
  Embedding,
  Flatten,
  GELU,
  GRU,
  LayerNorm,
  Linear,
  LSTM,
  MaxPool1d,
  MaxPool2d,
  Module,
  MultiHeadAttention,
  Parameter,
  ReLU,
  ReLU6,
  Residual,
  Sequential,
  Sigmoid,
  Tanh,
  type Layer,
} from "@ermine/core/nn";
import type { ActivationName, LayerSpec, ModelSpec } from "../model.js";
import type { NamedNumbers } from "./data.js";

class Mean extends Module {
  readonly axes: readonly number[];

  constructor(axes: readonly number[]) {
    super();
    this.axes = axes;
  }

  forward(x: Tensor): Tensor {
    return mean(x, { axis: this.axes });
  }
}

class Positions extends Module {
  readonly weight: Parameter;

  constructor(length: number, features: number) {
    super();
    this.weight = new Parameter(zeros([length, features]));
  }

  forward(x: Tensor): Tensor {
    return add(x, this.weight.value);
  }
}

const activations: Readonly<Record<ActivationName, new () => Layer>> = {
  relu: ReLU,
  relu6: ReLU6,
  gelu: GELU,
  tanh: Tanh,
  sigmoid: Sigmoid,
};

const sequence = (layers: readonly LayerSpec[]): Sequential => new Sequential(...layers.map(layerOf));

function layerOf(spec: LayerSpec): Layer {
  switch (spec.kind) {
    case "convolution": {
      const { axes, in: from, out, kernel, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = spec;
      const options = { stride, padding, dilation, groups, bias };
      return axes === 1 ? new Conv1d(from, out, kernel, options) : new Conv2d(from, out, kernel, options);
    }
    case "transposedConvolution": {
      const { axes, in: from, out, kernel, stride = 1, padding = 0, outputPadding = 0, bias = true } = spec;
      const options = { stride, padding, outputPadding, bias };
      return axes === 1 ? new ConvTranspose1d(from, out, kernel, options) : new ConvTranspose2d(from, out, kernel, options);
    }
    case "pooling":
      if (spec.reduce === "mean") return spec.axes === 1 ? new AvgPool1d(spec.kernel) : new AvgPool2d(spec.kernel);
      return spec.axes === 1 ? new MaxPool1d(spec.kernel) : new MaxPool2d(spec.kernel);
    case "batchNorm":
      return spec.axes === 2 ? new BatchNorm2d(spec.features) : new BatchNorm1d(spec.features);
    case "layerNorm":
      return new LayerNorm(spec.features);
    case "activation":
      return new activations[spec.name]();
    case "flatten":
      return new Flatten();
    case "linear":
      return new Linear(spec.in, spec.out, { bias: spec.bias ?? true });
    case "dropout":
      return new Dropout(spec.p);
    case "embedding":
      return new Embedding(spec.rows, spec.features);
    case "positions":
      return new Positions(spec.length, spec.features);
    case "recurrent":
      return new (spec.cell === "lstm" ? LSTM : GRU)(spec.in, spec.hidden, { numLayers: spec.layers ?? 1 });
    case "mean":
      return new Mean(spec.axes);
    case "residual":
      return spec.shortcut === undefined
        ? new Residual(sequence(spec.branch))
        : new Residual(sequence(spec.branch), sequence(spec.shortcut));
    case "attention":
      return new MultiHeadAttention(spec.width, spec.heads, { causal: spec.causal ?? false });
  }
}

/** The model with these parameters; running statistics are as they start. */
export function ermineModel({ layers }: ModelSpec, parameters: readonly NamedNumbers[]): Sequential {
  const model = sequence(layers);
  const state = Object.fromEntries(parameters.map(({ name, shape, data }) => [name, { shape, data }]));
  const { unexpected } = model.loadStateDict(state, { strict: false });
  const missing = model.namedParameters().filter(([name]) => !(name in state));
  if (unexpected.length + missing.length > 0)
    throw new Error(`The model and its parameters differ: ${[...unexpected, ...missing.map(([name]) => name)].join(", ")}.`);
  return model;
}

/** As people write it: cross-entropy takes the classes on axis 1, so that places become rows. */
export function ermineLoss({ loss }: ModelSpec): (output: Tensor, target: Tensor) => Tensor {
  if (loss === "mse") return (output, target) => mse(output, target);
  return (output, target) =>
    output.rank === 2
      ? crossEntropy(output, target)
      : crossEntropy(reshape(output, [-1, output.shape.at(-1)!]), reshape(target, [-1]));
}
