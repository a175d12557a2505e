/** What is no model, or no model that ermine runs, and what a model does not take. */
import { beforeAll, describe, expect, test } from "vitest";
import { ErmineError, manualSeed, ones, tensor, useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { loadModel } from "../src/index.js";
import { fileOf, floats, ints, node, value, type FileParts } from "./graphs.js";
import { model, one, dense } from "./loading.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

describe("what is refused", () => {
  test("operators that are not there are all listed, with their nodes", () => {
    const parts: FileParts = {
      ...dense,
      node: [
        ...dense.node!,
        node("Frobnicate", ["y"], ["a"], {}, { name: "first" }),
        node("Frobnicate", ["a"], ["b"], {}, { name: "second" }),
        node("Gadget", ["b"], ["z"], {}, { domain: "com.example" }),
      ],
      domains: ["com.example"],
    };
    expect(() => model(parts)).toThrow(
      /2 operators that ermine does not have: Frobnicate \(Frobnicate "first", Frobnicate "second"\); com.example.Gadget \(Gadget "z"\)/,
    );
  });

  const broken: readonly (readonly [string, FileParts, RegExp])[] = [
    [
      "a cycle",
      { ...dense, node: [node("Add", ["x", "b"], ["a"]), node("Neg", ["a"], ["b"]), ...dense.node!] },
      /a cycle: "a" depends on itself|a cycle: "b"/,
    ],
    ["a value that nothing makes", { ...dense, node: [node("Relu", ["nowhere"], ["y"])] }, /Nothing makes the value "nowhere"/],
    ["a value that two nodes make", { ...dense, node: [...dense.node!, node("Relu", ["x"], ["y"])] }, /make "y"/],
    ["an output that nothing makes", { ...dense, output: [value("z", "float32")] }, /No node makes the graph's output "z"/],
    ["no outputs", { ...dense, output: [] }, /has no outputs/],
    [
      "a constant twice",
      { ...dense, initializer: [...dense.initializer!, dense.initializer![0]!] },
      /the constant "fc.weight" twice/,
    ],
    [
      "fewer elements than its shape says",
      { ...dense, initializer: [floats("fc.weight", [3, 3], [1]), dense.initializer![1]!] },
      /shape \[3, 3\], 9 elements, and the file has 1/,
    ],
    [
      "a shape that no tensor has",
      {
        ...dense,
        initializer: [
          { name: "fc.weight", dims: [2n ** 62n, 2n ** 62n], dataType: 1, rawData: new Uint8Array(0) },
          dense.initializer![1]!,
        ],
      },
      /which no tensor has/,
    ],
    [
      "a billion elements that are not there",
      { ...dense, initializer: [{ name: "fc.weight", dims: [1_000_000_000n], dataType: 1 }, dense.initializer![1]!] },
      /1000000000 elements, and the file has 0/,
    ],
    [
      "texts",
      { ...dense, initializer: [...dense.initializer!, { name: "t", dims: [0n], dataType: 8 }] },
      /elements of the type string/,
    ],
    [
      "elements in another file",
      {
        ...dense,
        initializer: [
          ...dense.initializer!,
          { name: "t", dims: [1n], dataType: 1, dataLocation: 1, externalData: [{ key: "location", value: "../secret" }] },
        ],
      },
      /in another file, "..\/secret"/,
    ],
    [
      "an attribute of another kind",
      { ...dense, node: [node("Softmax", ["x"], ["y"], { axis: "last" })] },
      /"axis" is no whole number/,
    ],
  ];
  test.each(broken)("%s", (_, parts, message) => {
    const attempt = (): unknown => model(parts).forward(ones([1, 3]));
    expect(attempt).toThrow(ErmineError);
    expect(attempt).toThrow(message);
  });

  test("no bytes, no graph, no model", () => {
    expect(() => loadModel("model.onnx" as never)).toThrow(/loadModel takes the bytes of a file/);
    expect(() => loadModel(new Uint8Array(0))).toThrow(/has no graph/);
    expect(() => loadModel(fileOf(dense), { trainble: () => true } as never)).toThrow(/trainable/);
  });

  test("a constant that an operator makes of a few bytes, beyond what is allowed", () => {
    const parts: FileParts = {
      input: [value("x", "float32", [1])],
      output: [value("y", "float32")],
      initializer: [ints("shape", [30_000, 30_000])],
      node: [node("ConstantOfShape", ["shape"], ["c"]), node("Add", ["c", "x"], ["y"])],
    };
    expect(() => model(parts).forward(ones([1]))).toThrow(
      /a tensor \[30000, 30000\] of 3433 MB, more than a constant may have: 256 MB/,
    );
    const small = { ...parts, initializer: [ints("shape", [10, 10])] };
    expect(() => model(small, { maxConstantBytes: 100 }).forward(ones([1]))).toThrow(/more than a constant may have/);
    expect(one(model(small, { maxConstantBytes: 400 }).forward(ones([1]))).shape).toEqual([10, 10]);
  });

  test("another number of inputs, another shape, another dtype", () => {
    const loaded = model(dense);
    expect(() => loaded.forward()).toThrow(/takes one input \(x\), got 0/);
    expect(() => loaded.forward(ones([2, 4]))).toThrow(/"x" is \[N, 3\] in the file, got \[2, 4\]/);
    const indices = model({
      input: [value("i", "int64", ["N"])],
      output: [value("y", "float32")],
      initializer: [floats("t", [3, 1], [1, 2, 3])],
      node: [node("Gather", ["t", "i"], ["y"])],
    });
    expect(() => indices.forward(ones([2]))).toThrow(/"i" is int64, as a tensor int32, got float32/);
    expect(one(indices.forward(tensor([-1, 0], { dtype: "int32" }))).toArray()).toEqual([[3], [1]]);
    expect(() => indices.forward([5])).toThrow(/index 5 is not in|index is not in/);
  });

  test("external data are what they are called, within their ends", () => {
    const weight = {
      name: "fc.weight",
      dims: [3n, 2n],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: "location", value: "w.bin" },
        { key: "offset", value: "4" },
      ],
    };
    const bytes = fileOf({ ...dense, initializer: [weight, dense.initializer![1]!] });
    const data = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5, 6).buffer);
    const loaded = loadModel(bytes, { externalData: { "w.bin": data } });
    expect(one(loaded.forward(ones([1, 3]))).toArray()).toEqual([[0, 13]]);
    expect(() => loadModel(bytes, { externalData: { other: data } })).toThrow(
      /in "w.bin", which externalData does not have: it has other/,
    );
    expect(() => loadModel(bytes, { externalData: { "w.bin": data.subarray(4) } })).toThrow(
      /bytes 4 … 28 of "w.bin" are asked for, which has 24/,
    );
  });
});
