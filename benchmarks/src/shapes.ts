/** A model walked layer by layer, with the shape of one sample at each: parameters, outputs, the count of multiply-adds. */
import {
  gatesOf,
  product,
  type ConvolutionSpec,
  type LayerSpec,
  type ModelSpec,
  type ParameterSpec,
  type TargetSpec,
  type TransposedConvolutionSpec,
} from "./model.js";

/** A layer in its place. Shapes are of one sample. */
interface Place {
  readonly layer: LayerSpec;
  readonly name: string;
  readonly input: readonly number[];
  readonly output: readonly number[];
  /** Of an axis of flattened images: what was flattened. */
  readonly flattened?: readonly number[];
}

interface Flow {
  readonly shape: readonly number[];
  readonly images: boolean;
  readonly flattened?: readonly number[];
}

/** Calls `visit` for each layer, those in branches before the layer around them. */
function walk(layers: readonly LayerSpec[], prefix: string, start: Flow, visit: (place: Place) => void): Flow {
  return layers.reduce<Flow>((flow, layer, i) => {
    const name = `${prefix}${i}`;
    let output: readonly number[];
    if (layer.kind === "residual") {
      output = walk(layer.branch, `${name}.branch.`, flow, visit).shape;
      const around = layer.shortcut === undefined ? flow : walk(layer.shortcut, `${name}.shortcut.`, flow, visit);
      if (String(around.shape) !== String(output))
        throw new RangeError(`${name}: the branch gives [${output}] and its way around [${around.shape}].`);
    } else output = outputShape(layer, flow.shape);
    const { flattened } = flow;
    visit({ layer, name, input: flow.shape, output, ...(flattened === undefined ? {} : { flattened }) });
    const images = flow.images && output.length > 1;
    if (layer.kind === "flatten" && flow.images) return { shape: output, images, flattened: flow.shape };
    const keeps = layer.kind === "activation" || layer.kind === "dropout";
    return { shape: output, images, ...(keeps && flattened !== undefined ? { flattened } : {}) };
  }, start);
}

const walkModel = ({ layers, input }: ModelSpec, visit: (place: Place) => void): readonly number[] =>
  walk(layers, "", { shape: input.shape, images: input.images === true }, visit).shape;

/** @throws RangeError where the layer does not fit the shape */
function outputShape(layer: Exclude<LayerSpec, { kind: "residual" }>, shape: readonly number[]): readonly number[] {
  const expect = (fits: boolean, what: string): void => {
    if (!fits) throw new RangeError(`${layer.kind} takes ${what}, got [${shape}].`);
  };
  const last = shape.at(-1)!;
  switch (layer.kind) {
    case "convolution": {
      expect(shape.length === layer.axes + 1 && shape[0] === layer.in, `${layer.in} channels and ${layer.axes} axes`);
      const { kernel, stride = 1, padding = 0, dilation = 1 } = layer;
      return [layer.out, ...shape.slice(1).map((n) => Math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1)];
    }
    case "transposedConvolution": {
      expect(shape.length === layer.axes + 1 && shape[0] === layer.in, `${layer.in} channels and ${layer.axes} axes`);
      const { kernel, stride = 1, padding = 0, outputPadding = 0 } = layer;
      return [layer.out, ...shape.slice(1).map((n) => (n - 1) * stride - 2 * padding + kernel + outputPadding)];
    }
    case "pooling":
      expect(shape.length === layer.axes + 1, `channels and ${layer.axes} axes`);
      return [shape[0]!, ...shape.slice(1).map((n) => Math.floor(n / layer.kernel))];
    case "batchNorm":
      expect(shape.length === layer.axes + 1 && shape[0] === layer.features, `${layer.features} channels and ${layer.axes} axes`);
      return shape;
    case "layerNorm":
      expect(last === layer.features, `${layer.features} features`);
      return shape;
    case "linear":
      expect(last === layer.in, `${layer.in} features`);
      return [...shape.slice(0, -1), layer.out];
    case "flatten":
      return [product(shape)];
    case "embedding":
      return [...shape, layer.features];
    case "positions":
      expect(String(shape) === String([layer.length, layer.features]), `[${layer.length},${layer.features}]`);
      return shape;
    case "attention":
      expect(shape.length === 2 && last === layer.width, `a sequence of ${layer.width} features`);
      return shape;
    case "recurrent":
      expect(shape.length === 2 && last === layer.in, `a sequence of ${layer.in} features`);
      return [shape[0]!, layer.hidden];
    case "mean":
      return shape.filter((_, i) => !layer.axes.includes(i + 1));
    case "activation":
    case "dropout":
      return shape;
  }
}

/** Of one sample. */
export const modelOutput = (model: ModelSpec): readonly number[] => walkModel(model, () => {});

export function targetOf(model: ModelSpec): TargetSpec {
  const output = modelOutput(model);
  return model.loss === "mse" ? { shape: output } : { shape: output.slice(0, -1), classes: output.at(-1)! };
}

/** The parameters, in order: weights as PyTorch has them, [out, in, …]. */
export function parameterSpecs(model: ModelSpec): readonly ParameterSpec[] {
  const parameters: ParameterSpec[] = [];
  walkModel(model, (place) => parameters.push(...parametersOf(place)));
  return parameters;
}

function parametersOf({ layer, name, flattened }: Place): readonly ParameterSpec[] {
  const plain = { kind: "plain" } as const;
  /** A weight and, unless it has none, its bias: both within ±1/√fanIn. */
  const weighted = (shape: readonly number[], out: number, bias: boolean, role: ParameterSpec["role"]): ParameterSpec[] => {
    const start = { bound: 1 / Math.sqrt(product(shape.slice(1))) };
    const weight: ParameterSpec = { name: `${name}.weight`, shape, start, role };
    return bias ? [weight, { name: `${name}.bias`, shape: [out], start, role: plain }] : [weight];
  };
  const scaled = (features: number): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [features], start: { value: 1 }, role: plain },
    { name: `${name}.bias`, shape: [features], start: { value: 0 }, role: plain },
  ];
  const table = (shape: readonly number[], bound: number): ParameterSpec[] => [
    { name: `${name}.weight`, shape, start: { bound }, role: plain },
  ];
  switch (layer.kind) {
    case "convolution": {
      const { groups = 1, bias = true } = layer;
      const shape = [layer.out, layer.in / groups, ...Array<number>(layer.axes).fill(layer.kernel)];
      return weighted(shape, layer.out, bias, { kind: "convolution", groups });
    }
    case "transposedConvolution": {
      const shape = [layer.in, layer.out, ...Array<number>(layer.axes).fill(layer.kernel)];
      return weighted(shape, layer.out, layer.bias ?? true, { kind: "transposedConvolution" });
    }
    case "linear": {
      const role = { kind: "matrix", ...(flattened === undefined ? {} : { features: flattened }) } as const;
      return weighted([layer.out, layer.in], layer.out, layer.bias ?? true, role);
    }
    case "batchNorm":
    case "layerNorm":
      return scaled(layer.features);
    case "embedding":
      return table([layer.rows, layer.features], 1);
    case "positions":
      return table([layer.length, layer.features], 0.1);
    case "attention": {
      const { width } = layer;
      const bound = 1 / Math.sqrt(width);
      const matrix = { kind: "matrix" } as const;
      return [
        { name: `${name}.in_proj_weight`, shape: [3 * width, width], start: { bound }, role: matrix },
        { name: `${name}.in_proj_bias`, shape: [3 * width], start: { value: 0 }, role: plain },
        { name: `${name}.out_proj.weight`, shape: [width, width], start: { bound }, role: matrix },
        { name: `${name}.out_proj.bias`, shape: [width], start: { bound }, role: plain },
      ];
    }
    case "recurrent": {
      const { hidden, layers = 1 } = layer;
      const rows = gatesOf[layer.cell] * hidden;
      const start = { bound: 1 / Math.sqrt(hidden) };
      return Array.from({ length: layers }, (_, i) => i).flatMap((i): ParameterSpec[] => [
        { name: `${name}.weight_ih_l${i}`, shape: [rows, i === 0 ? layer.in : hidden], start, role: { kind: "matrix" } },
        { name: `${name}.weight_hh_l${i}`, shape: [rows, hidden], start, role: { kind: "matrix" } },
        { name: `${name}.bias_ih_l${i}`, shape: [rows], start, role: plain },
        { name: `${name}.bias_hh_l${i}`, shape: [rows], start, role: plain },
      ]);
    }
    case "activation":
    case "dropout":
    case "flatten":
    case "mean":
    case "pooling":
    case "residual":
      return [];
  }
}

/** Multiply-adds of products and convolutions in one sample's forward, two operations each; a training step is about three times that. */
export function forwardFlops(model: ModelSpec): number {
  let total = 0;
  walkModel(model, (place) => (total += 2 * multiplyAdds(place)));
  return total;
}

function multiplyAdds({ layer, input, output }: Place): number {
  const window = ({ axes, kernel }: ConvolutionSpec | TransposedConvolutionSpec): number => kernel ** axes;
  switch (layer.kind) {
    case "convolution":
      return product(output) * (layer.in / (layer.groups ?? 1)) * window(layer);
    case "transposedConvolution":
      return product(input) * layer.out * window(layer);
    case "linear":
      return product(input) * layer.out;
    case "attention": {
      const [length, width] = input as [number, number];
      const pairs = layer.causal === true ? (length * (length + 1)) / 2 : length * length;
      return 4 * length * width * width + 2 * pairs * width;
    }
    case "recurrent": {
      const { hidden, layers = 1 } = layer;
      const each = layer.in + hidden + (layers - 1) * 2 * hidden;
      return input[0]! * gatesOf[layer.cell] * hidden * each;
    }
    default:
      return 0;
  }
}
