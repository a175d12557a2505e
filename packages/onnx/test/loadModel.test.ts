/** Files become modules: what is a parameter, what trains, and how the module trains, compiles and is saved. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  compile,
  manualSeed,
  mean,
  normal,
  ones,
  square,
  sub,
  tensor,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "@ermine/core";
import { Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { loadModel, saveModel } from "../src/index.js";
import { fileOf, floats, ints, node, value, type FileParts } from "./graphs.js";
import { model, one, x23, dense } from "./loading.js";
import { difference, run } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

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
