/** Files become modules: what is a parameter, what trains, what is static, which version means what, and what is refused. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  compile,
  Dim,
  ErmineError,
  manualSeed,
  mean,
  normal,
  ones,
  square,
  sub,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "@ermine/core";
import { Trace } from "@ermine/core/backend";
import { BatchNorm1d, Conv1d, Dropout, Linear, Module, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { ImportedModel, loadModel, saveModel, type LoadModelOptions } from "../src/index.js";
import { fileOf, floats, ints, node, value, type FileParts } from "./graphs.js";
import { difference, run } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

const model = (parts: FileParts, options?: LoadModelOptions): ImportedModel => loadModel(fileOf(parts), options);
const one = (t: unknown): Tensor => t as Tensor;
const x23 = value("x", "float32", ["N", 3]);

/** y = relu(x · w + b) */
const dense: FileParts = {
  input: [x23],
  output: [value("y", "float32")],
  initializer: [floats("fc.weight", [3, 2], [1, 2, 3, 4, 5, 6]), floats("fc.bias", [2], [-40, 1])],
  node: [node("MatMul", ["x", "fc.weight"], ["h"]), node("Add", ["h", "fc.bias"], ["s"]), node("Relu", ["s"], ["y"])],
};

describe("what a file's constants become", () => {
  test("floats are parameters under their names, integers and what says shapes are constants", () => {
    const loaded = model({
      ...dense,
      initializer: [...dense.initializer!, ints("shape", [-1, 1, 2]), floats("scale", [], [2]), floats("sizes", [3], [1, 1, 2])],
      node: [
        ...dense.node!,
        node("Reshape", ["y", "shape"], ["r"]),
        node("Mul", ["r", "scale"], ["m"]),
        node("Resize", ["m", "", "sizes"], ["z"], { mode: "nearest" }),
      ],
      output: [value("z", "float32")],
    });
    expect(loaded.namedVariables().map(([name]) => name)).toEqual(["fc.weight", "fc.bias", "scale"]);
    expect(loaded.parameters().map(({ name }) => name)).toEqual(["fc.weight", "fc.bias"]);
    expect(one(loaded.forward(ones([1, 3]))).toArray()).toEqual([[[0, 0, 26, 26]]]);
  });

  test("names that a module has, and __proto__, are names all the same", async () => {
    const names = ["__proto__", "training", "forward", "parameters", "constructor", ""];
    const loaded = model({
      input: [x23],
      output: [value("y", "float32")],
      initializer: names.map((name) => floats(name === "" ? "unnamed" : name, [3], [1, 2, 3])),
      node: names.map((name, i) =>
        node("Add", [i === 0 ? "x" : `h${i - 1}`, name === "" ? "unnamed" : name], [i === names.length - 1 ? "y" : `h${i}`]),
      ),
    });
    expect(loaded.parameters()).toHaveLength(names.length);
    expect(loaded.training).toBe(true);
    expect(one(loaded.eval().forward(tensor([[0, 0, 0]]))).toArray()).toEqual([[6, 12, 18]]);
    const again = loadModel(await saveModel(loaded));
    expect(one(again.forward(tensor([[0, 0, 0]]))).toArray()).toEqual([[6, 12, 18]]);
  });

  test("what no gradient reaches does not train, unless that is asked for", () => {
    const parts: FileParts = {
      input: [x23],
      output: [value("y", "float32"), value("k", "int64")],
      initializer: [
        floats("a", [3], [1, 2, 3]),
        floats("b", [3], [1, 2, 3]),
        floats("c", [1], [2]),
        floats("unused", [2], [1, 2]),
      ],
      node: [
        node("Mul", ["x", "a"], ["h"]),
        node("Mul", ["h", "c"], ["y"]),
        node("Add", ["x", "b"], ["s"]),
        node("ArgMax", ["s"], ["k"]),
      ],
    };
    expect(
      model(parts)
        .parameters()
        .map(({ name }) => name),
    ).toEqual(["a"]);
    const asked: string[] = [];
    const chosen = model(parts, { trainable: (name) => asked.push(name) > 0 && name === "c" });
    expect(asked).toEqual(["a", "b", "c", "unused"]);
    expect(chosen.parameters().map(({ name }) => name)).toEqual(["c"]);
    expect(
      chosen
        .thaw()
        .parameters()
        .map(({ name }) => name),
    ).toEqual(["a", "c"]);
    expect(() => model(parts, { trainable: (() => 1) as never })).toThrow(/trainable says true or false of a name, got 1 of "a"/);
  });

  test("float16, bfloat16 and float64 become float32, and are written again as they were", async () => {
    const bytes = fileOf({
      input: [value("x", "float16", [4])],
      output: [value("y", "float16", [4])],
      initializer: [
        { name: "half", dims: [4n], dataType: 10, rawData: Uint8Array.of(0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc, 0x55, 0x35) },
        { name: "brain", dims: [1n], dataType: 16, rawData: Uint8Array.of(0x80, 0x3f) },
        { name: "double", dims: [1n], dataType: 11, rawData: new Uint8Array(Float64Array.of(2).buffer) },
      ],
      node: [node("Mul", ["half", "brain"], ["a"]), node("Mul", ["a", "double"], ["b"]), node("Mul", ["b", "x"], ["y"])],
    });
    const loaded = loadModel(bytes);
    expect(loaded.inputs()).toEqual([{ name: "x", type: "float16", shape: [4], isStatic: false }]);
    expect(one(loaded.forward(ones([4]))).toArray()).toEqual([2, 2 ** -23, -Infinity, Math.fround(2 * 0.333251953125)]);
    expect(Buffer.compare(await saveModel(loaded), bytes)).toBe(0);
  });
});

describe("a loaded model trains, compiles and is saved as any other", () => {
  test("gradient steps change its parameters, which the file then has", async () => {
    const loaded = model(dense);
    const [w] = loaded.parameters();
    const x = tensor([[1, 2, 3]]);
    const { grads } = valueAndGrad(() => mean(square(sub(one(loaded.forward(x)), 1))), [w!]) as { grads: Tensor[] };
    w!.value = sub(w!.value, grads[0]!);
    const again = loadModel(await saveModel(loaded));
    expect(again.parameters()[0]!.value.toArray()).toEqual(w!.value.toArray());
    expect(w!.value.toArray()).not.toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  test("part of another model it is written as that model's part, by its operators", async () => {
    class Net extends Module {
      backbone = model(dense);
      head = new Linear(2, 4);
      forward(x: Tensor): Tensor {
        return this.head.forward(this.backbone.forward(x) as Tensor);
      }
    }
    const net = new Net();
    expect(net.namedParameters().map(([name]) => name)).toEqual([
      "backbone.fc.weight",
      "backbone.fc.bias",
      "head.weight",
      "head.bias",
    ]);
    const inputs = normal([2, 3]);
    const bytes = await saveModel(net, { sample: inputs });
    const [y] = await run(bytes, [inputs]);
    expect(difference(y!.data as Float32Array, net.forward(inputs).dataSync())).toBeLessThan(1e-5);
    expect(
      loadModel(bytes)
        .parameters()
        .map(({ name }) => name),
    ).toEqual(["backbone.fc.weight", "backbone.fc.bias", "head.weight", "head.bias"]);
  });

  test("compiled for any batch", () => {
    const loaded = model({
      ...dense,
      node: [
        ...dense.node!,
        node("Shape", ["y"], ["sizes"]),
        node("Gather", ["sizes", "zero"], ["n"]),
        node("Concat", ["n", "two"], ["to"], { axis: 0n }),
        node("Reshape", ["y", "to"], ["z"]),
      ],
      initializer: [...dense.initializer!, ints("zero", [0]), ints("two", [2, 1])],
      output: [value("z", "float32")],
    });
    const program = compile((x: Tensor) => loaded.forward(x) as Tensor, { symbolicBatch: true });
    for (const n of [1, 4, 7]) {
      const x = normal([n, 3]);
      expect(program(x).toArray()).toEqual(one(loaded.forward(x)).toArray());
    }
    program.dispose();
  });

  test("a size that is open in a trace is a tensor where it is computed with", () => {
    const loaded = model({
      input: [x23],
      output: [value("y", "float32")],
      node: [
        node("Shape", ["x"], ["s"]),
        node("Cast", ["s"], ["f"], { to: 1n }),
        node("ReduceSum", ["x"], ["sum"], { keepdims: 0n }),
        node("Div", ["sum", "f"], ["y"]),
      ],
    });
    const program = compile((x: Tensor) => loaded.forward(x) as Tensor, { symbolicBatch: true });
    expect(program(ones([4, 3])).toArray()).toEqual([3, 4]);
    expect(program(ones([6, 3])).toArray()).toEqual([3, 6]);
    program.dispose();
  });
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

describe("inputs that say shapes", () => {
  const reshaping: FileParts = {
    input: [value("x", "float32"), value("to", "int64", [2])],
    output: [value("y", "float32")],
    node: [node("Reshape", ["x", "to"], ["y"])],
  };

  test("are numbers or tensors of the host, in a compiled function numbers", () => {
    const loaded = model(reshaping);
    const x = tensor([1, 2, 3, 4]);
    const expected = [
      [1, 2],
      [3, 4],
    ];
    expect(one(loaded.forward(x, [2, -1])).toArray()).toEqual(expected);
    expect(one(loaded.forward(x, BigInt64Array.of(2n, 2n))).toArray()).toEqual(expected);
    expect(one(loaded.forward(x, tensor([2, 2], { dtype: "int32" }))).toArray()).toEqual(expected);
    const program = compile((t: Tensor, to: number[]) => loaded.forward(t, to) as Tensor);
    expect(program(x, [2, 2]).toArray()).toEqual(expected);
    expect(program(x, [4, 1]).toArray()).toEqual([[1], [2], [3], [4]]);
    program.dispose();
    const wrong = compile((t: Tensor, to: Tensor) => loaded.forward(t, to) as Tensor);
    expect(() => wrong(x, tensor([2, 2], { dtype: "int32" }))).toThrow(/"to" says sizes, axes or counts.*pass it as numbers/);
  });

  test("a shape that is computed from tensors is refused by name", () => {
    const loaded = model({
      input: [value("x", "float32", [4]), value("k", "int64", [1])],
      output: [value("y", "float32")],
      node: [node("ArgMax", ["x"], ["at"], { keepdims: 1n }), node("Expand", ["x", "at"], ["y"], {}, { name: "grow" })],
    });
    const trace = new Trace();
    expect(() =>
      trace.run(() =>
        loaded.forward(
          trace.feed("x", { shape: [Dim.symbol("N")], dtype: "float32", domain: "real" }),
          trace.feed("k", { shape: [1], dtype: "int32", domain: "real" }),
        ),
      ),
    ).toThrow(ErmineError);
    const fed = new Trace();
    expect(() =>
      fed.run(() =>
        loaded.forward(
          fed.feed("x", { shape: [4], dtype: "float32", domain: "real" }),
          fed.feed("k", { shape: [1], dtype: "int32", domain: "real" }),
        ),
      ),
    ).toThrow(/Expand "grow": It takes "at" for sizes, axes or counts, and that is computed from tensors/);
  });

  test("ends of slices beyond every axis, and axes counted from the end", () => {
    const loaded = model({
      input: [value("x", "float32", ["N", 4])],
      output: [value("y", "float32")],
      initializer: [ints("from", [1, -3]), ints("to", [2n ** 63n - 1n, 2n ** 63n - 1n]), ints("axes", [0, -1])],
      node: [node("Slice", ["x", "from", "to", "axes"], ["y"])],
    });
    const x = tensor([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ]);
    expect(one(loaded.forward(x)).toArray()).toEqual([
      [6, 7, 8],
      [10, 11, 12],
    ]);
    const program = compile((t: Tensor) => loaded.forward(t) as Tensor, { symbolicBatch: true });
    expect(program(x).toArray()).toEqual([
      [6, 7, 8],
      [10, 11, 12],
    ]);
    program.dispose();
  });

  test("integers beyond int32 are refused where they are computed with", () => {
    const loaded = model({
      input: [value("x", "int64", [1])],
      output: [value("y", "int64")],
      initializer: [ints("big", [2n ** 40n])],
      node: [node("Add", ["x", "big"], ["y"])],
    });
    expect(() => loaded.forward(tensor([1], { dtype: "int32" }))).toThrow(
      /The int64 1099511627776 is beyond what ermine's integers hold/,
    );
  });
});

describe("versions of operators", () => {
  const x = tensor([
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  const softmax = (opset: number): Tensor =>
    one(
      model({
        opset,
        input: [value("x", "float32")],
        output: [value("y", "float32")],
        node: [node("Softmax", ["x"], ["y"])],
      }).forward(x),
    );

  test("softmax was over all axes from the first on, and is over the last", () => {
    expect(sum(softmax(12)).item()).toBeCloseTo(1, 6);
    expect(sum(softmax(13)).item()).toBeCloseTo(2, 6);
  });

  test("axes, sizes and bounds as attributes", () => {
    const old = model({
      opset: 7,
      input: [value("x", "float32")],
      output: [value("y", "float32")],
      node: [
        node("Unsqueeze", ["x"], ["a"], { axes: [0n] }),
        node("Slice", ["a"], ["b"], { starts: [1n], ends: [2n], axes: [2n] }),
        node("Squeeze", ["b"], ["c"], { axes: [0n] }),
        node("Clip", ["c"], ["d"], { min: 3.5 }),
        node("Pad", ["d"], ["e"], { pads: [0n, 0n, 0n, 0n, 0n, 1n], value: 9 }),
        node("ReduceSum", ["e"], ["f"], { axes: [1n], keepdims: 0n }),
        node("Upsample", ["f"], ["g"], { scales: [1, 2] }),
        node("TopK", ["g"], ["y", "i"], { k: 2n }),
      ],
    });
    expect(one(old.forward(x)).toArray()).toEqual([[9, 9]]);
  });

  test.each([6, 28])("the operator set %i is refused", (opset) => {
    expect(() => model({ ...dense, opset })).toThrow(new RegExp(`operator set ${opset}, and 7 … 27 are read`));
  });
});

describe("functions of a file", () => {
  const half = {
    name: "scaled",
    domain: "mine",
    input: ["a"],
    output: ["b"],
    attribute: ["alpha"],
    node: [{ opType: "LeakyRelu", input: ["a"], output: ["b"], attribute: [{ name: "alpha", refAttrName: "alpha", type: 1 }] }],
    opsetImport: [{ version: 18n }],
  };

  test("have the attributes of their call, or the operator's defaults", () => {
    const parts = (attributes: Record<string, number>): FileParts => ({
      input: [value("x", "float32")],
      output: [value("y", "float32")],
      node: [node("scaled", ["x"], ["y"], attributes, { domain: "mine" })],
      functions: [half],
      domains: ["mine"],
    });
    expect(one(model(parts({ alpha: 0.5 })).forward(tensor([-2, 4]))).toArray()).toEqual([-1, 4]);
    expect(one(model(parts({})).forward(tensor([-200, 4]))).toArray()).toEqual([-2, 4]);
  });

  test("that call themselves, or each other without an end of work, are refused", () => {
    const calls = (name: string, others: readonly string[]) => ({
      name,
      domain: "mine",
      input: ["a"],
      output: ["b"],
      node: others.map((other, i) =>
        node(
          other,
          [i === 0 ? "a" : `t${i - 1}`],
          [i === others.length - 1 ? "b" : `t${i}`],
          {},
          { domain: other === "Neg" ? "" : "mine" },
        ),
      ),
      opsetImport: [{ version: 18n }, { domain: "mine", version: 1n }],
    });
    const parts = (functions: FileParts["functions"] & object): FileParts => ({
      input: [value("x", "float32")],
      output: [value("y", "float32")],
      node: [node("f0", ["x"], ["y"], {}, { domain: "mine" })],
      functions,
      domains: ["mine"],
    });
    expect(() => model(parts([calls("f0", ["f1"]), calls("f1", ["f0"])]))).toThrow(/"f0" calls itself/);
    const laughs = Array.from({ length: 60 }, (_, i) => calls(`f${i}`, i === 59 ? ["Neg"] : [`f${i + 1}`, `f${i + 1}`]));
    expect(() => model(parts(laughs))).toThrow(/more than 1000000 operators/);
    const deep = Array.from({ length: 10_000 }, (_, i) => calls(`f${i}`, i === 9999 ? ["Neg"] : [`f${i + 1}`]));
    expect(() => model(parts(deep))).toThrow(/more than 100 deep/);
  });
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
