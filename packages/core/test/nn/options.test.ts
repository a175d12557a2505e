import { describe, expect, it } from "vitest";
import { mul, sub, type Tensor } from "../../src/index.js";
import { defineActivation, defineLoss } from "../../src/entries/define.js";
import { activationModule, CrossEntropyLoss, HuberLoss, LeakyReLU, lossModule, Softmax } from "../../src/nn/index.js";

describe("a module's options are checked where it is made", () => {
  it("of an activation, with the nearest name", () => {
    expect(() => new LeakyReLU({ negativSlope: 0.1 } as object)).toThrow(
      /leakyRelu has no option "negativSlope"\. Did you mean "negativeSlope"/,
    );
    expect(() => new LeakyReLU({ negativeSlope: NaN })).toThrow(/negativeSlope must be a number/);
    expect(() => new Softmax({ dim: 1 } as object)).toThrow(/softmax has no option "dim"\. Did you mean "axis"/);
    const own = activationModule(
      defineActivation({ name: "twice", options: { times: 2 }, decompose: (x, { times }) => mul(x, times) }),
    );
    expect(() => new own({ time: 3 } as object)).toThrow(/twice has no option "time"\. Did you mean "times"/);
  });

  it("of a loss, with the nearest name", () => {
    expect(() => new CrossEntropyLoss({ labelSmooth: 0.1 } as object)).toThrow(
      /crossEntropy has no option "labelSmooth"\. Did you mean "labelSmoothing"/,
    );
    expect(() => new HuberLoss({ delta: -1 })).toThrow(/huber: delta/);
    expect(() => new HuberLoss({ reduction: "average" as "mean" })).toThrow(
      /huber: reduction is one of mean, sum, none; got "average"/,
    );
    const own = lossModule(
      defineLoss({
        name: "gap",
        link: "identity",
        inputs: [{ name: "prediction" }, { name: "target" }],
        options: { scale: 1 },
        elements: ([p, t]: readonly [Tensor, Tensor], { scale }) => ({ value: mul(sub(p, t), scale) }),
      }),
    );
    expect(() => new own({ scal: 2 } as object)).toThrow(/gap has no option "scal"\. Did you mean "scale"/);
  });
});
