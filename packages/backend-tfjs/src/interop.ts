/** To and from tfjs' own tensors and models, by copy: each side frees its own. */
import { checkArguments } from "@ermine/core/define";
import { ErmineError, Tensor, tensor, type DType, type TypedArray } from "@ermine/core";
import { conversionsOf, type KerasLayer } from "./kerasLayers.js";

/** The used part of a `tf.Tensor`. */
export interface TfjsTensor {
  /** The size of each axis. */
  readonly shape: readonly number[];
  /** The dtype. */
  readonly dtype: string;
  /** The elements, on the host. */
  dataSync(): ArrayLike<number> | ArrayLike<string>;
}

/** The used part of the module `tf`. */
export interface TfjsModule<T> {
  /** Makes a tensor. */
  tensor(values: never, shape?: never, dtype?: never): T;
}

/** tf.tensor, whose own types are those of tfjs' version. @throws ErmineError ERMINE_USAGE where `tf` is not the module */
function makerOf<T>(where: string, tf: TfjsModule<T>): (values: TypedArray, shape: readonly number[], dtype: DType) => T {
  if (typeof (tf as Partial<TfjsModule<T>> | undefined)?.tensor !== "function")
    throw new ErmineError(
      "ERMINE_USAGE",
      `${where}: the first argument is the module of tfjs (import * as tf from "@tensorflow/tfjs-node"), got ${described(tf)}.`,
    );
  return tf.tensor.bind(tf) as unknown as ReturnType<typeof makerOf<T>>;
}

/** The kind of a value, for a message. */
const described = (value: unknown): string =>
  value instanceof Tensor
    ? "a tensor of ermine's"
    : value === null || typeof value !== "object"
      ? String(value)
      : `an object of ${Object.getPrototypeOf(value)?.constructor?.name ?? "no class"}`;

/** @throws ErmineError ERMINE_USAGE for what is no tf.Tensor, ERMINE_RELEASED for one that is disposed */
function checkTfjsTensor(where: string, t: TfjsTensor): void {
  const { shape, dtype, dataSync, isDisposed } = (t ?? {}) as Partial<TfjsTensor> & { readonly isDisposed?: boolean };
  if (t instanceof Tensor || !Array.isArray(shape) || typeof dtype !== "string" || typeof dataSync !== "function")
    throw new ErmineError("ERMINE_USAGE", `${where} takes a tf.Tensor, got ${described(t)}.`);
  if (isDisposed === true) throw new ErmineError("ERMINE_RELEASED", `${where}: the tf.Tensor is disposed. Convert it before.`);
}

/** @throws ErmineError ERMINE_USAGE for what is no tf.LayersModel */
function checkLayersModel(where: string, model: TfjsLayersModel): void {
  if (!Array.isArray((model as Partial<TfjsLayersModel> | undefined)?.layers))
    throw new ErmineError("ERMINE_USAGE", `${where} takes a tf.LayersModel, which has layers, got ${described(model)}.`);
}

const dtypes: Readonly<Record<string, DType>> = { float32: "float32", int32: "int32", bool: "bool" };

/**
 * The numbers of a `tf.Tensor` as a tensor of ermine's. The `tf.Tensor` stays its owner's to dispose.
 *
 * @throws ErmineError ERMINE_DTYPE for a string or complex tensor, ERMINE_USAGE for what is no tf.Tensor, ERMINE_RELEASED for a disposed one
 */
export function fromTfjs(t: TfjsTensor): Tensor {
  if (arguments.length > 1) checkArguments("fromTfjs", arguments, 1);
  checkTfjsTensor("fromTfjs", t);
  const dtype = dtypes[t.dtype];
  if (dtype === undefined)
    throw new ErmineError("ERMINE_DTYPE", `ermine has no ${t.dtype} tensors. Cast it: t.toFloat() or t.toInt().`);
  return tensor(Array.from(t.dataSync() as ArrayLike<number>), { shape: t.shape, dtype });
}

/**
 * A tensor as a `tf.Tensor` of the application's own tfjs, which is to be disposed there.
 *
 * @example
 * toTfjs(tf, tensor([1, 2])); // a tf.Tensor
 */
export function toTfjs<T>(tf: TfjsModule<T>, t: Tensor): T {
  if (arguments.length > 2) checkArguments("toTfjs", arguments, 2);
  const make = makerOf("toTfjs", tf);
  if (!(t instanceof Tensor))
    throw new ErmineError("ERMINE_USAGE", `toTfjs: the second argument is a tensor of ermine's, got ${described(t)}.`);
  return make(t.dataSync(), t.shape as readonly number[], t.dtype);
}

/** The used part of a `tf.LayersModel`. */
export interface TfjsLayersModel<T extends TfjsTensor = TfjsTensor> {
  /** Its layers, in order. */
  readonly layers: readonly TfjsLayer<T>[];
}

interface TfjsLayer<T> extends KerasLayer {
  getWeights(): T[];
  setWeights(weights: T[]): void;
}

/**
 * The weights of a `tf.LayersModel` under PyTorch's names and with its axes: "dense_1.weight" [out, in], "conv2d_1.weight" [O, I, H, W],
 * "batchNormalization_1.running_mean", "lstm_1.weight_ih_l0" with gates in PyTorch's order. They are a state that `loadStateDict` takes.
 *
 * A Keras GRU is `new GRU(…, { resetAfter: false })`, a Bidirectional layer one with `bidirectional: true`.
 *
 * @example
 * const keras = tf.sequential({ layers: [tf.layers.dense({ units: 8, inputShape: [4], name: "dense" })] });
 * model.loadStateDict(fromLayersModel(keras), { strict: false, rename: { "dense.": "0." } });
 * @throws ErmineError ERMINE_UNSUPPORTED for a recurrent layer with other nonlinearities than PyTorch's (recurrentActivation "hardSigmoid", TensorFlow.js' default)
 */
export function fromLayersModel(model: TfjsLayersModel): Record<string, Tensor> {
  if (arguments.length > 1) checkArguments("fromLayersModel", arguments, 1);
  checkLayersModel("fromLayersModel", model);
  return Object.fromEntries(
    model.layers.flatMap((layer) => {
      const values = layer.getWeights();
      return conversionsOf(
        layer,
        values.map(({ shape }) => shape),
      ).flatMap(({ names, toTorch }, i) => {
        const { shape } = values[i]!;
        const converted = toTorch({ data: values[i]!.dataSync() as ArrayLike<number>, shape });
        return names.map((name, k) => [name, tensor(Array.from(converted[k]!.data), { shape: converted[k]!.shape })] as const);
      });
    }),
  );
}

/** @throws ErmineError ERMINE_USAGE where they are not tensors by name */
function weightsGiven(weights: Readonly<Record<string, Tensor>>): ReadonlyMap<string, Tensor> {
  const isByName =
    typeof weights === "object" && weights !== null && [Object.prototype, null].includes(Object.getPrototypeOf(weights) as null);
  const entries = isByName ? Object.entries(weights) : undefined;
  const wrong = entries === undefined ? weights : entries.find(([, value]) => !(value instanceof Tensor))?.[1];
  if (entries === undefined || wrong !== undefined)
    throw new ErmineError("ERMINE_USAGE", `toLayersModel: the weights are tensors of ermine's by name, got ${described(wrong)}.`);
  return new Map(entries);
}

/**
 * Writes weights back into a `tf.LayersModel`, from the same names and axes.
 *
 * @throws ErmineError ERMINE_VALUE where one is missing, ERMINE_SHAPE where one does not fit; the model is then as it was
 */
export function toLayersModel<T extends TfjsTensor>(
  tf: TfjsModule<T>,
  model: TfjsLayersModel<T>,
  weights: Readonly<Record<string, Tensor>>,
): void {
  if (arguments.length > 3) checkArguments("toLayersModel", arguments, 3);
  const make = makerOf("toLayersModel", tf as TfjsModule<T & { dispose?(): void }>);
  checkLayersModel("toLayersModel", model);
  const weightTensors = weightsGiven(weights);
  const plan = model.layers.map((layer) => {
    const shapes = layer.getWeights().map(({ shape }) => shape);
    const values = conversionsOf(layer, shapes).map(({ names, toKeras }, i) => {
      const parts = names.map((name) => {
        const weight = weightTensors.get(name);
        if (weight === undefined)
          throw new ErmineError("ERMINE_VALUE", `There is no weight "${name}". Given are: ${Object.keys(weights).join(", ")}.`);
        return { data: weight.dataSync(), shape: weight.shape as readonly number[] };
      });
      const { data, shape } = toKeras(parts);
      if (shape.join() !== shapes[i]!.join()) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `${names[0]} is [${parts[0]!.shape.join(", ")}], and the model's is [${shapes[i]!.join(", ")}] in Keras' order.`,
        );
      }
      return { data, shape };
    });
    return { layer, values };
  });
  for (const { layer, values } of plan) {
    const tensors = values.map(({ data, shape }) => make(Float32Array.from(data), shape, "float32"));
    layer.setWeights(tensors);
    for (const t of tensors) t.dispose?.();
  }
}
