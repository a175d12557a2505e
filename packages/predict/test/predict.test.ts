/** Predictions out of files: batches of any size, names, probabilities, classes, preprocessing, calls at the same time, and what is refused. */
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import {
  add,
  argMax,
  cast,
  ErmineError,
  manualSeed,
  mean,
  normal,
  randint,
  relu,
  sigmoid,
  softmax,
  tensor,
  useBackend,
  zeros,
  type Tensor,
} from "@ermine/core";
import type { Backend } from "@ermine/core/backend";
import { Embedding, Flatten, Linear, Module, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { saveModel } from "@ermine/onnx";
import { columns, oneHot, standardize, tablePreprocessing, tablePreprocessingFrom, targetClasses } from "@ermine/preprocessing";
import { loadPredictor } from "../src/index.js";

let backend: Backend;
beforeAll(async () => {
  backend = await reference();
  useBackend(backend);
  manualSeed(4);
});

const classes = ["cat", "dog", "fish"];
const net = () => new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 3));
const close = (actual: ArrayLike<number | bigint>, expected: Tensor): void => {
  const data = expected.dataSync();
  expect(actual.length).toBe(data.length);
  data.forEach((value, i) => expect(Number(actual[i])).toBeCloseTo(value, 5));
};

class Two extends Module {
  table = new Embedding(10, 4);
  head = new Linear(4, 2);
  forward(words: Tensor, size: Tensor): Record<string, Tensor> {
    const logits = add(this.head.forward(relu(mean(this.table.forward(words), { axis: 1 }))), size);
    return { logits, best: argMax(logits, { axis: 1 }) };
  }
}
describe("a classifier", () => {
  test("gives its outputs, probabilities and classes for batches of any size and any kind", async () => {
    const model = net();
    const predictor = await loadPredictor(await saveModel(model, { sample: zeros([1, 4]), classes, link: "softmax" }), {
      batchSize: 3,
    });
    expect(predictor.inputs).toEqual([{ name: "input", type: "float32", shape: ["N", 4], isStatic: false }]);
    expect(predictor.classes.get("output")).toEqual(classes);
    for (const n of [1, 2, 3, 4, 7, 0]) {
      const x = normal([n, 4]);
      const expected = model.forward(x);
      for (const given of [
        x,
        x.dataSync(),
        { data: x.dataSync(), shape: [n, 4] },
        ...(n === 0 ? [] : [x.toArray() as number[][]]),
      ]) {
        const { output } = await predictor.predict(given as Tensor);
        expect(output!.shape).toEqual([n, 3]);
        close(output!.data, expected);
        close(output!.probabilities!, softmax(expected));
        expect(output!.classes).toEqual(n === 0 ? [] : Array.from(argMax(expected, { axis: 1 }).dataSync(), (i) => classes[i]));
      }
    }
    predictor.dispose();
    await expect(predictor.predict([[1, 2, 3, 4]])).rejects.toThrow(/was disposed of/);
  });

  test("calls at the same time do not disturb each other, nor the backend in use", async () => {
    const other = await reference();
    const model = net();
    const bytes = await saveModel(model, { sample: zeros([1, 4]) });
    const predictor = await loadPredictor(bytes, { backend: other, batchSize: 4 });
    const batches = Array.from({ length: 12 }, (_, i) => normal([1 + (i % 6), 4]));
    const results = await Promise.all(batches.map((x) => predictor.predict(x)));
    results.forEach(({ output }, i) => close(output!.data, model.forward(batches[i]!)));
    expect(zeros([1]).dataSync()).toEqual(Float32Array.of(0));
    const before = other.memory().tensors;
    await predictor.predict(normal([9, 4]));
    expect(other.memory().tensors).toBe(before);
  });

  test("two classes of one output, and classes that do not exclude each other", async () => {
    const binary = new Linear(2, 1);
    const one = await loadPredictor(await saveModel(binary, { sample: zeros([1, 2]), classes: ["no", "yes"], link: "sigmoid" }));
    const x = tensor([
      [5, 1],
      [-5, 2],
      [0.5, -1],
    ]);
    const p = sigmoid(binary.forward(x)).dataSync();
    expect((await one.predict(x))["output"]!.classes).toEqual(Array.from(p, (value) => (value >= 0.5 ? "yes" : "no")));
    const many = await loadPredictor(await saveModel(net(), { sample: zeros([1, 4]), classes, link: "sigmoid" }));
    const { output } = await many.predict(normal([5, 4]));
    expect(output!.classes).toHaveLength(5);
    output!.classes!.forEach((names, i) =>
      expect(names).toEqual(classes.filter((_, k) => output!.probabilities![3 * i + k]! >= 0.5)),
    );
  });

  test("of a file with one batch size alone, samples are filled up and cut", async () => {
    const model = new Sequential(new Flatten(), new Linear(4, 2));
    const predictor = await loadPredictor(await saveModel(model, { sample: zeros([2, 2, 2]), batchAxis: null }));
    const x = normal([5, 2, 2]);
    close((await predictor.predict(x))["output"]!.data, model.forward(x));
    await expect(predictor.predict(zeros([0, 2, 2]))).rejects.toThrow(/There are no samples, and the file takes 2 at once/);
  });
});

describe("several inputs and outputs", () => {
  test("by their names; int64 is as the file declares it, or as numbers", async () => {
    const model = new Two();
    const [words, size] = [randint([5, 3], 0, 10), normal([5, 1])];
    const bytes = await saveModel(model, { sample: [words, size], inputs: { words: "int64", size: "float32" } });
    const predictor = await loadPredictor(bytes, { batchSize: 2 });
    const expected = model.forward(words, size);
    const result = await predictor.predict({ words: BigInt64Array.from(words.dataSync() as Int32Array, BigInt), size });
    close(result["logits"]!.data, expected["logits"]!);
    close(result["best"]!.data, expected["best"]!);
    expect(result["best"]!.data).toBeInstanceOf(Int32Array);
    await expect(predictor.predict({ words })).rejects.toThrow(/inputs are words, size; "size" is missing/);
    await expect(predictor.predict({ words, size, more: 1 })).rejects.toThrow(/there is no "more"/);
    await expect(predictor.predict(words)).rejects.toThrow(/has 2 inputs: predict\(\{ words: …, size: … \}\)/);
    await expect(predictor.predict({ words, size: zeros([4, 1]) })).rejects.toThrow(
      /different numbers of samples: words \[5, 3\], size \[4, 1\]/,
    );
    await expect(predictor.predict({ words: [[1.5, 2, 3]], size: [[1]] })).rejects.toThrow(
      /"words" takes whole numbers up to 2³¹ − 1, got 1.5/,
    );
    await expect(predictor.predict({ words: cast(words, "float32"), size })).rejects.toThrow(ErmineError);
  });
});

describe("rows of a table", () => {
  test("go through the preprocessing that the file keeps", async () => {
    const table = { mass: [1, 2, 3], kind: ["a", "b", "a"] };
    const features = columns({ mass: standardize(), kind: oneHot() }).fit(table);
    const model = new Linear(features.apply(table).shape[1], 2);
    const target = targetClasses(["red", "blue"]);
    const preprocessing = tablePreprocessing({ inputs: { input: features }, outputs: { output: target } });
    const bytes = await saveModel(model, {
      sample: zeros([1, features.apply(table).shape[1]]),
      preprocessing,
      classes: ["blue", "red"],
      link: "softmax",
    });
    const predictor = await loadPredictor(bytes, { preprocessing: tablePreprocessingFrom });
    const rows = [
      { mass: 2, kind: "b" },
      { mass: 3, kind: "a" },
    ];
    const applied = features.apply({ mass: [2, 3], kind: ["b", "a"] });
    close((await predictor.predict(rows))["output"]!.data, model.forward(tensor(applied.data, { shape: applied.shape })));
    const without = await loadPredictor(bytes);
    await expect(without.predict(rows)).rejects.toThrow(/need the preprocessing that the file keeps/);
    const plain = await loadPredictor(await saveModel(model, { sample: zeros([1, 3]) }));
    await expect(plain.predict(rows)).rejects.toThrow(/keeps no preprocessing/);
  });
});

describe("where a model comes from", () => {
  test("bytes, a Blob, a path, the address of a file or of a server", async () => {
    const model = new Linear(2, 1);
    const bytes = await saveModel(model, { sample: zeros([1, 2]) });
    const folder = mkdtempSync(join(tmpdir(), "ermine-predict-"));
    const path = join(folder, "model.onnx");
    writeFileSync(path, bytes);
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/model.onnx" ? 200 : 404;
      response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    try {
      const sources = [
        bytes,
        bytes.slice().buffer,
        new Blob([bytes as Uint8Array<ArrayBuffer>]),
        path,
        pathToFileURL(path),
        pathToFileURL(path).href,
        `http://127.0.0.1:${port}/model.onnx`,
      ];
      for (const source of sources)
        close((await (await loadPredictor(source)).predict([[1, 2]]))["output"]!.data, model.forward(tensor([[1, 2]])));
      await expect(loadPredictor(join(folder, "none.onnx"))).rejects.toThrow(/none.onnx" cannot be read/);
      await expect(loadPredictor(`http://127.0.0.1:${port}/none`)).rejects.toThrow(/cannot be read \(404/);
      await expect(loadPredictor(5 as never)).rejects.toThrow(/takes bytes, an address, or in Node a path/);
    } finally {
      server.close();
      rmSync(folder, { recursive: true });
    }
  });

  test("options that are none, and entries of a file that are not what they should be", async () => {
    const bytes = await saveModel(new Linear(2, 1), { sample: zeros([1, 2]) });
    await expect(loadPredictor(bytes, { batchSize: 0 })).rejects.toThrow(/batchSize is a whole number ≥ 1, got 0/);
    await expect(loadPredictor(bytes, { int64: "text" as never })).rejects.toThrow(/int64 is "bigint" or "number", got "text"/);
    await expect(loadPredictor(bytes, { batchsize: 2 } as never)).rejects.toThrow(/batchSize/);
    await expect(loadPredictor(bytes.subarray(0, 40))).rejects.toThrow(ErmineError);
    const predictor = await loadPredictor(bytes);
    await expect(predictor.predict([[1, 2, 3]])).rejects.toThrow(/"input" is \[N, 2\] in the file, got \[1, 3\]/);
    await expect(predictor.predict(Float32Array.of(1, 2, 3))).rejects.toThrow(/which 3 elements without a shape do not fill/);
    // After a refused call correct ones work.
    expect((await predictor.predict([[1, 2]]))["output"]!.shape).toEqual([1, 1]);
  });
});
