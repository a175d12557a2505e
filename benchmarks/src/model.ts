/** Models as data: a list of layers that every contestant builds of its own. Parameters have PyTorch's names and shapes, images are [channels, …size]. */

/** One layer. Sizes are those of PyTorch's layer; what is not given is PyTorch's default. */
export type LayerSpec =
  | ConvolutionSpec
  | TransposedConvolutionSpec
  | PoolingSpec
  | ResidualSpec
  | AttentionSpec
  /** Over (N, features, …size of `axes` axes), with running statistics. */
  | { readonly kind: "batchNorm"; readonly axes: 0 | 1 | 2; readonly features: number }
  /** Over the last axis. */
  | { readonly kind: "layerNorm"; readonly features: number }
  | { readonly kind: "activation"; readonly name: ActivationName }
  /** All axes after the batch into one. */
  | { readonly kind: "flatten" }
  /** Over the last axis. */
  | { readonly kind: "linear"; readonly in: number; readonly out: number; readonly bias?: boolean }
  | { readonly kind: "dropout"; readonly p: number }
  /** Indices to rows of a table. */
  | { readonly kind: "embedding"; readonly rows: number; readonly features: number }
  /** A learned row added at each place of (N, length, features). */
  | { readonly kind: "positions"; readonly length: number; readonly features: number }
  | RecurrentSpec
  /** Over these axes, counted with the batch: [2, 3] of an image. */
  | { readonly kind: "mean"; readonly axes: readonly number[] };

export type ActivationName = "relu" | "relu6" | "gelu" | "tanh" | "sigmoid";

export interface ConvolutionSpec {
  readonly kind: "convolution";
  readonly axes: 1 | 2;
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

export interface TransposedConvolutionSpec {
  readonly kind: "transposedConvolution";
  readonly axes: 1 | 2;
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly outputPadding?: number;
  readonly bias?: boolean;
}

/** Windows next to each other, without padding: the stride is the kernel. */
export interface PoolingSpec {
  readonly kind: "pooling";
  readonly reduce: "max" | "mean";
  readonly axes: 1 | 2;
  readonly kernel: number;
}

/** branch(x) + x, or + shortcut(x). Parameters are named `branch.0.weight`, `shortcut.0.weight`. */
export interface ResidualSpec {
  readonly kind: "residual";
  readonly branch: readonly LayerSpec[];
  readonly shortcut?: readonly LayerSpec[];
}

/** Self-attention over (N, length, width). */
export interface AttentionSpec {
  readonly kind: "attention";
  readonly width: number;
  readonly heads: number;
  readonly causal?: boolean;
}

/** A recurrent network over (N, steps, in): the output of every step, (N, steps, hidden). */
export interface RecurrentSpec {
  readonly kind: "recurrent";
  readonly cell: "lstm" | "gru";
  readonly in: number;
  readonly hidden: number;
  /** On top of each other. Default 1. */
  readonly layers?: number;
}

/** Gates of each cell: the rows of its weights are so many times the hidden size. */
export const gatesOf = { lstm: 4, gru: 3 } as const;

export interface InputSpec {
  /** Of one sample. */
  readonly shape: readonly number[];
  /** Whole numbers below that; without it values in ±1. */
  readonly indices?: number;
  /** An image or a signal, [channels, …size], up to where it is flattened or its axes are averaged: what some have with the channels last. */
  readonly images?: true;
}

export interface ModelSpec {
  readonly input: InputSpec;
  /** Named by their places, as in PyTorch's Sequential. */
  readonly layers: readonly LayerSpec[];
  /** The mean cross-entropy over the output's last axis, for each sample and each place of the other axes; or the mean squared error. */
  readonly loss: "crossEntropy" | "mse";
}

/** What one sample's target is: classes below `classes`, or values. */
export interface TargetSpec {
  readonly shape: readonly number[];
  readonly classes?: number;
}

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** What it starts as: values in ±bound, or one value. */
  readonly start: { readonly bound: number } | { readonly value: number };
  /** What its layer is, for those who keep its elements in another order. */
  readonly role: ParameterRole;
}

export type ParameterRole =
  | { readonly kind: "convolution"; readonly groups: number }
  | { readonly kind: "transposedConvolution" }
  /** [out, in]; where `features` is there, `in` is a flattened [channels, …size]. */
  | { readonly kind: "matrix"; readonly features?: readonly number[] }
  /** Tables, biases, scales. */
  | { readonly kind: "plain" };

export const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Every layer of a model, those in branches too. */
export function allLayers(layers: readonly LayerSpec[]): readonly LayerSpec[] {
  return layers.flatMap((layer) =>
    layer.kind === "residual" ? [layer, ...allLayers(layer.branch), ...allLayers(layer.shortcut ?? [])] : [layer],
  );
}

/** Does it behave in another way each time that it trains? */
export const isRandom = (model: ModelSpec): boolean => allLayers(model.layers).some(({ kind }) => kind === "dropout");

/** The sizes of a fully connected network with ReLU between its layers; undefined where it is another one. */
export function connectedSizes({ layers }: ModelSpec): readonly number[] | undefined {
  const sizes: number[] = [];
  for (const [i, layer] of layers.entries()) {
    if (i % 2 === 0 && layer.kind === "linear" && layer.bias !== false) sizes.push(...(i === 0 ? [layer.in] : []), layer.out);
    else if (i % 2 === 0 || layer.kind !== "activation" || layer.name !== "relu") return undefined;
  }
  return layers.length % 2 === 1 ? sizes : undefined;
}
