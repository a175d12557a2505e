/** Weights in a file next to the model's: written by saveModelFile, read by loadModelFile and by onnxruntime. */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ErmineError, manualSeed, normal, useBackend, type Tensor } from "@ermine/core";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { loadModel, saveModel } from "../src/index.js";
import { loadModelFile, saveModelFile } from "../src/node.js";
import { decode } from "../src/proto/codec.js";
import { difference, runtimeTensor } from "./support.js";

const root = mkdtempSync(join(tmpdir(), "ermine-weights-"));
let folder = root;

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(4);
});
beforeEach(() => (folder = mkdtempSync(join(root, "case-"))));
afterAll(() => rmSync(root, { recursive: true }));

/** Two weights that are large enough, and two biases that are not. */
const model = (): nn.Sequential => new nn.Sequential(new nn.Linear(20, 30), new nn.ReLU(), new nn.Linear(30, 10));
const sample = (): Tensor => normal([2, 20]);

describe("saveModelFile with externalData", () => {
  test("writes the weights next to the model, where onnxruntime and loadModelFile find them", async () => {
    const [path, network, x] = [join(folder, "model.onnx"), model(), sample()];
    await saveModelFile(path, network, { sample: x, externalData: "weights.bin" });
    expect(readdirSync(folder).sort()).toEqual(["model.onnx", "weights.bin"]);
    expect(statSync(path).size).toBeLessThan(2000);
    const outside = decode("ModelProto", readFileSync(path)).graph!.initializer!.filter(({ dataLocation }) => dataLocation === 1);
    expect(outside.map(({ name }) => name)).toEqual(["0.weight", "2.weight"]);
    for (const { externalData, rawData } of outside) {
      expect(rawData).toBeUndefined();
      expect(Number(externalData!.find(({ key }) => key === "offset")!.value) % 4096).toBe(0);
    }
    const expected = network.forward(x).dataSync();
    const loaded = await loadModelFile(path);
    expect((loaded.forward(x) as Tensor).dataSync()).toEqual(expected);
    const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
    const { output } = await session.run({ input: runtimeTensor(x) });
    await session.release();
    expect(difference(output!.data as Float32Array, expected)).toBeLessThan(1e-5);
  });

  test("a loaded model is written so again, and in one file as if it had never been in two", async () => {
    const [network, x] = [model(), sample()];
    const path = join(folder, "model.onnx");
    await saveModelFile(path, network, { sample: x, externalData: "weights.bin" });
    const loaded = await loadModelFile(path);
    const again = join(folder, "again.onnx");
    await saveModelFile(pathToFileURL(again), loaded, { externalData: "weights.bin" });
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
    expect(Buffer.from(await saveModel(loaded)).equals(Buffer.from(await saveModel(network, { sample: x })))).toBe(true);
  });

  test("the bytes of both are enough without a file system", async () => {
    const [network, x] = [model(), sample()];
    await saveModelFile(join(folder, "model.onnx"), network, { sample: x, externalData: "weights.bin" });
    const [bytes, data] = ["model.onnx", "weights.bin"].map((name) => new Uint8Array(readFileSync(join(folder, name))));
    const loaded = loadModel(bytes!, { externalData: { "weights.bin": data! } });
    expect((loaded.forward(x) as Tensor).dataSync()).toEqual(network.forward(x).dataSync());
    expect(() => loadModel(bytes!)).toThrow(/has its elements in another file, "weights.bin"/);
  });

  test("a link of that name is replaced, and what it leads to stays", async () => {
    const elsewhere = join(folder, "other.txt");
    writeFileSync(elsewhere, "mine");
    symlinkSync(elsewhere, join(folder, "weights.bin"));
    await saveModelFile(join(folder, "model.onnx"), model(), { sample: sample(), externalData: "weights.bin" });
    expect(readFileSync(elsewhere, "utf8")).toBe("mine");
    expect(lstatSync(join(folder, "weights.bin")).isSymbolicLink()).toBe(false);
    await loadModelFile(join(folder, "model.onnx"));
  });

  for (const location of [
    "../weights.bin",
    "/tmp/weights.bin",
    "data/weights.bin",
    "a\\b",
    "c:",
    "..",
    "",
    "model.onnx",
    "a\0b",
    3,
  ])
    test(`${JSON.stringify(location)} is no name of a file next to it`, async () => {
      const attempt = saveModelFile(join(folder, "model.onnx"), model(), { sample: sample(), externalData: location as string });
      await expect(attempt).rejects.toThrow(ErmineError);
      await expect(attempt).rejects.toThrow(/externalData is the name of a file next to "model.onnx"/);
      expect(readdirSync(folder)).toEqual([]);
    });

  test("where the model cannot be written nothing is left, and what was there stays", async () => {
    const [network, x] = [model(), sample()];
    await saveModelFile(join(folder, "model.onnx"), network, { sample: x, externalData: "weights.bin" });
    const before = readFileSync(join(folder, "weights.bin"));
    await expect(
      saveModelFile(join(folder, "model.onnx"), model(), { sample: normal([1, 3]), externalData: "weights.bin" }),
    ).rejects.toThrow(ErmineError);
    expect(readFileSync(join(folder, "weights.bin")).equals(before)).toBe(true);
    await expect(
      saveModelFile(join(folder, "none", "model.onnx"), network, { sample: x, externalData: "weights.bin" }),
    ).rejects.toThrow(/ENOENT/);
    await expect(saveModelFile(folder, network, { sample: x })).rejects.toThrow();
    expect(readdirSync(folder).sort()).toEqual(["model.onnx", "weights.bin"]);
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
