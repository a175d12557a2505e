/** A training step the way TensorFlow.js's users write it: `optimizer.minimize`, the loss read. */
import type { Scalar } from "@tensorflow/tfjs-core";
import { classesOf } from "../model.js";
import { adamwOptions, type Task } from "../task.js";
import { readBatches, readParameters } from "./data.js";
import { Absent, type Work } from "./player.js";
import { tfjsForward, tfjsInputs, tfjsVariables, type Tf } from "./tfjsModel.js";

export function tfjsWork(tf: Tf, engine: string, task: Task): Work {
  if (task.kind !== "train" && task.kind !== "predict") {
    throw new Absent({ cannot: "what is measured here is ermine's own" });
  }
  const { model } = task;
  const variables = tfjsVariables(tf, model, readParameters(task));
  const batches = readBatches(task).map(({ inputs, labels, shape }) => ({
    x: tfjsInputs(tf, model, inputs, shape),
    y: tf.oneHot(tf.tensor1d(labels, "int32"), classesOf(model)),
  }));
  let steps = 0;
  const next = (): (typeof batches)[number] => batches[steps++ % batches.length]!;
  if (task.kind === "predict") {
    return {
      engine,
      async step() {
        const logits = tf.tidy(() => tfjsForward(tf, model, variables, next().x));
        const data = await logits.data();
        logits.dispose();
        return data[0]!;
      },
    };
  }
  const { learningRate, beta1, beta2, epsilon } = adamwOptions;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, epsilon);
  return {
    engine,
    differs: "Adam: it has no decoupled decay",
    async step() {
      const { x, y } = next();
      const loss = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(y, tfjsForward(tf, model, variables, x)) as Scalar,
        true,
      )!;
      const [value] = await loss.data();
      loss.dispose();
      return value!;
    },
  };
}
