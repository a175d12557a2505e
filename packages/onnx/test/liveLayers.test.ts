/** Batch normalization and dropout of a loaded model: what the file says, or the layers that they were. */
import { beforeAll, describe, expect, test } from "vitest";
import { manualSeed, normal, ones, useBackend } from "@ermine/core";
import { BatchNorm1d, Conv1d, Dropout, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { loadModel, saveModel } from "../src/index.js";
import { floats, node, value, type FileParts } from "./graphs.js";
import { model, one } from "./loading.js";
import { difference } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

describe("training and evaluation", () => {
  const layers = () => new Sequential(new Conv1d(2, 3, 2), new BatchNorm1d(3), new ReLU());

  test("batch norm is what the file says, in train() too, and buffers are its statistics", async () => {
    const original = layers();
    const bytes = await saveModel(original, { sample: normal([4, 2, 5]) });
    const loaded = loadModel(bytes).train();
    const x = normal([4, 2, 5]);
    expect(difference(one(loaded.forward(x)).dataSync(), original.eval().forward(x).dataSync())).toBeLessThan(1e-6);
    expect(loaded.namedParameters().map(([name]) => name)).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
    expect(loaded.namedVariables()).toHaveLength(6);
  });

  test('with layers: "live" batch norm is the layer again', async () => {
    const original = layers();
    const bytes = await saveModel(original, { sample: normal([4, 2, 5]) });
    const loaded = loadModel(bytes, { layers: "live" }).train();
    original.train();
    for (const x of [normal([4, 2, 5]), normal([4, 2, 5])])
      expect(difference(one(loaded.forward(x)).dataSync(), original.forward(x).dataSync())).toBeLessThan(1e-6);
    const x = normal([4, 2, 5]);
    expect(difference(one(loaded.eval().forward(x)).dataSync(), original.eval().forward(x).dataSync())).toBeLessThan(1e-5);
    expect(() => loadModel(bytes, { layers: "dead" as never })).toThrow(/layers is "graph" or "live", got "dead"/);
  });

  const dropping: FileParts = {
    input: [value("x", "float32", [1000])],
    output: [value("y", "float32")],
    initializer: [floats("ratio", [], [0.25])],
    node: [node("Dropout", ["x", "ratio"], ["y"])],
  };

  test("dropout follows the mode where it is asked to", () => {
    const x = ones([1000]);
    const dropped = (t: unknown): number =>
      one(t)
        .dataSync()
        .filter((y) => y === 0).length;
    expect(dropped(model(dropping).train().forward(x))).toBe(0);
    const live = model(dropping, { layers: "live" });
    expect(dropped(live.eval().forward(x))).toBe(0);
    const zeros = dropped(live.train().forward(x));
    expect(zeros).toBeGreaterThan(150);
    expect(zeros).toBeLessThan(350);
    expect(
      new Dropout(0.25)
        .train()
        .forward(x)
        .dataSync()
        .filter((y) => y === 0).length,
    ).toBeLessThan(350);
  });
});
