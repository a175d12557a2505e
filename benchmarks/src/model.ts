/** The models that are trained, as data that every contestant can build: parameters carry PyTorch's names and shapes. */

export type ModelSpec =
  | { readonly kind: "mlp"; readonly sizes: readonly number[] }
  /** conv 3×3 padding 1 – relu – pool 2, twice, then a linear layer. */
  | { readonly kind: "cnn"; readonly side: number; readonly channels: readonly [number, number]; readonly classes: number }
  /** Pre-norm transformer blocks, the mean over the sequence, a linear layer. The inputs are vectors already. */
  | {
      readonly kind: "attention";
      readonly blocks: number;
      readonly width: number;
      readonly heads: number;
      readonly hidden: number;
      readonly length: number;
      readonly classes: number;
    };

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** What it starts as: numbers in ±bound, or one number. */
  readonly start: { readonly bound: number } | { readonly value: number };
}

export const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The shape of one sample. */
export function sampleShape(model: ModelSpec): readonly number[] {
  if (model.kind === "mlp") return [model.sizes[0]!];
  return model.kind === "cnn" ? [1, model.side, model.side] : [model.length, model.width];
}

export const classesOf = (model: ModelSpec): number => (model.kind === "mlp" ? model.sizes.at(-1)! : model.classes);

/** Features behind the second pooling. */
export const cnnFeatures = (model: Extract<ModelSpec, { kind: "cnn" }>): number =>
  model.channels[1] * Math.floor(model.side / 4) ** 2;

/** The parameters in order: weights as PyTorch has them, [out, in, …]. */
export function parameterSpecs(model: ModelSpec): readonly ParameterSpec[] {
  const layer = (name: string, shape: readonly number[]): ParameterSpec[] => {
    const bound = 1 / Math.sqrt(product(shape.slice(1)));
    return [
      { name: `${name}.weight`, shape, start: { bound } },
      { name: `${name}.bias`, shape: [shape[0]!], start: { bound } },
    ];
  };
  if (model.kind === "mlp") return model.sizes.slice(1).flatMap((out, i) => layer(`${2 * i}`, [out, model.sizes[i]!]));
  if (model.kind === "cnn") {
    const [first, second] = model.channels;
    return [
      ...layer("0", [first, 1, 3, 3]),
      ...layer("3", [second, first, 3, 3]),
      ...layer("7", [model.classes, cnnFeatures(model)]),
    ];
  }
  const { width, hidden } = model;
  const norm = (name: string): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [width], start: { value: 1 } },
    { name: `${name}.bias`, shape: [width], start: { value: 0 } },
  ];
  const block = (name: string): ParameterSpec[] => [
    ...norm(`${name}.norm1`),
    { name: `${name}.attention.in_proj_weight`, shape: [3 * width, width], start: { bound: 1 / Math.sqrt(width) } },
    { name: `${name}.attention.in_proj_bias`, shape: [3 * width], start: { value: 0 } },
    ...layer(`${name}.attention.out_proj`, [width, width]),
    ...norm(`${name}.norm2`),
    ...layer(`${name}.linear1`, [hidden, width]),
    ...layer(`${name}.linear2`, [width, hidden]),
  ];
  return [
    ...Array.from({ length: model.blocks }, (_, i) => block(`blocks.${i}`)).flat(),
    ...layer("head", [model.classes, width]),
  ];
}

/** Multiply-adds of one sample's forward, counted as two operations each; a training step is about three times that. */
export function forwardFlops(model: ModelSpec): number {
  if (model.kind === "mlp") return model.sizes.slice(1).reduce((sum, out, i) => sum + 2 * out * model.sizes[i]!, 0);
  if (model.kind === "cnn") {
    const [first, second] = model.channels;
    const area = model.side * model.side;
    return 2 * area * first * 9 + 2 * Math.floor(area / 4) * second * first * 9 + 2 * model.classes * cnnFeatures(model);
  }
  const { blocks, width, hidden, length, classes } = model;
  return blocks * 2 * length * (4 * width * width + 2 * width * hidden + 2 * length * width) + 2 * width * classes;
}
