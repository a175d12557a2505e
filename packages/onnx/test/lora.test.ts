/** Low-rank adapters on imported models: which way a weight lies is read from the nodes that take it, and merged it is the file again. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  manualSeed,
  matmul,
  mean,
  mul,
  normal,
  reshape,
  sub,
  tensor,
  transpose,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "@ermine/core";
import { lora } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { loadModel, saveModel, type ImportedModel } from "../src/index.js";
import { fileOf, floats, node, value } from "./graphs.js";
import { difference, run } from "./support.js";

beforeAll(() => {
  useBackend(reference());
  manualSeed(8);
});

const load = (name: string): ImportedModel => loadModel(readFileSync(new URL(`../golden/torch/${name}.onnx`, import.meta.url)));
const layouts = (model: ImportedModel): Readonly<Record<string, string>> =>
  Object.fromEntries(
    model.namedParameters().flatMap(([name, { shape, layout }]) => (shape.length === 2 ? [[name, layout] as const] : [])),
  );

describe("which way a weight lies", () => {
  test("is read from the node that takes it: MatMul and Gemm multiply by (inputs, outputs), Gather looks up rows", () => {
    const model = loadModel(
      fileOf({
        input: [value("i", "int64", [2])],
        output: [value("y", "float32")],
        initializer: ["table", "a", "b", "c", "d"].map((name) => floats(name, [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])),
        node: [
          node("Gather", ["table", "i"], ["h0"]),
          node("MatMul", ["h0", "a"], ["h1"]),
          node("Gemm", ["h1", "b"], ["h2"]),
          node("Gemm", ["h2", "c"], ["h3"], { transB: 1n }),
          node("Transpose", ["d"], ["dT"]),
          node("MatMul", ["h3", "dT"], ["y"]),
        ],
      }),
    );
    expect(layouts(model)).toEqual({ table: "rows", a: "inputFirst", b: "inputFirst", c: "outputFirst", d: "outputFirst" });
  });

  test("is PyTorch's where its exporters keep the weight", () => {
    expect(layouts(load("gpt.dynamo"))).toMatchObject({
      "words.weight": "rows",
      "places.weight": "rows",
      "qkv.weight": "outputFirst",
    });
  });
});

describe("an imported transformer", () => {
  for (const file of ["gpt.dynamo", "gpt.script"])
    test(`${file} is adapted: it begins as it was, learns, and its merged weights are a file that computes the same`, async () => {
      const model = load(file);
      const tokens = tensor(Int32Array.of(1, 4, 2, 9, 0, 3, 10, 5, 5, 1, 7, 2), { shape: [2, 6] });
      const plain = (model.forward(tokens) as Tensor).toArray();
      const linear = model
        .namedParameters()
        .flatMap(([name, { shape, layout }]) => (shape.length === 2 && layout !== "rows" ? [name] : []));
      expect(linear).toHaveLength(2);
      const adapted = lora(model, { targets: ["words.weight", ...linear], rank: 2, alpha: 4 });
      expect((adapted.forward(tokens) as Tensor).toArray()).toEqual(plain);
      const wanted = normal([2, 6, 11]);
      const lossOf = (): Tensor => {
        const gap = sub(adapted.forward(tokens) as Tensor, wanted);
        return mean(mul(gap, gap));
      };
      const parameters = adapted.parameters();
      expect(parameters).toHaveLength(6);
      const losses: number[] = [];
      for (let step = 0; step < 20; step++) {
        const { value: loss, grads } = valueAndGrad(lossOf, parameters) as { value: Tensor; grads: Tensor[] };
        losses.push(loss.item());
        parameters.forEach((parameter, i) => (parameter.value = sub(parameter.value, mul(grads[i]!, 0.02))));
      }
      expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
      const learned = (adapted.forward(tokens) as Tensor).dataSync();
      // Apart, as a module that is traced, and merged, as the file that it was.
      const kept = await run(await saveModel(adapted, { sample: tokens }), [tokens]);
      expect(difference(kept[0]!.data as Float32Array, learned)).toBeLessThan(1e-5);
      const again = loadModel(await saveModel(adapted.merge()));
      expect(again.namedParameters().map(([name]) => name)).toEqual(model.namedParameters().map(([name]) => name));
      expect(difference((again.forward(tokens) as Tensor).dataSync(), learned)).toBeLessThan(1e-5);
    });

  test("has the adapters of a layer whose weight lies the other way: A is (rank, inputs), B (outputs, rank)", () => {
    const model = loadModel(
      fileOf({
        input: [value("x", "float32", [1, 2])],
        output: [value("y", "float32")],
        initializer: [floats("onnx::MatMul_7", [2, 3], [1, 2, 3, 4, 5, 6])],
        node: [node("MatMul", ["x", "onnx::MatMul_7"], ["y"])],
      }),
    );
    const rename = { "onnx::MatMul_7": "encoder.fc" };
    const adapted = lora(model, { targets: "onnx::MatMul_7", rank: 1, alpha: 2, rename });
    const { A, B } = adapted.adapters.get("onnx::MatMul_7")!;
    expect([A.shape, B.shape]).toEqual([
      [1, 2],
      [3, 1],
    ]);
    const x = tensor([[1, -2]]);
    const plain = model.forward(x) as Tensor;
    B.value = tensor([[1], [2], [3]]);
    // y = x · W + (x · Aᵀ) · Bᵀ · alpha / rank.
    const added = mul(matmul(matmul(x, transpose(A.value)), transpose(B.value)), 2);
    expect(difference(sub(adapted.forward(x) as Tensor, plain).dataSync(), reshape(added, [1, 3]).dataSync())).toBeLessThan(
      1e-12,
    );
    expect(Object.keys(adapted.adapterConfig())).toContain("lora_alpha");
  });
});
