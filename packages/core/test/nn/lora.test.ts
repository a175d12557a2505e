/** Low-rank adapters: which weights they are of, what they add, and that merging takes nothing away. PyTorch's numbers are held by the tests of formats. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  add,
  compile,
  ErmineError,
  manualSeed,
  matmul,
  mul,
  normal,
  Parameter,
  reshape,
  scope,
  sub,
  sum,
  tensor,
  transpose,
  useBackend,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import {
  BatchNorm1d,
  Conv2d,
  ConvTranspose2d,
  Embedding,
  Linear,
  lora,
  LSTM,
  Module,
  MultiHeadAttention,
  ReLU,
  Sequential,
  TransformerEncoderLayer,
  type Layer,
} from "../../src/nn/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

beforeEach(() => {
  useBackend(reference());
  manualSeed(4);
});

const mlp = (): Sequential => new Sequential(new Linear(4, 6), new BatchNorm1d(6), new ReLU(), new Linear(6, 2));

/** Adapters that add something. */
function stir(model: Module): void {
  for (const [name, parameter] of model.namedParameters())
    if (name.startsWith("adapters.")) parameter.value = normal(parameter.shape);
}

describe("targets", () => {
  const names = (model: Module, targets: Parameters<typeof lora>[1]["targets"]): readonly string[] => [
    ...lora(model, { targets }).adapters.keys(),
  ];
  class Block extends Module {
    attention = { q: new Linear(4, 4), k: new Linear(4, 4) };
    q_proj = new Linear(4, 4);
    layers = [new Linear(4, 4), new Linear(4, 4)];
    forward(x: Tensor): Tensor {
      return this.q_proj.forward(x);
    }
  }

  test("are names, ends of names, modules, patterns and functions, in the model's order", () => {
    expect(names(new Block(), "q")).toEqual(["attention.q.weight"]);
    expect(names(new Block(), "q_proj.weight")).toEqual(["q_proj.weight"]);
    expect(names(new Block(), ["q_proj", "attention.k"])).toEqual(["attention.k.weight", "q_proj.weight"]);
    expect(names(new Block(), ["q", /^attention/])).toEqual(["attention.q.weight", "attention.k.weight"]);
  });

  test("a pattern is asked of each name anew, whatever its flags", () => {
    expect(names(new Block(), /layers\.[0-9]/g)).toEqual(["layers.0.weight", "layers.1.weight"]);
  });

  test("of a function are those of which it says true; vectors are not asked about", () => {
    const asked: string[] = [];
    lora(mlp(), {
      targets: (name) => {
        asked.push(name);
        return name.startsWith("3");
      },
    });
    expect(asked).toEqual(["0.weight", "3.weight"]);
  });

  test("of layers of every kind", () => {
    expect(names(new Conv2d(2, 3, 3), "weight")).toEqual(["weight"]);
    expect(names(new LSTM(2, 3), /weight/)).toEqual(["weight_ih_l0", "weight_hh_l0"]);
    expect(names(new MultiHeadAttention(4, 2), ["in_proj_weight", "out_proj"])).toEqual(["in_proj_weight", "out_proj.weight"]);
  });
});

describe("an adapted model", () => {
  const layers: readonly (readonly [string, () => Layer, () => Tensor])[] = [
    ["Linear", () => new Linear(3, 5), () => normal([2, 3])],
    ["Conv2d with groups", () => new Conv2d(4, 6, 3, { groups: 2 }), () => normal([2, 4, 5, 5])],
    ["ConvTranspose2d", () => new ConvTranspose2d(3, 4, 2), () => normal([2, 3, 3, 3])],
    ["Embedding", () => new Embedding(5, 3), () => tensor([[1, 4, 1]], { dtype: "int32" })],
  ];
  for (const [name, make, input] of layers)
    test(`begins as the model, adds B · A · alpha / rank, and is its merged weights: ${name}`, () => {
      const layer = make();
      const [x, weight] = [input(), (layer as Linear).weight];
      const [plain, before] = [layer.forward(x).toArray(), weight.value.toArray()];
      const adapted = lora(layer, { targets: "weight", rank: 2, alpha: 3 });
      expect(adapted.forward(x).toArray()).toEqual(plain);
      stir(adapted);
      const output = adapted.forward(x);
      expect(output.toArray()).not.toEqual(plain);
      const { A, B } = adapted.adapters.get("weight")!;
      const flat = mul(matmul(reshape(B.value, [-1, 2]), reshape(A.value, [2, -1])), 1.5);
      const added = layer instanceof Embedding ? transpose(flat) : reshape(flat, weight.shape);
      const expected = add(weight.value, added).dataSync();
      const merged = adapted.merge();
      expect(merged).toBe(layer);
      weight.value.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
      expect(merged.forward(x).toArray()).toEqual(output.toArray());
      expect(adapted.forward(x).toArray()).toEqual(output.toArray());
      adapted.unmerge();
      expect(weight.value.toArray()).toEqual(before);
      expect(adapted.forward(x).toArray()).toEqual(output.toArray());
      expect(layer.forward(x).toArray()).toEqual(plain);
    });

  test("trains its adapters alone, whose gradients are slopes", () => {
    const model = mlp();
    const adapted = lora(model, { targets: ["0", "3"], rank: 2 });
    stir(adapted);
    const parameters = adapted.parameters();
    expect(parameters.map(({ name }) => name)).toEqual([
      "adapters.0.weight.A",
      "adapters.0.weight.B",
      "adapters.3.weight.A",
      "adapters.3.weight.B",
    ]);
    expect(adapted.parameterCount({ trainable: true })).toBe(2 * (4 + 6) + 2 * (6 + 2));
    const x = normal([5, 4]);
    adapted.eval();
    const values = parameters.map(({ value }) => value);
    checkGradients((...given: Tensor[]) => {
      parameters.forEach((parameter, i) => (parameter.value = given[i]!));
      return sum(adapted.forward(x));
    }, values);
  });

  test("moves the running statistics of its model", () => {
    const model = mlp();
    const adapted = lora(model, { targets: "0" });
    const norm = new Map(model.namedModules()).get("1") as BatchNorm1d;
    const before = norm.running_mean!.value.toArray();
    adapted.forward(normal([5, 4]));
    expect(norm.running_mean!.value.toArray()).not.toEqual(before);
  });

  test("compiles: one program reads the adapters as they are when it runs", async () => {
    const adapted = lora(mlp().eval(), { targets: ["0", "3"], rank: 2 });
    const run = compile((x: Tensor) => adapted.forward(x));
    const x = normal([3, 4]);
    expect((await run(x)).toArray()).toEqual(adapted.forward(x).toArray());
    stir(adapted);
    const expected = adapted.forward(x).dataSync();
    (await run(x)).dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
    run.dispose();
  });

  test("passes on all inputs of its model, and what it gives", () => {
    const layer = new TransformerEncoderLayer(4, 2, { dropout: 0 });
    const adapted = lora(layer, { targets: ["linear1", "in_proj_weight"], rank: 2 });
    const [x, options] = [normal([1, 3, 4]), { isCausal: true }];
    expect(adapted.forward(x, options).toArray()).toEqual(layer.forward(x, options).toArray());
    expect(adapted.forward(x, options).toArray()).not.toEqual(layer.forward(x).toArray());
  });

  test("may be adapted again: both are added", () => {
    const layer = new Linear(3, 3, { bias: false });
    const inner = lora(layer, { targets: "weight", rank: 1 });
    const outer = lora(inner, { targets: "base.weight", rank: 1 });
    stir(inner);
    outer.adapters.get("base.weight")!.B.value = normal([3, 1]);
    const x = normal([2, 3]);
    const both = outer.forward(x).dataSync();
    const [sole, plain] = [inner.forward(x), layer.forward(x)];
    inner.adapters.get("weight")!.B.value = zeros([3, 1]);
    const other = outer.forward(x);
    add(sole, sub(other, plain))
      .dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(both[i]!, 10));
  });

  test("keeps nothing of what a forward makes, and merging none but the weights before it", () => {
    const adapted = lora(mlp().eval(), { targets: ["0", "3"] });
    const weight = adapted.base.namedParameters()[0]![1];
    scope(() => adapted.forward(zeros([1, 4])));
    scope(() => adapted.merge());
    scope(() => adapted.unmerge());
    scope(() => adapted.merge());
    expect(weight.value.toArray()).toHaveLength(6);
    expect(adapted.unmerge().isMerged).toBe(false);
    expect(adapted.unmerge().merge()).toBe(adapted.base);
  });

  test("has no trained adapters while they are merged", () => {
    const adapted = lora(mlp(), { targets: "0" });
    adapted.merge();
    expect(adapted.isMerged).toBe(true);
    expect(adapted.parameters()).toEqual([]);
    expect(() => adapted.loadAdapterState({})).toThrow(/merged into the model. Call unmerge\(\) first/);
    expect(adapted.unmerge().parameters()).toHaveLength(2);
  });

  test("lets a part of its model train as well", () => {
    const model = mlp();
    const adapted = lora(model, { targets: "0" });
    new Map(model.namedModules()).get("3")!.thaw();
    const { grads } = valueAndGrad(() => sum(adapted.forward(normal([4, 4]))), adapted.parameters()) as { grads: Tensor[] };
    expect(grads.map(({ shape }) => shape)).toEqual([[2, 6], [2], [8, 4], [6, 8]]);
  });
});

describe("the names of a saved adapter", () => {
  test("are the module's, or what rename says", async () => {
    const layer = new MultiHeadAttention(4, 2);
    const rename = { in_proj_weight: "attention" };
    const adapted = lora(layer, { targets: ["in_proj_weight", "out_proj"], rank: 1, rename });
    const names = [
      "base_model.model.attention.lora_A.weight",
      "base_model.model.attention.lora_B.weight",
      "base_model.model.out_proj.lora_A.weight",
      "base_model.model.out_proj.lora_B.weight",
    ];
    expect(Object.keys(await adapted.adapterState())).toEqual(names);
    const byFunction = lora(layer, { targets: ["in_proj_weight"], rename: (name) => `x.${name}` });
    expect(Object.keys(await byFunction.adapterState())[0]).toBe("base_model.model.x.in_proj_weight.lora_A.weight");
    const without = lora(layer, { targets: "in_proj_weight" });
    await expect(without.adapterState()).rejects.toThrow(
      /"in_proj_weight" is not called after its module.*rename: \{ "in_proj_weight"/,
    );
    expect(() => without.adapterConfig()).toThrow(ErmineError);
  });
});

describe("what is refused leaves the model as it was", () => {
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ["no targets", {}, /lora needs targets/],
    ["an empty list", { targets: [] }, /targets is an empty list/],
    ["a name that nothing has", { targets: "quqery" }, /is called "quqery"\. Did you mean "query"\?/],
    ["a vector", { targets: "query.bias" }, /query\.bias is \[3\], and an adapter is for weights of at least two axes/],
    ["a pattern that means none", { targets: /nothing/ }, /\/nothing\/ means no parameter/],
    ["a function that says false", { targets: () => false }, /true of no parameter.*There are query\.weight, table\.weight/],
    ["a function that says neither", { targets: () => 1 }, /targets says true or false of a name, got 1 of "query\.weight"/],
    [
      "a target that is neither name nor pattern",
      { targets: [3] },
      /names \(texts\) and patterns \(RegExp\), or a function, got 3/,
    ],
    ["an object", { targets: { query: true } }, /got \{ query: true \}/],
    ["a rank of 0", { targets: "query", rank: 0 }, /rank is a whole number ≥ 1, got 0/],
    ["a broken rank", { targets: "query", rank: 1.5 }, /rank is a whole number, got 1\.5/],
    ["an alpha of NaN", { targets: "query", alpha: NaN }, /alpha is a number > 0, got NaN/],
    ["an option of PEFT's name", { targets: "query", r: 4 }, /no option "r"/],
    ["a table with maxNorm", { targets: "table" }, /table\.weight is the table of a layer with maxNorm/],
    ["a rename of what is no target", { targets: "query", rename: { keys: "a" } }, /rename has "keys", which is no target/],
    ["a rename to nothing", { targets: "query", rename: () => "" }, /a module's name for "query\.weight", got ""/],
  ];
  class Model extends Module {
    query = new Linear(2, 3);
    table = new Embedding(3, 2, { maxNorm: 1 });
    forward(x: Tensor): Tensor {
      return this.query.forward(x);
    }
  }
  for (const [what, options, message] of cases)
    test(what, () => {
      const model = new Model();
      expect(() => lora(model, options as never)).toThrow(message);
      expect(() => lora(model, options as never)).toThrow(ErmineError);
      expect(model.parameters()).toHaveLength(3);
    });

  test("two weights of one saved name", () => {
    const model = new Sequential(new Linear(2, 2), new Linear(2, 2));
    expect(() => lora(model, { targets: /weight/, rename: () => "same" })).toThrow(
      /0\.weight and 1\.weight would both be "same"/,
    );
    expect(model.parameters()).toHaveLength(4);
  });

  test("merging in a compiled function", async () => {
    const adapted = lora(mlp(), { targets: "0" });
    const run = compile((x: Tensor) => adapted.merge().forward(x));
    await expect(async () => run(zeros([1, 4]))).rejects.toThrow(/merge\(\) changes the model's weights at once/);
    expect(adapted.isMerged).toBe(false);
  });

  test("a parameter's layout that there is not", () => {
    expect(() => new Parameter(zeros([2, 2]), { layout: "columns" as never })).toThrow(/layout is one of "outputFirst"/);
  });
});
