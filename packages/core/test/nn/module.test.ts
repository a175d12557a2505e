import { beforeAll, describe, expect, it } from "vitest";
import {
  compile,
  ErmineError,
  manualSeed,
  mul,
  Parameter,
  relu,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  Variable,
  zeros,
  zerosLike,
  type Tensor,
} from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

const { BatchNorm1d, initializeParameters, Linear, Module, Sequential, ReLU, summary, withFeatures } = nn;
beforeAll(() => useBackend(reference()));

class Net extends Module {
  readonly encoder = new Sequential(new Linear(3, 4), new ReLU(), new BatchNorm1d(4));
  readonly head = new Linear(4, 2);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.encoder.forward(x));
  }
}
const net = (): Net => {
  manualSeed(1);
  return new Net();
};
const x = () =>
  tensor([
    [1, 2, 3],
    [-1, 0.5, 2],
    [0, 1, -1],
  ]);
const numbers = async (module: nn.Module): Promise<Record<string, number[]>> =>
  Object.fromEntries(Object.entries(await module.stateDict()).map(([name, { data }]) => [name, Array.from(data)]));

describe("a module's names, counts and modes", () => {
  it("are PyTorch's for the same structure", () => {
    expect(
      net()
        .namedVariables()
        .map(([name]) => name),
    ).toEqual([
      "encoder.0.weight",
      "encoder.0.bias",
      "encoder.2.weight",
      "encoder.2.bias",
      "encoder.2.running_mean",
      "encoder.2.running_var",
      "encoder.2.num_batches_tracked",
      "head.weight",
      "head.bias",
    ]);
  });

  it("count parameters, and those that are trained once a part is frozen, and again once it is thawed", () => {
    const model = net();
    expect(model.parameterCount()).toBe(3 * 4 + 4 + 8 + 4 * 2 + 2);
    model.encoder.freeze();
    expect(model.parameterCount({ trainable: true })).toBe(10);
    expect(model.parameters()).toEqual([model.head.weight, model.head.bias]);
    model.encoder.thaw();
    expect(model.parameterCount({ trainable: true })).toBe(34);
  });

  it("train() and eval() reach every module inside", () => {
    const model = net().eval();
    expect(model.namedModules().map(([, module]) => module.training)).toEqual(Array(6).fill(false));
    expect(model.train().encoder[2]!.training).toBe(true);
  });
});

describe("forward hooks", () => {
  it("see each output with its inputs until they are removed", () => {
    const model = net().eval();
    const seen: unknown[] = [];
    const remove = model.encoder[1]!.onForward((output, inputs, module) =>
      seen.push([(output as Tensor).shape, inputs.length, module]),
    );
    model.forward(x());
    expect(seen).toEqual([[[3, 4], 1, model.encoder[1]]]);
    remove();
    model.forward(x());
    expect(seen).toHaveLength(1);
  });

  it("withFeatures takes what layers inside give, eagerly and in a compiled function, and leaves no hook", () => {
    const model = net().eval();
    const eager = withFeatures(model, ["encoder.1", "encoder"], () => model.forward(x()));
    const expected = relu(model.encoder[0]!.forward(x()));
    expect(eager.features["encoder.1"].toArray()).toEqual(expected.toArray());
    const compiled = compile((t: Tensor) => withFeatures(model, ["encoder.1"], () => model.forward(t)));
    const { result, features } = compiled(x());
    expect(features["encoder.1"].toArray()).toEqual(expected.toArray());
    expect(result.toArray()).toEqual(eager.result.toArray());
    compiled.dispose();
    const layer = model.encoder[1]!;
    const add = layer.onForward.bind(layer);
    let open = 0;
    layer.onForward = (hook) => {
      const remove = add(hook);
      open++;
      return () => (open--, remove());
    };
    const fails = () => {
      expect(open).toBe(1);
      throw new Error("no");
    };
    withFeatures(model, ["encoder.1"], () => model.forward(x()));
    expect(() => withFeatures(model, ["encoder.1"], fails)).toThrow("no");
    expect(open).toBe(0);
  });

  it("a gradient flows through a feature", () => {
    const model = net().eval();
    const { grads } = valueAndGrad(() => {
      const { features } = withFeatures(model, ["encoder.0"], () => model.forward(x()));
      return sum(mul(features["encoder.0"], 2));
    }, model.encoder[0]!.parameters());
    expect(grads[1]!.toArray()).toEqual([6, 6, 6, 6]);
  });

  it("name the path that is not there", () => {
    const model = net();
    expect(() => withFeatures(model, ["encoder.7"], () => model.forward(x()))).toThrow(
      /no module "encoder\.7".*Did you mean "encoder\.\d"/,
    );
    expect(() => withFeatures(model, ["encoder"], () => model.head.forward(tensor([[1, 2, 3, 4]])))).toThrow(
      /"encoder" did not run/,
    );
  });
});

describe("loadStateDict", () => {
  it("is strict: it lists what is missing, unexpected and of another shape, and changes nothing", async () => {
    const model = net();
    const before = await numbers(model);
    const state = await net().stateDict();
    delete state["head.bias"];
    state["tail.weight"] = state["head.weight"]!;
    state["encoder.0.weight"] = { ...state["encoder.0.weight"]!, shape: [3, 4] };
    state["encoder.0.bias"] = { ...state["encoder.0.bias"]!, data: new Float32Array(4) };
    const load = () => model.loadStateDict(state);
    expect(load).toThrow(/missing: head\.bias/);
    expect(load).toThrow(/unexpected: tail\.weight/);
    expect(load).toThrow(/encoder\.0\.weight is \[4, 3\], given \[3, 4\]/);
    expect(await numbers(model)).toEqual(before);
  });

  it("loads a backbone under a prefix map, with another head left out, and reports both", async () => {
    const saved = Object.fromEntries(
      Object.entries(await net().stateDict()).map(([name, value]) => [
        name.replace(/^encoder\./, "backbone.features.").replace(/^head\./, "fc."),
        { ...value, data: value.data.map((n) => n + 1) as typeof value.data },
      ]),
    );
    const model = net();
    const before = await numbers(model);
    const report = model.loadStateDict(saved, {
      strict: false,
      rename: { "backbone.": "lost.", "backbone.features.": "encoder.", "fc.": null },
    });
    expect(report.loaded).toHaveLength(7);
    expect(report.missing).toEqual(["head.weight", "head.bias"]);
    expect(report.dropped).toEqual(["fc.weight", "fc.bias"]);
    expect(report.unexpected).toEqual([]);
    const after = await numbers(model);
    expect(after["head.weight"]).toEqual(before["head.weight"]);
    expect(after["encoder.2.num_batches_tracked"]).toEqual([1]);
    expect(after["encoder.0.bias"]![0]).toBeCloseTo(before["encoder.0.bias"]![0]! + 1, 6);
  });

  it("takes a function of the name, refuses two for one, and skips other shapes only where told", async () => {
    const state = await net().stateDict();
    const wide = new Sequential(new Linear(3, 4), new Linear(4, 5));
    const rename = (name: string): string | null =>
      name.startsWith("encoder.0.") ? name.slice(8) : name.startsWith("head.") ? name.replace("head", "1") : null;
    expect(() => wide.loadStateDict(state, { strict: false, rename })).toThrow(/1\.weight is \[5, 4\], given \[2, 4\]/);
    const report = wide.loadStateDict(state, { strict: false, rename, otherShapes: "skip" });
    expect(report).toMatchObject({ loaded: ["0.weight", "0.bias"], otherShapes: ["1.weight", "1.bias"] });
    expect(() => wide.loadStateDict(state, { strict: false, rename: () => "0.bias" })).toThrow(
      /named twice: encoder\.0\.weight and/,
    );
    // @ts-expect-error there is no such option
    expect(() => wide.loadStateDict(state, { prefix: "a" })).toThrow(/no option "prefix"/);
  });
});

describe("a state dict and JSON", () => {
  it("goes there and back, whatever its dtypes", async () => {
    class Mixed extends Module {
      readonly norm = new BatchNorm1d(2);
      readonly counts = new Variable(tensor([1, -(2 ** 31), 2 ** 31 - 1], { dtype: "int32" }));
      readonly mask = new Variable(tensor([true, false]));
      readonly table = new Parameter(tensor([0.1, 1e-45, 3.4028234663852886e38]));
      readonly none = new Variable(zeros([0, 3]));
      forward(t: Tensor): Tensor {
        return this.norm.forward(t);
      }
    }
    const model = new Mixed();
    const before = await model.stateDict();
    const other = new Mixed();
    for (const [, variable] of other.namedVariables()) variable.value = zerosLike(variable.value);
    const { loaded } = other.loadStateDict(JSON.parse(JSON.stringify(before)) as nn.LoadableState);
    expect(loaded).toEqual(Object.keys(before));
    expect(await other.stateDict()).toEqual(before);
  });

  it("a state of tensors or of plain arrays loads as one of typed arrays", async () => {
    const model = net();
    const state = await net().stateDict();
    for (const { data } of Object.values(state)) data.forEach((value, i) => (data[i] = value + 1));
    model.loadStateDict(
      Object.fromEntries(Object.entries(state).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data) }])),
    );
    expect(await model.stateDict()).toEqual(state);
    const other = net();
    other.loadStateDict(
      Object.fromEntries(
        Object.entries(state).map(([name, { shape, data, dtype }]) => [name, tensor(data, { shape: shape as number[], dtype })]),
      ),
    );
    expect(await other.stateDict()).toEqual(state);
  });

  const two = (data: unknown): unknown => ({ "0.bias": { shape: [2], data } });
  it.each([
    ["a Promise", Promise.resolve({}), /got a Promise\. Await it/],
    ["text", "{}", /got a string\. Give it JSON\.parse/],
    ["a Map", new Map(), /got a Map\. Give it Object\.fromEntries/],
    ["an array", [], /got an array\. It takes an object/],
    ["undefined", undefined, /got undefined/],
    ["null", null, /got null/],
    ["a module", new Linear(1, 1), /Give it await model\.stateDict/],
    ["a promise inside", { "0.bias": Promise.resolve() }, /0\.bias: .* got a Promise/],
    ["null inside", { "0.bias": null }, /0\.bias: .* got null/],
    ["bare elements", { "0.bias": new Float32Array(2) }, /0\.bias: .* got a Float32Array/],
    ["sizes that are none", { "0.bias": { shape: [2.5], data: [] } }, /0\.bias: .* got shape \[2\.5\]/],
    ["sizes below 0", { "0.bias": { shape: [-1, -2], data: [1, 2] } }, /0\.bias: .* got shape \[-1,-2\]/],
    ["strings", two(["a", "b"]), /0\.bias: element 0 is "a", and the variable holds float32/],
    ["undefined among numbers", two([NaN, undefined]), /element 1 is undefined/],
    ["bigints", two([1n, 2n]), /element 0 is 1n, a bigint/],
    ["a bigint that float32 rounds", two(BigInt64Array.of(0n, 2n ** 24n + 1n)), /element 1 is 16777217n, a bigint/],
    ["a hole", two(Object.assign([1], { length: 2 })), /element 1 is undefined/],
    ["null from JSON", two({ 0: 1, 1: null }), /element 1 is null.*JSON has no NaN and no infinities/],
    ["other keys", two({ a: 1, b: 2 }), /other keys than 0, 1, 2/],
    ["too large a number", two([1, 1e300]), /element 1 is 1e\+300, and the variable holds float32/],
    ["too few", two([1]), /1 elements do not fill its shape \[2\]/],
    ["text for data", two("ab"), /got a string/],
    ["no data", two(undefined), /got undefined/],
    ["a fraction for int32", { count: { shape: [], data: [0.5] } }, /count: element 0 is 0\.5, and the variable holds int32/],
    ["too large for int32", { count: { shape: [], data: [2 ** 31] } }, /element 0 is 2147483648, and the variable holds int32/],
    ["what is no bool", { mask: { shape: [1], data: Uint8Array.of(3) } }, /mask: element 0 is 3, and the variable holds bool/],
    ["a boolean for float32", two([true, false]), /element 0 is true, and the variable holds float32/],
  ])("%s: refused, also where strict is false, and nothing is loaded", async (_, state, message) => {
    class Model extends Module {
      readonly 0 = new Linear(2, 2);
      readonly count = new Variable(tensor(1, { dtype: "int32" }));
      readonly mask = new Variable(tensor([true]));
      forward(t: Tensor): Tensor {
        return this[0].forward(t);
      }
    }
    const model = new Model();
    const before = await model.stateDict();
    const good = typeof state === "object" && state !== null && Object.getPrototypeOf(state) === Object.prototype;
    const given = good ? { "0.weight": { shape: [2, 2], data: [1, 2, 3, 4] }, ...state } : state;
    const load = () => model.loadStateDict(given as nn.LoadableState, { strict: false });
    expect(load).toThrow(ErmineError);
    expect(load).toThrow(message);
    expect(load).toThrow(/Nothing was loaded/);
    expect(await model.stateDict()).toEqual(before);
  });
});

describe("initializeParameters", () => {
  it("draws weights by name or by an initializer, and leaves the others", async () => {
    const model = new Sequential(new nn.Conv2d(3, 3, 3, { padding: 1 }), new Linear(2, 2));
    const before = await numbers(model);
    initializeParameters(model, "dirac", (name) => name === "0.weight");
    const image = tensor(
      Float32Array.from({ length: 48 }, (_, i) => i),
      { shape: [1, 3, 4, 4] },
    );
    initializeParameters(model, "zeros", (name) => name === "0.bias");
    expect(model[0]!.forward(image).toArray()).toEqual(image.toArray());
    expect((await numbers(model))["1.weight"]).toEqual(before["1.weight"]);
    expect(Array.from((await initializeParameters(new Linear(2, 3), "eye").stateDict())["weight"]!.data)).toEqual([
      1, 0, 0, 1, 0, 0,
    ]);
    // @ts-expect-error there is no such initializer
    expect(() => initializeParameters(model, "kaimingUnifrom")).toThrow(/Did you mean "kaimingUniform"/);
  });

  it("orthogonal gives orthonormal rows", async () => {
    const { data } = (await initializeParameters(new Linear(5, 3), "orthogonal").stateDict())["weight"]!;
    const dot = (a: number, b: number): number => [0, 1, 2, 3, 4].reduce((s, i) => s + data[a * 5 + i]! * data[b * 5 + i]!, 0);
    expect(dot(0, 0)).toBeCloseTo(1, 5);
    expect(dot(1, 2)).toBeCloseTo(0, 5);
  });
});

describe("summary", () => {
  it("shows layers, the shapes of any batch, parameters and what is frozen; the model is as it was", () => {
    const model = net();
    model.encoder.freeze();
    const lines = summary(model, { input: [3] }).split("\n");
    expect(lines[0]).toMatch(/^Layer +Output +Parameters +$/);
    expect(lines).toHaveLength(2 + 6 + 1);
    expect(lines[4]).toMatch(/^ {2}encoder\.0 {2}Linear 3 → 4 +\[N, 4\] +16 +frozen$/);
    expect(lines[7]).toMatch(/^head {2}Linear 4 → 2 +\[N, 2\] +10 +$/);
    expect(lines[8]).toBe("Parameters: 34, of which 10 are trained");
    expect(model.encoder[2]!.training).toBe(true);
    expect(summary(model)).not.toContain("[N");
  });

  it("counts a shared parameter once, and names the layer whose input does not fit", () => {
    const shared = new Linear(3, 3);
    expect(summary(new Sequential(shared, shared))).toMatch(/Parameters: 12,/);
    expect(() => summary(net(), { input: [5] })).toThrow(/summary of an input \[N, 5\].*encoder\.0 \(Linear 3 → 4\)/);
  });
});
