import { createRequire } from "node:module";
import * as core from "@ermine/core";
import type * as Tf from "@tensorflow/tfjs-node";
import { beforeAll, expect, it } from "vitest";
import { fromLayersModel, fromTfjs, toLayersModel, toTfjs } from "../src/index.js";
import { loadNative } from "../src/native/load.js";
import { backend, numbers } from "./agreement.js";
import { describeNative } from "./native.js";

describeNative("side by side with tfjs", () => {
  let tf: typeof Tf;
  beforeAll(async () => {
    core.useBackend(await backend());
    tf = createRequire(import.meta.url)("@tensorflow/tfjs-node") as typeof Tf;
  });

  it("uses the application's own tfjs-node, and leaves its backend as it is", () => {
    expect(loadNative().tfjs).toBe(tf);
    expect(tf.getBackend()).toBe("tensorflow");
    const before = tf.memory().numTensors;
    core.scope(() => core.add(core.tensor([1, 2]), 1).toArray());
    expect(tf.memory().numTensors).toBe(before);
  });

  it("takes tensors of every dtype there and back", () => {
    for (const dtype of ["float32", "int32", "bool"] as const) {
      const t = tf.tensor(
        [
          [1, 0, 1],
          [0, 1, 1],
        ],
        [2, 3],
        dtype,
      );
      const own = fromTfjs(t);
      expect([own.dtype, own.shape, [...own.dataSync()]]).toEqual([dtype, [2, 3], [1, 0, 1, 0, 1, 1]]);
      const back = toTfjs(tf, own);
      expect([back.dtype, back.shape, back.arraySync()]).toEqual([dtype, [2, 3], t.arraySync()]);
      tf.dispose([t, back]);
    }
  });

  it("refuses tensors that ermine has not", () => {
    const t = tf.tensor(["a"]);
    expect(() => fromTfjs(t)).toThrow(/no string tensors/);
    t.dispose();
  });

  it("reads a LayersModel's weights with PyTorch's names and axes: both compute the same", () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ name: "conv", filters: 3, kernelSize: [2, 3], inputShape: [5, 6, 2], activation: "relu" }),
        tf.layers.batchNormalization({ name: "norm" }),
        tf.layers.globalAveragePooling2d({ name: "pool" } as never),
        tf.layers.dense({ name: "fc", units: 4 }),
      ],
    });
    const weights = fromLayersModel(model);
    expect(Object.entries(weights).map(([name, { shape }]) => `${name} ${shape.join()}`)).toEqual([
      "conv.weight 3,2,2,3",
      "conv.bias 3",
      "norm.weight 3",
      "norm.bias 3",
      "norm.runningMean 3",
      "norm.runningVar 3",
      "fc.weight 4,3",
      "fc.bias 4",
    ]);
    const image = core.tensor(numbers([2, 2, 5, 6]).data, { shape: [2, 2, 5, 6] });
    const maps = core.relu(core.convolution(image, weights["conv.weight"]!, weights["conv.bias"]));
    const pooled = core.mul(core.mean(maps, { axis: [2, 3] }), 1 / Math.sqrt(1 + 1e-3));
    const ours = core.linear(pooled, weights["fc.weight"]!, weights["fc.bias"]);
    const x = toTfjs(tf, core.permute(image, [0, 2, 3, 1]));
    const theirs = model.predict(x) as Tf.Tensor;
    [...ours.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(theirs.dataSync()[i]!, 5));
    tf.dispose([x, theirs]);
    model.dispose();
  });

  it("writes them back, all or none", () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ name: "fc", units: 2, inputShape: [3] })] });
    const weight = core.tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    toLayersModel(tf, model, { "fc.weight": weight, "fc.bias": core.tensor([7, 8]) });
    expect(fromLayersModel(model)["fc.weight"]!.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(model.layers[0]!.getWeights()[0]!.arraySync()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(() => toLayersModel(tf, model, { "fc.weight": weight })).toThrow(/no weight "fc\.bias"/);
    expect(() => toLayersModel(tf, model, { "fc.weight": core.tensor([[1, 2]]), "fc.bias": core.tensor([7, 8]) })).toThrow(
      /fc\.weight is \[1, 2\]/,
    );
    model.dispose();
  });
});
