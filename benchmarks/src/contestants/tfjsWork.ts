/** A training step the way TensorFlow.js's users write it: `optimizer.minimize`, the loss read. */
import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import { allLayers, isRandom, product } from "../model.js";
import { adamwOptions, type Task } from "../task.js";
import { readBatches, readParameters, type HostArray, type HostBatch, type ModelTask } from "./data.js";
import { Absent, type Work } from "./player.js";
import { channelsLast, tfjsForward, tfjsLacks, tfjsVariables, type Tf } from "./tfjsModel.js";

interface DeviceBatch {
  readonly x: Tensor;
  /** One-hot rows of classes, or values. */
  readonly y: Tensor;
}

function upload(tf: Tf, { model, target }: ModelTask, { inputs, shape, targets, targetShape }: HostBatch): DeviceBatch {
  const place = (data: HostArray, sizes: readonly number[], isImage: boolean): Tensor => {
    const t = tf.tensor(data, [...sizes], data instanceof Int32Array ? "int32" : "float32");
    return isImage ? channelsLast(tf, t) : t;
  };
  const images = model.input.images === true;
  const y =
    target.classes === undefined
      ? place(targets, targetShape, images && targetShape.length > 2)
      : tf.oneHot(tf.tensor1d(targets, "int32"), target.classes);
  return { x: place(inputs, shape, images), y };
}

export function tfjsWork(tf: Tf, engine: string, task: Task): Work {
  if (task.kind !== "train" && task.kind !== "predict") {
    throw new Absent({ cannot: "what is measured here is ermine's own" });
  }
  const { model, target } = task;
  const cannot = tfjsLacks(allLayers(model.layers), task.kind === "train");
  if (cannot !== undefined) throw new Absent({ cannot });
  const variables = tfjsVariables(tf, readParameters(task));
  const batches = readBatches(task).map((batch) => upload(tf, task, batch));
  const dispose = (): void => {
    for (const variable of variables.values()) variable.dispose();
    for (const { x, y } of batches) {
      x.dispose();
      y.dispose();
    }
  };
  let steps = 0;
  const next = (): DeviceBatch => batches[steps++ % batches.length]!;
  if (task.kind === "predict") {
    return {
      engine,
      async step() {
        const output = tf.tidy(() => tfjsForward(tf, model, variables, next().x, { training: false }));
        const data = await output.data();
        output.dispose();
        return data[0]!;
      },
      dispose,
    };
  }
  const lossOf = ({ x, y }: DeviceBatch, dropout: boolean): Scalar => {
    const output = tfjsForward(tf, model, variables, x, { training: true, dropout });
    if (target.classes === undefined) return tf.losses.meanSquaredError(y, output);
    const rows = product(target.shape) * task.batch;
    return tf.losses.softmaxCrossEntropy(y, tf.reshape(output, [rows, target.classes]));
  };
  const { learningRate, beta1, beta2, eps } = adamwOptions;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, eps);
  const read = async (loss: Scalar): Promise<number> => {
    const [value] = await loss.data();
    loss.dispose();
    return value!;
  };
  return {
    engine,
    differs: "Adam: it has no decoupled decay",
    ...(isRandom(model) ? { loss: () => read(tf.tidy(() => lossOf(batches[0]!, false))) } : {}),
    step() {
      const batch = next();
      return read(optimizer.minimize(() => lossOf(batch, true), true)!);
    },
    dispose() {
      optimizer.dispose();
      dispose();
    },
  };
}
