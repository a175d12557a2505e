import { createRequire } from "node:module";
import * as core from "@ermine/core";
import type * as Tf from "@tensorflow/tfjs-node";
import { beforeAll, expect, it } from "vitest";
import { BatchNorm2d, Conv2d, GRU, Linear, LSTM, Module, RNN } from "@ermine/core/nn";
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
      const converted = fromTfjs(t);
      expect([converted.dtype, converted.shape, [...converted.dataSync()]]).toEqual([dtype, [2, 3], [1, 0, 1, 0, 1, 1]]);
      const back = toTfjs(tf, converted);
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
      "norm.running_mean 3",
      "norm.running_var 3",
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

  it("loads a LayersModel's weights into a model of ermine's: both compute the same, with other statistics than at the start", async () => {
    const keras = tf.sequential({
      layers: [
        tf.layers.conv2d({ name: "conv", filters: 3, kernelSize: 2, inputShape: [5, 6, 2] }),
        tf.layers.batchNormalization({ name: "norm", epsilon: 1e-5 }),
        tf.layers.globalAveragePooling2d({ name: "pool" } as never),
        tf.layers.dense({ name: "fc", units: 4 }),
      ],
    });
    keras.compile({ loss: "meanSquaredError", optimizer: tf.train.sgd(0.1) });
    const image = numbers([7, 2, 5, 6]);
    const x = toTfjs(tf, core.permute(core.tensor(image.data, { shape: image.shape }), [0, 2, 3, 1])) as Tf.Tensor4D;
    const y = tf.ones([7, 4]);
    await keras.fit(x, y, { epochs: 2, verbose: 0 });
    class Net extends Module {
      readonly conv = new Conv2d(2, 3, 2);
      readonly norm = new BatchNorm2d(3);
      readonly fc = new Linear(3, 4);
      forward(t: core.Tensor): core.Tensor {
        return this.fc.forward(core.mean(this.norm.forward(this.conv.forward(t)), { axis: [2, 3] }));
      }
    }
    const model = new Net().eval();
    const report = model.loadStateDict(fromLayersModel(keras), { strict: false });
    expect(report).toMatchObject({ missing: ["norm.num_batches_tracked"], unexpected: [] });
    expect(model.norm.running_mean!.value.toArray()).not.toEqual([0, 0, 0]);
    const ours = model.forward(core.tensor(image.data, { shape: image.shape }));
    const theirs = keras.predict(x) as Tf.Tensor;
    [...ours.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(theirs.dataSync()[i]!, 4));
    tf.dispose([x, y, theirs]);
    keras.dispose();
  });

  const sequences = numbers([3, 7, 4]);
  type Recurrent = { layer: Tf.layers.Layer; ours: Module & { forward(x: core.Tensor): core.Tensor } };
  const options = { units: 5, returnSequences: true, name: "rnn", biasInitializer: "glorotNormal" } as const;
  const sigmoid = { recurrentActivation: "sigmoid" } as const;
  const recurrent: Record<string, () => Recurrent> = {
    "an LSTM": () => ({ layer: tf.layers.lstm({ ...options, ...sigmoid }), ours: new LSTM(4, 5) }),
    "an LSTM without bias": () => ({
      layer: tf.layers.lstm({ ...options, ...sigmoid, useBias: false }),
      ours: new LSTM(4, 5, { bias: false }),
    }),
    "a GRU": () => ({ layer: tf.layers.gru({ ...options, ...sigmoid }), ours: new GRU(4, 5, { resetAfter: false }) }),
    "a simple RNN": () => ({ layer: tf.layers.simpleRNN(options), ours: new RNN(4, 5) }),
    "a simple RNN with relu": () => ({
      layer: tf.layers.simpleRNN({ ...options, activation: "relu" }),
      ours: new RNN(4, 5, { nonlinearity: "relu" }),
    }),
    "a bidirectional GRU": () => ({
      layer: tf.layers.bidirectional({
        name: "rnn",
        layer: tf.layers.gru({ ...options, ...sigmoid }) as Tf.RNN,
        mergeMode: "concat",
      }),
      ours: new GRU(4, 5, { bidirectional: true, resetAfter: false }),
    }),
    "a bidirectional LSTM": () => ({
      layer: tf.layers.bidirectional({
        name: "rnn",
        layer: tf.layers.lstm({ ...options, ...sigmoid }) as Tf.RNN,
        mergeMode: "concat",
      }),
      ours: new LSTM(4, 5, { bidirectional: true }),
    }),
  };
  it.each(Object.keys(recurrent))("takes %s: both compute the same, and what is written back is what was there", async (name) => {
    const { layer, ours } = recurrent[name]!();
    const input = tf.input({ shape: [7, 4] });
    const keras = tf.model({ inputs: input, outputs: layer.apply(input) as Tf.SymbolicTensor });
    const x = tf.tensor(sequences.data, [3, 7, 4]);
    const weights = fromLayersModel(keras);
    ours.loadStateDict(weights, { rename: { "rnn.": "" } });
    const got = ours.forward(core.tensor(sequences.data, { shape: sequences.shape })).dataSync();
    const expected = (keras.predict(x) as Tf.Tensor).dataSync();
    expect(got.length).toBe(expected.length);
    got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    const before = layer.getWeights().map((w) => Array.from(w.dataSync()));
    layer.setWeights(layer.getWeights().map((w) => tf.zerosLike(w)));
    const trained = Object.fromEntries(
      Object.entries(await ours.stateDict()).map(([key, { data, shape }]) => [
        `rnn.${key}`,
        core.tensor(data, { shape: shape as readonly number[] }),
      ]),
    );
    toLayersModel(tf, keras, trained);
    expect(layer.getWeights().map((w) => Array.from(w.dataSync()))).toEqual(before);
    keras.dispose();
    x.dispose();
  });

  it.each([
    [
      () => tf.layers.lstm({ units: 2, name: "rnn" }),
      /rnn: this LSTM has recurrentActivation "hardSigmoid".*trained with sigmoid/,
    ],
    [() => tf.layers.gru({ units: 2, name: "rnn" }), /rnn: this GRU has recurrentActivation "hardSigmoid"/],
    [() => tf.layers.lstm({ units: 2, name: "rnn", ...sigmoid, activation: "relu" }), /activation "relu".*computes with tanh/],
    [() => tf.layers.simpleRNN({ units: 2, name: "rnn", activation: "elu" }), /activation "elu".*tanh or relu/],
    [() => tf.layers.simpleRNN({ units: 2, name: "rnn", goBackwards: true }), /goBackwards true/],
    [
      () => tf.layers.bidirectional({ layer: tf.layers.simpleRNN({ units: 2 }) as Tf.RNN, name: "rnn", mergeMode: "sum" }),
      /rnn is a Bidirectional of SimpleRNN that merges by sum.*"concat"/,
    ],
  ])("refuses %s, whose outputs would be others", (make, message) => {
    const input = tf.input({ shape: [3, 2] });
    const keras = tf.model({ inputs: input, outputs: make().apply(input) as Tf.SymbolicTensor });
    expect(() => fromLayersModel(keras)).toThrow(core.ErmineError);
    expect(() => fromLayersModel(keras)).toThrow(message);
    expect(() => toLayersModel(tf, keras, {})).toThrow(message);
    keras.dispose();
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

  it("refuses what is not what it takes, with the reason", () => {
    const t = tf.tensor([1, 2]);
    const ofErmine = core.tensor([1, 2]);
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    const code = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        return `${(error as core.ErmineError).name} ${(error as core.ErmineError).code}: ${(error as Error).message}`;
      }
    };
    const wrong = {} as never;
    for (const value of [undefined, null, 3, "x", [], {}, ofErmine]) {
      expect(code(() => fromTfjs(value as never))).toMatch(/^ErmineError ERMINE_USAGE: fromTfjs takes a tf\.Tensor, got /);
      expect(code(() => toTfjs(value as never, ofErmine))).toMatch(
        /^ErmineError ERMINE_USAGE: toTfjs: the first argument is the module/,
      );
      expect(code(() => fromLayersModel(value as never))).toMatch(
        /^ErmineError ERMINE_USAGE: fromLayersModel takes a tf\.LayersModel/,
      );
      expect(code(() => toLayersModel(tf, value as never, {}))).toMatch(/^ErmineError ERMINE_USAGE: toLayersModel takes/);
    }
    expect(code(() => toTfjs(ofErmine as never, tf as never))).toMatch(
      /first argument is the module .* got a tensor of ermine's/,
    );
    expect(code(() => toTfjs(tf, t as never))).toMatch(/the second argument is a tensor of ermine's, got an object of /);
    expect(code(() => toLayersModel(wrong, model, {}))).toMatch(/toLayersModel: the first argument is the module/);
    expect(code(() => toLayersModel(tf, model, null as never))).toMatch(/weights are tensors of ermine's by name, got null/);
    expect(code(() => toLayersModel(tf, model, { a: [1] } as never))).toMatch(/by name, got an object of Array/);
    t.dispose();
    expect(code(() => fromTfjs(t))).toMatch(/^ErmineError ERMINE_RELEASED: fromTfjs: the tf\.Tensor is disposed/);
    model.dispose();
  });
});
