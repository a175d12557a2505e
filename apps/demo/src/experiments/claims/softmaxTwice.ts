import { crossEntropy, manualSeed, normal, softmax, type Tensor } from "@ermine/core";
import { portableMath, withDomain } from "@ermine/core/define";
import { Module, ReLU, Sequential } from "@ermine/core/nn";
import { adamw, sgd, type Optimizer } from "@ermine/trainer";
import { drawSamples, type Samples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { accuracyOf, asDataset, network, train } from "../training.js";

/** A softmax whose probabilities pass for logits, which ermine refuses where it is told the truth. */
class SoftmaxAsLogits extends Module {
  forward(x: Tensor): Tensor {
    return withDomain(softmax(x), "real");
  }
}

/** Ten classes on a ring. */
function ring(seed: number): Samples {
  manualSeed(seed);
  const noise = normal([2 * 500], 0, 0.08).dataSync();
  const targets = Float32Array.from({ length: 500 }, (_, i) => i % 10);
  const at = (i: number): number => (2 * Math.PI * targets[i]!) / 10;
  const inputs = Float32Array.from(
    { length: 1000 },
    (_, i) => (i % 2 === 0 ? portableMath.cos : portableMath.sin)(at(i >> 1)) + noise[i]!,
  );
  return { task: "classes", inputs, targets, classes: 10 };
}

export const softmaxTwice: Experiment = {
  name: "softmax-twice",
  claim: "A softmax before crossEntropy keeps the loss above log(e + K − 1) − 1, however right the model is, and costs accuracy.",
  method:
    "On three clean blobs the loss is compared with its floor. On ten classes around a ring both models are trained by SGD for the same updates.",
  async run(seed) {
    const easy = drawSamples("blobs", { samples: 300, noise: 0, outliers: 0, seed, points: [] });
    const hard = ring(seed);
    const trained = async (samples: Samples, optimizer: Optimizer, epochs: number, twice: boolean) => {
      const layers = network([2, 24, 24, samples.classes], () => new ReLU(), seed);
      const model = twice ? new Sequential(layers, new SoftmaxAsLogits()) : layers;
      const losses = await train({
        model,
        data: asDataset(samples),
        loss: crossEntropy,
        optimizer,
        epochs,
        seed,
      });
      return { losses, accuracy: accuracyOf(model, samples) };
    };
    const floor = portableMath.log(Math.E + easy.classes - 1) - 1;
    const [once, twice] = [
      await trained(easy, adamw({ learningRate: 0.01 }), 60, false),
      await trained(easy, adamw({ learningRate: 0.01 }), 60, true),
    ];
    const [hardOnce, hardTwice] = [
      await trained(hard, sgd({ learningRate: 0.1, momentum: 0.9 }), 40, false),
      await trained(hard, sgd({ learningRate: 0.1, momentum: 0.9 }), 40, true),
    ];
    return {
      figures: [
        { name: "floor", value: floor },
        { name: "loss with softmax twice", value: twice.losses.at(-1)! },
        { name: "loss with logits", value: once.losses.at(-1)! },
        { name: "ring: accuracy with softmax twice", value: hardTwice.accuracy },
        { name: "ring: accuracy with logits", value: hardOnce.accuracy },
      ],
      holds:
        twice.losses.at(-1)! >= floor &&
        twice.losses.at(-1)! < floor + 0.05 &&
        once.losses.at(-1)! < 0.1 &&
        hardTwice.accuracy < hardOnce.accuracy,
      plot: {
        axis: "epoch",
        x: once.losses.map((_, i) => i + 1),
        lines: [
          { name: "logits", values: once.losses },
          { name: "softmax twice", values: twice.losses },
        ],
      },
    };
  },
};
