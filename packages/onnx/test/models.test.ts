/** Whole models: onnxruntime gives for their files what they give, at more than one batch size. */
import { beforeAll, describe, test } from "vitest";
import {
  add,
  concat,
  exp,
  manualSeed,
  mean,
  mul,
  neg,
  normal,
  randint,
  relu,
  reshape,
  sub,
  sum,
  tanh,
  useBackend,
  type Tensor,
} from "@ermine/core";
import { defineActivation, defineOp, apply1 } from "@ermine/core/define";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { expectSame } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(1);
});

/** Running statistics as training leaves them. */
async function trained<M extends nn.Module>(model: M): Promise<M> {
  for (const [name, variable] of model.namedVariables()) {
    if (name.endsWith("running_mean")) variable.value = mul(normal([...variable.shape]), 0.1);
    if (name.endsWith("running_var")) variable.value = add(mul(normal([...variable.shape]), 0.1), 1);
  }
  return model;
}

class Block extends nn.Module {
  conv1;
  norm1;
  conv2;
  norm2;
  short;
  constructor(from: number, to: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(from, to, 3, { stride, padding: 1, bias: false });
    this.norm1 = new nn.BatchNorm2d(to);
    this.conv2 = new nn.Conv2d(to, to, 3, { padding: 1, bias: false });
    this.norm2 = new nn.BatchNorm2d(to);
    this.short = from === to && stride === 1 ? undefined : new nn.Conv2d(from, to, 1, { stride });
  }
  forward(x: Tensor): Tensor {
    const y = this.norm2.forward(this.conv2.forward(relu(this.norm1.forward(this.conv1.forward(x)))));
    return relu(add(y, this.short === undefined ? x : this.short.forward(x)));
  }
}

class UNet extends nn.Module {
  down = new nn.Conv2d(1, 4, 3, { padding: 1 });
  pool = new nn.MaxPool2d(2);
  deep = new nn.Sequential(new nn.Conv2d(4, 8, 3, { padding: 1 }), new nn.GroupNorm(2, 8), new nn.SiLU());
  up = new nn.ConvTranspose2d(8, 4, 2, { stride: 2 });
  last = new nn.Conv2d(8, 2, 1);
  forward(x: Tensor): Tensor {
    const skip = relu(this.down.forward(x));
    return this.last.forward(concat([skip, this.up.forward(this.deep.forward(this.pool.forward(skip)))], 1));
  }
}

class Words extends nn.Module {
  table = new nn.Embedding(20, 6, { paddingIdx: 0 });
  head = new nn.Linear(6, 3);
  forward(words: Tensor): Record<string, Tensor> {
    const vector = mean(this.table.forward(words), { axis: 1 });
    return { logits: this.head.forward(vector), vector };
  }
}

const swirl = defineActivation({
  name: "swirl",
  options: { speed: 1 },
  decompose: (x, { speed }) => mul(x, tanh(mul(x, speed))),
});
const gate = defineOp<{ readonly bias: number }>({
  name: "my gate!",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "by", dtype: "float32" },
  ],
  infer: ([x]) => [x!],
  decompose: ([x, by], { bias }) => [mul(x!, sub(1, exp(neg(add(mul(by!, by!), bias)))))],
});

class Custom extends nn.Module {
  first = new nn.Linear(5, 6);
  second = new nn.Linear(6, 6);
  forward(x: Tensor): Tensor[] {
    const a = swirl(this.first.forward(x), { speed: 2 });
    const b = swirl(this.second.forward(a));
    return [apply1(gate, [a, b], { bias: 0.5 }), sum(reshape(b, [-1, 2, 3]), { axis: -1 })];
  }
}

const normals = (shape: readonly number[], sizes = [2, 5]): Tensor[][] => sizes.map((n) => [normal([n, ...shape])]);

describe("onnxruntime gives what the model gives", () => {
  test("of an MLP", () =>
    expectSame(
      new nn.Sequential(new nn.Linear(6, 8), new nn.GELU(), new nn.Dropout(0.3), new nn.Linear(8, 3), new nn.Softmax()),
      normals([6]),
    ));

  test("of a CNN", () =>
    expectSame(
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: "same", dilation: 2 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2, { ceilMode: true }),
        new nn.Conv2d(4, 4, 3, { stride: 2, groups: 2 }),
        new nn.AvgPool2d(2, { padding: 1, countIncludePad: false }),
        new nn.Flatten(),
        new nn.Linear(16, 3),
      ),
      normals([1, 9, 9]),
    ));

  test("of a ResNet", async () =>
    expectSame(
      await trained(
        new nn.Sequential(
          new Block(2, 2, 1),
          new Block(2, 4, 2),
          new nn.AdaptiveAvgPool2d(1),
          new nn.Flatten(),
          new nn.Linear(4, 3),
        ),
      ),
      normals([2, 7, 7]),
    ));

  test("of a MobileNet", async () =>
    expectSame(
      await trained(
        new nn.Sequential(
          new nn.Conv2d(2, 6, 1, { bias: false }),
          new nn.BatchNorm2d(6),
          new nn.ReLU6(),
          new nn.Conv2d(6, 6, 3, { padding: 1, groups: 6, bias: false }),
          new nn.BatchNorm2d(6),
          new nn.Hardswish(),
          new nn.Conv2d(6, 2, 1),
          new nn.AdaptiveAvgPool2d([3, 2]),
        ),
      ),
      normals([2, 5, 5]),
    ));

  test("of a U-Net", () => expectSame(new UNet(), normals([1, 8, 8])));

  test("of a transformer's encoder", () =>
    expectSame(
      new nn.TransformerEncoder(() => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 }), 2),
      normals([5, 8]),
    ));

  test("of an autoencoder with transposed convolutions", () =>
    expectSame(
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { stride: 2, padding: 1 }),
        new nn.LeakyReLU({ negativeSlope: 0.1 }),
        new nn.ConvTranspose2d(4, 2, 3, { stride: 2, padding: 1, outputPadding: 1 }),
        new nn.Tanh(),
        new nn.Upsample({ scaleFactor: 2, mode: "bilinear" }),
      ),
      normals([1, 8, 8]),
    ));

  test("of a model that looks words up, with named outputs", async () => {
    const batches = [2, 4].map((n) => [randint([n, 3], 0, 20)]);
    await expectSame(new Words(), batches);
    await expectSame(new Words(), batches, { inputs: { words: "int64" }, classes: { logits: ["a", "b", "c"] } });
  });

  test("of a module with activations and ops of its own", () => expectSame(new Custom(), normals([5])));
});

test("operator sets up to 23", async () => {
  const model = new nn.Sequential(
    new nn.Linear(4, 4),
    new nn.GELU(),
    new nn.LayerNorm(4),
    new nn.RMSNorm(4),
    new nn.GELU({ approximate: "tanh" }),
  );
  for (const opset of [18, 19, 20, 21, 22, 23]) await expectSame(model, normals([4]), { opset });
});
