import { bce, bceWithLogits, scope, sigmoid, tensor, valueAndGrad, type Tensor } from "@ermine/core";
import type { Experiment } from "../experiment.js";

export const largeLogits: Experiment = {
  name: "large-logits",
  claim: "Where a model is surely wrong, BCE of a sigmoid loses the gradient; BCE with logits keeps it.",
  method: "The loss and its gradient for the label 0, by the logit, in float32.",
  run() {
    return Promise.resolve(
      scope(() => {
        const logits = [0, 5, 10, 15, 20, 30, 50, 100, 200];
        const target = tensor([0]);
        const at = (loss: (z: Tensor<"real">) => Tensor, logit: number) => {
          const z = tensor([logit]);
          const { value, grads } = valueAndGrad(() => loss(z), z);
          return { value: value.item() as number, slope: grads.dataSync()[0]! };
        };
        const ofProbability = logits.map((logit) => at((z) => bce(sigmoid(z), target), logit));
        const ofLogit = logits.map((logit) => at((z) => bceWithLogits(z, target), logit));
        return {
          figures: [
            { name: "gradient at 100, BCE of a sigmoid", value: ofProbability[7]!.slope },
            { name: "gradient at 100, BCE with logits", value: ofLogit[7]!.slope },
            { name: "loss at 200, BCE of a sigmoid", value: ofProbability[8]!.value },
            { name: "loss at 200, BCE with logits", value: ofLogit[8]!.value },
          ],
          holds:
            ofProbability[7]!.slope === 0 &&
            ofLogit[7]!.slope === 1 &&
            ofLogit[8]!.value === 200 &&
            ofProbability[8]!.value < 200,
          plot: {
            axis: "logit",
            x: logits,
            lines: [
              { name: "gradient of BCE(sigmoid)", values: ofProbability.map(({ slope }) => slope) },
              { name: "gradient of BCE with logits", values: ofLogit.map(({ slope }) => slope) },
            ],
          },
        };
      }),
    );
  },
};
