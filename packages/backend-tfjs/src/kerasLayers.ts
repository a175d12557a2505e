/** Where a Keras layer's weights stand in PyTorch's: names, axes, and the order of gates. */
import { ErmineError } from "@ermine/core";
import { inverse } from "./lowering/calls.js";

/** Elements and their shape. */
export interface Weights {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** The used part of a layer of a `tf.LayersModel`. */
export interface KerasLayer {
  readonly name: string;
  readonly weights: readonly { readonly name: string }[];
  getClassName?(): string;
  getConfig?(): Readonly<Record<string, unknown>>;
}

/** A weight of a Keras layer, as one of PyTorch's or several. */
export interface Conversion {
  /** PyTorch's names, with the layer's: "conv1.weight". */
  readonly names: readonly string[];
  toTorch(weight: Weights): readonly Weights[];
  toKeras(weights: readonly Weights[]): Weights;
}

/** Keras' name of a weight, PyTorch's, and the order of axes that PyTorch has it in, by rank. */
const renamed: Readonly<Record<string, { readonly name: string; readonly order?: Readonly<Record<number, readonly number[]>> }>> =
  {
    kernel: { name: "weight", order: { 2: [1, 0], 3: [2, 1, 0], 4: [3, 2, 0, 1], 5: [4, 3, 0, 1, 2] } },
    bias: { name: "bias" },
    gamma: { name: "weight" },
    beta: { name: "bias" },
    moving_mean: { name: "running_mean" },
    moving_variance: { name: "running_var" },
    embeddings: { name: "weight" },
  };

/** Keras' order of gates from PyTorch's, which has i, f, g, o and r, z, n. Each is its own inverse. */
const gates: Readonly<Record<string, readonly number[]>> = { SimpleRNN: [0], LSTM: [0, 1, 2, 3], GRU: [1, 0, 2] };

/** A layer's weights in the order of `getWeights`. @throws ErmineError ERMINE_UNSUPPORTED for a recurrent layer that computes something else */
export function conversionsOf(layer: KerasLayer, shapes: readonly (readonly number[])[]): readonly Conversion[] {
  const type = layer.getClassName?.() ?? "";
  if (type === "Bidirectional") return bidirectional(layer);
  if (gates[type] !== undefined) return recurrent(layer.name, type, layer.getConfig?.() ?? {}, "l0", layer.weights.length);
  return layer.weights.map(({ name }, i) => {
    const last = lastName(name);
    const { name: torch = last, order } = renamed[last] ?? {};
    return single(`${layer.name}.${torch}`, order?.[shapes[i]!.length]);
  });
}

/** "conv1/kernel_1" is a kernel. */
const lastName = (name: string): string => name.split("/").at(-1)!.replace(/_\d+$/, "");

const single = (name: string, order: readonly number[] | undefined): Conversion => ({
  names: [name],
  toTorch: (weight) => [order === undefined ? weight : permuted(weight, order)],
  toKeras: ([weight]) => (order === undefined ? weight! : permuted(weight!, inverse(order))),
});

/** Row-major elements with their axes in another order. */
function permuted({ data, shape }: Weights, order: readonly number[]): Weights {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const target = order.map((axis) => shape[axis]!);
  const result: number[] = [];
  const walk = (axis: number, at: number): void => {
    if (axis === target.length) result.push(data[at]!);
    else for (let i = 0; i < target[axis]!; i++) walk(axis + 1, at + i * strides[order[axis]!]!);
  };
  walk(0, 0);
  return { data: result, shape: target };
}

/** Blocks of rows, one a gate, in another order. */
function withGates({ data, shape }: Weights, order: readonly number[]): Weights {
  const block = data.length / order.length;
  const result = order.flatMap((gate) => Array.from({ length: block }, (_, i) => data[gate * block + i]!));
  return { data: result, shape };
}

function bidirectional(layer: KerasLayer): readonly Conversion[] {
  const { layer: inner, mergeMode } = (layer.getConfig?.() ?? {}) as {
    readonly layer?: { readonly className?: string; readonly config?: Readonly<Record<string, unknown>> };
    readonly mergeMode?: string | null;
  };
  const type = inner?.className ?? "";
  if (gates[type] === undefined || (mergeMode !== undefined && mergeMode !== "concat")) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${layer.name} is a Bidirectional of ${type || "an unknown layer"} that merges by ${String(mergeMode)}: ermine's recurrent layers put both directions next to each other (mergeMode: "concat").`,
    );
  }
  const each = layer.weights.length / 2;
  return ["l0", "l0_reverse"].flatMap((suffix) => recurrent(layer.name, type, inner?.config ?? {}, suffix, each));
}

/** kernel, recurrent kernel and, where there is one, a bias, which PyTorch has twice: the second is 0. */
function recurrent(
  name: string,
  type: string,
  config: Readonly<Record<string, unknown>>,
  suffix: string,
  count: number,
): readonly Conversion[] {
  checkRecurrent(name, type, config);
  const order = gates[type]!;
  const kernel = (kind: string): Conversion => ({
    names: [`${name}.weight_${kind}_${suffix}`],
    toTorch: (weight) => [withGates(permuted(weight, [1, 0]), order)],
    toKeras: ([weight]) => permuted(withGates(weight!, order), [1, 0]),
  });
  const bias: Conversion = {
    names: [`${name}.bias_ih_${suffix}`, `${name}.bias_hh_${suffix}`],
    toTorch: (weight) => [withGates(weight, order), { data: new Float32Array(weight.data.length), shape: weight.shape }],
    toKeras: ([input, hidden]) =>
      withGates({ data: Array.from(input!.data, (value, i) => value + hidden!.data[i]!), shape: input!.shape }, order),
  };
  return [kernel("ih"), kernel("hh"), bias].slice(0, count);
}

/** Refuses layers with nonlinearities other than ermine's: outputs would silently differ. */
function checkRecurrent(name: string, type: string, config: Readonly<Record<string, unknown>>): void {
  const refuse = (option: string, value: unknown, right: string): never => {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${name}: this ${type} has ${option} ${JSON.stringify(value)}, and ermine's ${type === "SimpleRNN" ? "RNN" : type} computes with ${right}: its outputs would be others. ` +
        `A model that was trained with ${right} can be taken.`,
    );
  };
  const { activation = "tanh", recurrentActivation = "sigmoid", goBackwards = false, resetAfter = false } = config;
  const allowed = type === "SimpleRNN" ? ["tanh", "relu"] : ["tanh"];
  if (!allowed.includes(activation as string)) refuse("activation", activation, allowed.join(" or "));
  if (type !== "SimpleRNN" && recurrentActivation !== "sigmoid") refuse("recurrentActivation", recurrentActivation, "sigmoid");
  if (goBackwards === true) refuse("goBackwards", true, "steps from the first to the last");
  if (resetAfter === true) refuse("resetAfter", true, "resetAfter: false");
}
