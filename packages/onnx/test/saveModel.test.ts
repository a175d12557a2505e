/** What a file says, and what is refused. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  add,
  cast,
  crossEntropy,
  ErmineError,
  expm1,
  floorDivide,
  fold,
  isFinite,
  log1p,
  manualSeed,
  mul,
  normal,
  remainder,
  tensor,
  unfold,
  useBackend,
  Variable,
  zeros,
  type Tensor,
  asProbabilities,
} from "@ermine/core";
import { apply1, defineOp } from "@ermine/core/define";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { saveModel, type SaveOptions } from "../src/index.js";
import { saveModelFile } from "../src/node.js";
import { decode } from "../src/proto/codec.js";
import type { ModelProto } from "../src/proto/messages.js";
import { difference, expectSame, run } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(1);
});

const saved = async (model: nn.Module, options: SaveOptions): Promise<ModelProto> =>
  decode("ModelProto", await saveModel(model, options));
const opTypes = ({ graph }: ModelProto): readonly string[] =>
  graph!.node!.map(({ domain, opType }) => (domain === undefined ? opType! : `${domain}.${opType}`));

class Of extends nn.Module {
  readonly #compute: (...inputs: Tensor[]) => unknown;
  constructor(compute: (...inputs: Tensor[]) => unknown) {
    super();
    this.#compute = compute;
  }
  forward(...inputs: Tensor[]): unknown {
    return this.#compute(...inputs);
  }
}

test("layers are operators of ONNX, parameters have the names of the state dict, and the batch is open", async () => {
  const model = new nn.Sequential(
    new nn.Conv2d(1, 2, 3),
    new nn.BatchNorm2d(2),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Dropout(0.5),
    new nn.Linear(8, 3),
    new nn.LayerNorm(3),
    new nn.Softmax(),
  );
  const file = await saved(model, { sample: zeros([4, 1, 6, 6]) });
  expect(opTypes(file)).toEqual([
    "Conv",
    "BatchNormalization",
    "Relu",
    "MaxPool",
    "Reshape",
    "Gemm",
    "LayerNormalization",
    "Softmax",
  ]);
  const state = await model.stateDict();
  const names = file.graph!.initializer!.map(({ name }) => name!);
  expect(Object.keys(state).filter((name) => !names.includes(name))).toEqual(["1.num_batches_tracked"]);
  const { input, output } = file.graph!;
  expect(input!.map(({ name, type }) => [name, type!.tensorType!.shape!.dim])).toEqual([
    ["input", [{ dimParam: "N" }, { dimValue: 1n }, { dimValue: 6n }, { dimValue: 6n }]],
  ]);
  expect(output!.map(({ name, type }) => [name, type!.tensorType!.shape!.dim])).toEqual([
    ["output", [{ dimParam: "N" }, { dimValue: 3n }]],
  ]);
  expect(file.functions).toBeUndefined();
});

test("a definition is one function for each of its options, however often it is called", async () => {
  const file = await saved(new nn.Sequential(new nn.GELU(), new nn.GELU(), new nn.SiLU(), new nn.GELU({ approximate: "tanh" })), {
    sample: zeros([2, 3]),
  });
  expect(opTypes(file)).toEqual(["ermine.gelu", "ermine.gelu", "ermine.silu", "ermine.gelu_2"]);
  expect(file.functions!.map(({ domain, name }) => `${domain}.${name}`).sort()).toEqual([
    "ermine.erfc",
    "ermine.gelu",
    "ermine.gelu_2",
    "ermine.silu",
  ]);
  expect(opTypes(await saved(new nn.GELU(), { sample: zeros([2, 3]), opset: 20 }))).toEqual(["Gelu"]);
});

test("the same model is the same bytes", async () => {
  const model = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 4 });
  expect(await saveModel(model, { sample: zeros([2, 3, 4]) })).toEqual(await saveModel(model, { sample: zeros([5, 3, 4]) }));
});

test("what is said of a model stands in its metadata", async () => {
  const file = await saved(new nn.Linear(2, 3), {
    sample: zeros([1, 2]),
    name: "digits",
    classes: ["zero", "one", "two"],
    link: "softmax",
    preprocessing: { toJSON: () => ({ kind: "table" }) },
    metadata: { author: "me" },
  });
  expect(file.graph!.name).toBe("digits");
  expect(file.producerName).toBe("ermine");
  expect(Object.fromEntries(file.metadataProps!.map(({ key, value }) => [key, value]))).toEqual({
    author: "me",
    "ermine.classes": '{"output":["zero","one","two"]}',
    "ermine.link": '{"output":"softmax"}',
    "ermine.preprocessing": '{"kind":"table"}',
    "ermine.version": file.producerVersion,
  });
});

test("modes, parameters and running statistics are as they were, also where it is refused", async () => {
  const model = new nn.Sequential(new nn.BatchNorm1d(2), new nn.Dropout(0.5), new nn.Embedding(4, 2, { maxNorm: 0.1 }));
  model.train();
  const [norm] = model
    .namedModules()
    .slice(1)
    .map(([, module]) => module);
  norm!.eval();
  const modes = (): boolean[] => model.namedModules().map(([, module]) => module.training);
  const [before, state] = [modes(), JSON.stringify(await model.stateDict())];
  await expect(saveModel(model, { sample: zeros([2, 2]) })).rejects.toThrow(ErmineError);
  const lookup = new nn.Embedding(4, 2, { maxNorm: 0.1 });
  const table = JSON.stringify(await lookup.stateDict());
  await saveModel(lookup, { sample: tensor([1, 2], { dtype: "int32" }) });
  expect(modes()).toEqual(before);
  expect(JSON.stringify(await model.stateDict())).toBe(state);
  expect(JSON.stringify(await lookup.stateDict())).toBe(table);
});

test("a shared parameter is one, and what is no variable of the model has a name too", async () => {
  const scale = new Variable(tensor([2, 3]), { name: "scale" });
  const shared = new nn.Linear(2, 2);
  class Net extends nn.Module {
    a = shared;
    b = shared;
    forward(x: Tensor): Tensor {
      return mul(this.b.forward(this.a.forward(x)), scale.value);
    }
  }
  const bytes = await expectSame(new Net(), [[normal([2, 2])]]);
  expect(decode("ModelProto", bytes).graph!.initializer!.map(({ name }) => name)).toEqual(["a.weight", "a.bias", "scale"]);
});

test("inputs and outputs are named; one that is given back, or twice, is a copy", async () => {
  const model = new Of((x, y) => ({ sum: add(x!, y!), same: x, again: [x, y] }));
  const bytes = await expectSame(model, [[normal([2, 2]), normal([2, 2])]], { inputs: { left: "float32", right: "float32" } });
  const { input, output } = decode("ModelProto", bytes).graph!;
  expect([input, output].map((list) => list!.map(({ name }) => name))).toEqual([
    ["left", "right"],
    ["sum", "same", "again.0", "again.1"],
  ]);
});

test("bytes are declared as bytes, and cast", async () => {
  const pixels = tensor(Float32Array.of(0, 128, 255, 7), { shape: [2, 2] });
  const bytes = await expectSame(new nn.Linear(2, 3), [[pixels]], { inputs: { pixels: "uint8" } });
  expect(opTypes(decode("ModelProto", bytes))).toEqual(["Cast", "Gemm"]);
});

test("a loss is a model of predictions and targets, whose marks the sample has", async () => {
  const logits = normal([4, 3]);
  const targets = tensor([0, 2, 1, 1], { dtype: "int32" });
  await expectSame(new nn.CrossEntropyLoss(), [[logits, targets]]);
  await expectSame(new Of((x, y) => crossEntropy(x!, y!, { reduction: "none" })), [[logits, targets]]);
  await expectSame(new nn.BCELoss(), [[asProbabilities(tensor([0.2, 0.9])), tensor([0, 1])]]);
});

test("elements out of range, at 0 and at infinity are core's", async () => {
  const special = tensor([NaN, Infinity, -Infinity, 3e9, -3e9, 2.7, -2.7, 0, 1e-7, -1e-7, 80, -100]);
  await expectSame(new Of((x) => [cast(x!, "int32"), cast(x!, "bool"), log1p(x!), expm1(x!), isFinite(x!)]), [[special]]);
  const small = tensor(Float32Array.of(1e-7, -1e-7, 3e-6, 1e-20));
  for (const fn of [log1p, expm1]) {
    const [actual] = await run(await saveModel(new Of((x) => fn(x!)), { sample: small }), [small]);
    const [scaled, expected] = [Array.from(actual!.data as Float32Array), Array.from(fn(small).dataSync())];
    expect(
      difference(
        scaled.map((value, i) => value / expected[i]!),
        expected.map(() => 1),
      ),
      fn.name,
    ).toBeLessThan(1e-6);
  }
  const [a, b] = [tensor([7, -7, 7, -7, 0, 5], { dtype: "int32" }), tensor([3, 3, -3, -3, 2, 0], { dtype: "int32" })];
  await expectSame(new Of((x, y) => [remainder(x!, y!), floorDivide(x!, y!)]), [[a, b]]);
  await expectSame(new Of((x, y) => remainder(x!, y!)), [[tensor([7, -7, 7, -7, 6]), tensor([3, 3, -3, -3, 3])]]);
});

test("what evaluation cannot promise is refused with the reason", async () => {
  const unsupported = { code: "ERMINE_UNSUPPORTED" };
  class Noisy extends nn.Module {
    drop = new nn.Dropout(0.5);
    forward(x: Tensor): Tensor {
      this.drop.training = true;
      return this.drop.forward(x);
    }
  }
  await expect(saveModel(new Noisy(), { sample: zeros([1, 2]) })).rejects.toMatchObject({
    ...unsupported,
    message: expect.stringContaining("drop draws random numbers"),
  });
  const free = new nn.Sequential(new nn.BatchNorm1d(2, { trackRunningStats: false }));
  await expect(saveModel(free, { sample: zeros([4, 2]) })).rejects.toMatchObject({
    ...unsupported,
    message: expect.stringMatching(/^0 normalizes by the batch's own/),
  });
  const primitive = defineOp({ name: "mystery", inputs: [{ name: "x" }], infer: ([x]) => [x!] });
  await expect(saveModel(new Of((x) => apply1(primitive, [x!], {})), { sample: zeros([2]) })).rejects.toMatchObject({
    ...unsupported,
    message: expect.stringContaining("mystery"),
  });
});

test("wrong options say what is right", async () => {
  const model = new nn.Linear(2, 3);
  const sample = zeros([1, 2]);
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /sample/],
    [{}, /sample/],
    [{ sample: [1, 2] }, /sample is a tensor/],
    [{ sample: [] }, /sample is a tensor/],
    [{ sample, opset: 17 }, /opset is one of 18/],
    [{ sample, opsets: 18 }, /opset/],
    [{ sample, batchAxis: 2 }, /batchAxis 2/],
    [{ sample, inputs: { a: "float32", b: "float32" } }, /inputs names each of the 1/],
    [{ sample, inputs: { a: "float" } }, /float32/],
    [{ sample, classes: ["a"] }, /3 channels, and 1 classes/],
    [{ sample, classes: { logits: ["a", "b", "c"] } }, /no output "logits"/],
    [{ sample, link: "softplus" }, /link/],
    [{ sample, metadata: { "ermine.x": "" } }, /ermine\./],
    [{ sample, metadata: { x: 1 } }, /texts/],
  ];
  for (const [options, message] of wrong)
    await expect(saveModel(model, options as SaveOptions), String(message)).rejects.toMatchObject({
      name: "ErmineError",
      code: "ERMINE_OPTION",
      message: expect.stringMatching(message),
    });
  await expect(saveModel((() => sample) as unknown as nn.Module, { sample })).rejects.toMatchObject({ code: "ERMINE_USAGE" });
  await expect(saveModel(new Of(() => 3), { sample })).rejects.toMatchObject({ code: "ERMINE_USAGE" });
});

test("padding that is not the same on both sides", async () => {
  const batches = [[normal([2, 3, 4, 5])], [normal([3, 3, 4, 5])]];
  await expectSame(new Of((x) => unfold(x!, [2, 4], { padding: "same" })), batches);
  await expectSame(new Of((x) => fold(unfold(x!, [2, 4], { padding: "same" }), [4, 5], [2, 4], { padding: "same" })), batches);
  await expectSame(new nn.Conv2d(3, 2, [2, 4], { padding: "same" }), batches);
});

test("sizes of 0 and without a batch", async () => {
  await expectSame(new nn.Sequential(new nn.Linear(3, 2), new nn.ReLU()), [[normal([2, 3])], [zeros([0, 3])]]);
  await expectSame(new nn.Sequential(new nn.Linear(3, 2), new nn.Softmax()), [[normal([3])]], { batchAxis: null });
  await expectSame(new Of((x) => mul(x!, 2)), [[tensor(3)]], { batchAxis: null });
});

test("a file is written only where the model can be saved", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ermine-onnx-"));
  try {
    const path = join(folder, "model.onnx");
    const model = new nn.Linear(2, 3);
    await expect(saveModelFile(path, model, { sample: zeros([1, 5]) })).rejects.toThrow(ErmineError);
    await expect(async () => readFileSync(path)).rejects.toThrow(/ENOENT/);
    await saveModelFile(path, model, { sample: zeros([1, 2]) });
    expect(new Uint8Array(readFileSync(path))).toEqual(await saveModel(model, { sample: zeros([1, 2]) }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
