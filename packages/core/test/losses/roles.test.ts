import { mul, sub, type Tensor } from "../../src/index.js";
import { type LossInput, defineLoss } from "../../src/entries/define.js";
import { losses } from "../../src/catalog.js";
import { expect, test } from "vitest";

const lossOf = (...inputs: readonly LossInput[]) =>
  defineLoss({
    name: "own",
    link: "identity",
    inputs: inputs as readonly [LossInput, LossInput],
    elements: ([a, b]: readonly [Tensor, Tensor]) => ({ value: mul(sub(a, b), sub(a, b)) }),
  });

test("without roles the first input is the prediction, whatever it is called, and the others are targets", () => {
  expect(lossOf({ name: "target" }, { name: "predictionOther" }).inputs.map(({ role }) => role)).toEqual([
    "prediction",
    "target",
  ]);
  expect(lossOf({ name: "a", role: "target" }, { name: "b", role: "prediction" }).inputs.map(({ role }) => role)).toEqual([
    "target",
    "prediction",
  ]);
});

test("a role that is none, and a loss of no prediction, are refused when the loss is defined", () => {
  expect(() => lossOf({ name: "scores" }, { name: "labels", role: "label" as never })).toThrow(
    'own: the role of labels is one of prediction, target, auxiliary; got "label".',
  );
  expect(() => lossOf({ name: "a", role: "target" }, { name: "b" })).toThrow('own: no input has the role "prediction"');
});

test("core's losses of several predictions, and those that need more of the data set, say so", () => {
  const several = losses.flatMap(({ name, loss: { inputs } }) => {
    const words = inputs.map(({ role }) => role).join();
    return words === "prediction,target" ? [] : [`${name}: ${words}`];
  });
  expect(several).toEqual([
    "cosineEmbedding: prediction,prediction,target",
    "ctc: prediction,target,auxiliary,auxiliary",
    "gaussianNll: prediction,target,prediction",
    "marginRanking: prediction,prediction,target",
    "tripletMargin: prediction,prediction,prediction",
  ]);
});
