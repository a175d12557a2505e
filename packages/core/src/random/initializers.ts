/**
 * Initial values of parameters.
 * Names and formulas are those of torch.nn.init. Sources: Glorot & Bengio 2010 (xavier), He et al. 2015 (kaiming).
 */
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { ErmineError } from "../types/errors.js";
import { nearestName } from "../types/spelling.js";
import { hostTensor } from "../ops/creation.js";
import { checkShape } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { nextKey, scaled, standardNormal, uniform24 } from "./generator.js";
import { hashKey, type Key } from "./philox.js";

/** Numbers for a parameter of that shape. */
export type Initializer = (shape: readonly number[], key: Key) => Float32Array;

/** The activation after a layer, which decides the gain of its initial weights. */
export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The number of inputs that one output of a weight [out, in, ...kernel] sums over, and the number of outputs that one input reaches. @throws for rank < 2 */
export function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (arguments.length > 1) checkArguments("fans", arguments, 1);
  checkShape("fans", shape);
  if (shape.length < 2)
    throw new ErmineError("ERMINE_SHAPE", `This initializer needs a weight of at least 2 axes, got [${shape.join(", ")}].`);
  const receptive = product(shape.slice(2));
  return { fanIn: shape[1]! * receptive, fanOut: shape[0]! * receptive };
}

/** The recommended gain: 1, tanh 5/3, relu √2, leakyRelu √(2 / (1 + a²)) with slope a, selu 3/4. */
export function gainOf(nonlinearity: Nonlinearity, slope = 0.01): number {
  if (arguments.length > 2) checkArguments("gainOf", arguments, 2);
  checkArgument("gainOf(nonlinearity, slope)", "nonlinearity", nonlinearity, "string");
  checkArgument("gainOf(nonlinearity, slope)", "slope", slope, "number");
  const gains: Readonly<Record<Nonlinearity, number>> = {
    linear: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + slope * slope)),
    selu: 3 / 4,
  };
  const gain = gains[nonlinearity];
  if (gain === undefined)
    throw new ErmineError("ERMINE_OPTION", `There is no gain for "${nonlinearity}". Known: ${Object.keys(gains).join(", ")}.`);
  return gain;
}

/** The same number everywhere. */
export function constantInit(value: number): Initializer {
  const signature = "constantInit(value)";
  if (arguments.length > 1) checkArguments("constantInit", arguments, 1);
  checkArgument(signature, "value", value, "number");
  return (shape) => new Float32Array(product(shape)).fill(value);
}

/** U(low, high). */
export function uniformInit(low = 0, high = 1): Initializer {
  const signature = "uniformInit(low, high)";
  if (arguments.length > 2) checkArguments("uniformInit", arguments, 2);
  checkArgument(signature, "low", low, "number");
  checkArgument(signature, "high", high, "number");
  return (shape, key) => scaled(uniform24(product(shape), key), low, high);
}

/** N(mean, std²). */
export function normalInit(mean = 0, std = 1): Initializer {
  const signature = "normalInit(mean, std)";
  if (arguments.length > 2) checkArguments("normalInit", arguments, 2);
  checkArgument(signature, "mean", mean, "number");
  checkArgument(signature, "std", std, "number");
  return (shape, key) => Float32Array.from(standardNormal(product(shape), key), (z) => mean + std * z);
}

/** N(mean, std²) within [low, high]: what falls outside is drawn again. */
export function truncNormal(mean = 0, std = 1, low = -2, high = 2): Initializer {
  const signature = "truncNormal(mean, std, low, high)";
  if (arguments.length > 4) checkArguments("truncNormal", arguments, 4);
  checkArgument(signature, "mean", mean, "number");
  checkArgument(signature, "std", std, "number");
  checkArgument(signature, "low", low, "number");
  checkArgument(signature, "high", high, "number");
  return (shape, key) => {
    if (!(low < high) || low - mean > 8 * std || mean - high > 8 * std) {
      throw new ErmineError("ERMINE_OPTION", `truncNormal: [${low}, ${high}] holds next to nothing of N(${mean}, ${std}²).`);
    }
    const result = new Float32Array(product(shape));
    for (let filled = 0, round = 0; filled < result.length; round++) {
      for (const z of standardNormal(result.length, hashKey(key[0], key[1], round))) {
        const value = mean + std * z;
        if (value >= low && value <= high && filled < result.length) result[filled++] = value;
      }
    }
    return result;
  };
}

/** U(±gain · √(6 / (fanIn + fanOut))). */
export function xavierUniform(gain = 1): Initializer {
  const signature = "xavierUniform(gain)";
  if (arguments.length > 1) checkArguments("xavierUniform", arguments, 1);
  checkArgument(signature, "gain", gain, "number");
  return (shape, key) => {
    const { fanIn, fanOut } = fans(shape);
    const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
    return uniformInit(-bound, bound)(shape, key);
  };
}

/** N(0, gain² · 2 / (fanIn + fanOut)). */
export function xavierNormal(gain = 1): Initializer {
  const signature = "xavierNormal(gain)";
  if (arguments.length > 1) checkArguments("xavierNormal", arguments, 1);
  checkArgument(signature, "gain", gain, "number");
  return (shape, key) => {
    const { fanIn, fanOut } = fans(shape);
    return normalInit(0, gain * Math.sqrt(2 / (fanIn + fanOut)))(shape, key);
  };
}

/** The options of the Kaiming initializers. */
export interface KaimingOptions {
  /** Which fan keeps its variance: of the forward pass (default) or of the backward one. */
  readonly mode?: "fanIn" | "fanOut";
  /** Default "leakyRelu", as PyTorch's. */
  readonly nonlinearity?: Nonlinearity;
  /** The slope of leakyRelu. Default 0. */
  readonly slope?: number;
}

function checkKaiming(where: string, options: KaimingOptions): void {
  checkOptions(where, options, { mode: "string", nonlinearity: "string", slope: "number" });
  const { mode = "fanIn", nonlinearity = "leakyRelu" } = options;
  gainOf(nonlinearity);
  if (mode === "fanIn" || mode === "fanOut") return;
  throw new ErmineError("ERMINE_OPTION", `${where}: mode is "fanIn" or "fanOut", got ${show(mode)}.`);
}

const kaimingScale = (
  shape: readonly number[],
  { mode = "fanIn", nonlinearity = "leakyRelu", slope = 0 }: KaimingOptions,
): number => gainOf(nonlinearity, slope) / Math.sqrt(fans(shape)[mode]);

/** U(±gain · √(3 / fan)). */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  if (arguments.length > 1) checkArguments("kaimingUniform", arguments, 1);
  checkKaiming("kaimingUniform", options);
  return (shape, key) => {
    const bound = Math.sqrt(3) * kaimingScale(shape, options);
    return uniformInit(-bound, bound)(shape, key);
  };
}

/** N(0, gain² / fan). */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  if (arguments.length > 1) checkArguments("kaimingNormal", arguments, 1);
  checkKaiming("kaimingNormal", options);
  return (shape, key) => normalInit(0, kaimingScale(shape, options))(shape, key);
}

/** PyTorch's default for the weight of Linear and Conv: kaimingUniform with slope √5, which is U(±1/√fanIn). */
export const defaultWeight: Initializer = kaimingUniform({ slope: Math.sqrt(5) });

/** PyTorch's default for the bias of Linear and Conv: U(±1/√fanIn) of its weight; nothing flows in where fanIn is 0. */
export function defaultBias(fanIn: number): Initializer {
  if (arguments.length > 1) checkArguments("defaultBias", arguments, 1);
  checkArgument("defaultBias(fanIn)", "fanIn", fanIn, "integer");
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  return uniformInit(-bound, bound);
}

/** Rows (or columns, where there are fewer of them) that are orthonormal, times gain. Axes after the first are flattened. */
export function orthogonal(gain = 1): Initializer {
  const signature = "orthogonal(gain)";
  if (arguments.length > 1) checkArguments("orthogonal", arguments, 1);
  checkArgument(signature, "gain", gain, "number");
  return (shape, key) => {
    if (shape.length < 2) fans(shape);
    const [rows, columns] = [shape[0]!, product(shape.slice(1))];
    const [count, length] = rows < columns ? [rows, columns] : [columns, rows];
    const draws = standardNormal(rows * columns, key);
    const vectors = Array.from({ length: count }, (_, i) => draws.slice(i * length, (i + 1) * length));
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    vectors.forEach((vector, i) => {
      // Twice: once leaves what rounding made of nearly parallel vectors.
      for (let pass = 0; pass < 2; pass++) {
        for (const earlier of vectors.slice(0, i)) {
          const share = dot(vector, earlier);
          earlier.forEach((value, k) => (vector[k]! -= share * value));
        }
      }
      const size = Math.sqrt(dot(vector, vector));
      vector.forEach((value, k) => (vector[k] = value / size));
    });
    const byRow = rows < columns;
    return Float32Array.from({ length: rows * columns }, (_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      return gain * (byRow ? vectors[row]![column]! : vectors[column]![row]!);
    });
  };
}

/** The identity: 1 on the diagonal of a matrix. @throws ErmineError ERMINE_SHAPE unless there are two axes */
export function eyeInit(): Initializer {
  if (arguments.length > 0) checkArguments("eyeInit", arguments, 0);
  return identityMatrix;
}

const identityMatrix: Initializer = (shape) => {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new ErmineError("ERMINE_SHAPE", `eye fills a matrix, got [${shape.join(", ")}].`);
  }
  return Float32Array.from({ length: rows * columns }, (_, at) => (Math.floor(at / columns) === at % columns ? 1 : 0));
};

/** A convolution that lets each channel through: 1 at the centre of kernel [i, i], for each group. */
export function dirac(groups = 1): Initializer {
  const signature = "dirac(groups)";
  if (arguments.length > 1) checkArguments("dirac", arguments, 1);
  checkArgument(signature, "groups", groups, "integer");
  return (shape) => {
    const [out, perGroup, ...kernel] = shape as readonly [number, number, ...number[]];
    if (kernel.length === 0 || out % groups !== 0) {
      throw new ErmineError("ERMINE_SHAPE", `dirac fills a convolution's weight of ${groups} groups, got [${shape.join(", ")}].`);
    }
    const inside = product(kernel);
    const center = kernel.reduce((at, size) => at * size + Math.floor(size / 2), 0);
    const elements = new Float32Array(product(shape));
    const each = out / groups;
    for (let o = 0; o < out; o++) {
      const channel = o % each;
      if (channel < perGroup) elements[(o * perGroup + channel) * inside + center] = 1;
    }
    return elements;
  };
}

const byName = {
  zeros: () => constantInit(0),
  ones: () => constantInit(1),
  eye: () => eyeInit(),
  dirac: () => dirac(),
  uniform: () => uniformInit(),
  normal: () => normalInit(),
  truncNormal: () => truncNormal(),
  xavierUniform: () => xavierUniform(),
  xavierNormal: () => xavierNormal(),
  kaimingUniform: () => kaimingUniform(),
  kaimingNormal: () => kaimingNormal(),
  orthogonal: () => orthogonal(),
} as const;

/** The names of torch.nn.init. */
export type InitializerName = keyof typeof byName;

/** The initializer of that name, with its defaults. @throws ErmineError ERMINE_OPTION that lists the names */
export function initializerOf(name: InitializerName): Initializer {
  if (arguments.length > 1) checkArguments("initializerOf", arguments, 1);
  if (typeof name === "string" && Object.hasOwn(byName, name)) return byName[name]();
  const near = nearestName(name, Object.keys(byName));
  throw new ErmineError(
    "ERMINE_OPTION",
    `There is no initializer ${show(name)}. ${near === undefined ? `There are: ${Object.keys(byName).join(", ")}.` : `Did you mean "${near}"?`}`,
  );
}

/**
 * A tensor of initial values, made without any backend. The key is that of the next draw for `name` ("weight") since
 * `manualSeed`: two layers differ, and a program that builds the same layers in the same order has the same values.
 */
export function initialize(initializer: Initializer, shape: readonly number[], name: string): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("initialize", arguments, 3);
  const signature = "initialize(initializer, shape, name)";
  checkArgument(signature, "initializer", initializer, "function");
  checkArgument(signature, "name", name, "string");
  checkShape(name, shape);
  return hostTensor(initializer(shape, nextKey(`init ${name}`)), [...shape], "float32");
}
