/** The models in TensorFlow.js's ops, channels last, as its CPU kernels have it. */
import type { Tensor, Tensor2D, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import type { ModelSpec } from "../model.js";
import type { NamedNumbers } from "./data.js";

/** TensorFlow.js, as far as it is used here: tfjs-node's or tfjs-core's. */
export type Tf = Pick<
  typeof import("@tensorflow/tfjs-core"),
  | "add"
  | "conv2d"
  | "erf"
  | "losses"
  | "matMul"
  | "maxPool"
  | "mean"
  | "moments"
  | "mul"
  | "oneHot"
  | "relu"
  | "reshape"
  | "rsqrt"
  | "softmax"
  | "split"
  | "sub"
  | "tensor"
  | "tensor1d"
  | "tidy"
  | "train"
  | "transpose"
  | "variable"
>;
export type Variables = ReadonlyMap<string, Variable>;

/** Dense weights become [in, out], convolutions' [H, W, in, out]. */
export function tfjsVariables(tf: Tf, model: ModelSpec, parameters: readonly NamedNumbers[]): Variables {
  return new Map(
    parameters.map(({ name, shape, data }) => {
      const start = tf.tidy(() => {
        const t = tf.tensor(data, [...shape]);
        if (shape.length === 4) return tf.transpose(t, [2, 3, 1, 0]);
        if (shape.length !== 2) return t;
        return model.kind === "cnn" ? lastFromFirst(tf, t as Tensor2D, model) : tf.transpose(t);
      });
      const variable = tf.variable(start);
      start.dispose();
      return [name, variable];
    }),
  );
}

/** The linear layer behind the convolutions sees the features channels last. */
function lastFromFirst(tf: Tf, weight: Tensor2D, model: Extract<ModelSpec, { kind: "cnn" }>): Tensor {
  const side = Math.floor(model.side / 4);
  const [out, features] = weight.shape;
  const images = tf.reshape(weight, [out, model.channels[1], side, side]);
  return tf.reshape(tf.transpose(images, [2, 3, 1, 0]), [features, out]);
}

function layerNorm(tf: Tf, x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const scale = tf.mul(tf.rsqrt(tf.add(variance, 1e-5)), weight);
  return tf.add(tf.mul(tf.sub(x, mean), scale), bias);
}

function dense(tf: Tf, x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  if (x.rank === 2) return tf.add(tf.matMul(x as Tensor2D, weight as Tensor2D), bias);
  const [n, l, d] = x.shape as [number, number, number];
  const rows = tf.matMul(tf.reshape(x, [n * l, d]) as Tensor2D, weight as Tensor2D);
  return tf.reshape(tf.add(rows, bias), [n, l, weight.shape[1]!]);
}

const gelu = (tf: Tf, x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

function attention(tf: Tf, x: Tensor, p: (name: string) => Tensor, heads: number): Tensor {
  const [n, l, d] = x.shape as [number, number, number];
  const all = dense(tf, x, p("in_proj_weight"), p("in_proj_bias"));
  const [q, k, v] = tf.split(all, 3, 2).map((t) => tf.transpose(tf.reshape(t, [n, l, heads, d / heads]), [0, 2, 1, 3])) as [
    Tensor4D,
    Tensor4D,
    Tensor4D,
  ];
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(d / heads));
  const joined = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
  return dense(tf, tf.reshape(joined, [n, l, d]), p("out_proj.weight"), p("out_proj.bias"));
}

/** Logits. Images are [N, H, W, C]. */
export function tfjsForward(tf: Tf, model: ModelSpec, variables: Variables, x: Tensor): Tensor2D {
  const p = (name: string): Variable => variables.get(name)!;
  const layer = (y: Tensor, name: string): Tensor => dense(tf, y, p(`${name}.weight`), p(`${name}.bias`));
  if (model.kind === "mlp") {
    const last = model.sizes.length - 2;
    let y = x;
    for (let i = 0; i <= last; i++) y = i === last ? layer(y, `${2 * i}`) : tf.relu(layer(y, `${2 * i}`));
    return y as Tensor2D;
  }
  if (model.kind === "cnn") {
    const stage = (y: Tensor, name: string): Tensor => {
      const filtered = tf.conv2d(y as Tensor4D, p(`${name}.weight`) as unknown as Tensor4D, 1, "same");
      return tf.maxPool(tf.relu(tf.add(filtered, p(`${name}.bias`))) as Tensor4D, 2, 2, "valid");
    };
    const features = stage(stage(x, "0"), "3");
    return layer(tf.reshape(features, [features.shape[0]!, -1]), "7") as Tensor2D;
  }
  let y = x;
  for (let i = 0; i < model.blocks; i++) {
    const own = (name: string): Tensor => p(`blocks.${i}.${name}`);
    const normed = (t: Tensor, name: string): Tensor => layerNorm(tf, t, own(`${name}.weight`), own(`${name}.bias`));
    y = tf.add(
      y,
      attention(tf, normed(y, "norm1"), (name) => own(`attention.${name}`), model.heads),
    );
    const hidden = gelu(tf, dense(tf, normed(y, "norm2"), own("linear1.weight"), own("linear1.bias")));
    y = tf.add(y, dense(tf, hidden, own("linear2.weight"), own("linear2.bias")));
  }
  return layer(tf.mean(y, 1), "head") as Tensor2D;
}

/** A batch's inputs as this model takes them. */
export function tfjsInputs(tf: Tf, model: ModelSpec, data: Float32Array, shape: readonly number[]): Tensor {
  const [n, ...rest] = shape as [number, ...number[]];
  return model.kind === "cnn" ? tf.tensor(data, [n, rest[1]!, rest[2]!, 1]) : tf.tensor(data, [...shape]);
}
