/**
 * A ResNet that PyTorch has trained on the digits 0 to 4 gets a new head and learns 5 to 9, of few examples: the head alone first, then everything, slowly. It runs in Node
 * (`npx tsx examples/pretrained/main.ts`) and in a page (page/).
 */
import { crossEntropy, manualSeed, zeros, type Backend, type Tensor } from "@ermine/core";
import { Linear, Module } from "@ermine/core/nn";
import { loadModel, saveModel, type ImportedModel } from "@ermine/onnx";
import { accuracy, adamw, Trainer } from "@ermine/trainer";
import { asDataset, side, type Digits } from "./digits.js";

export const labels = [5, 6, 7, 8, 9];

class Finetuned extends Module {
  readonly backbone: ImportedModel;
  readonly head: Linear;
  constructor(pretrained: ImportedModel) {
    super();
    // All that stands before the layer "fc", whose weight has as many columns as there are features.
    const [, weight] = pretrained.namedParameters().find(([name]) => name === "fc.weight")!;
    this.backbone = pretrained.outputBefore("fc");
    this.head = new Linear(weight.shape[1], labels.length);
  }
  forward(x: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(x) as Tensor);
  }
}

export interface Finetuning {
  /** Shares of the unseen digits that are read right: by the new head alone, and with everything fine-tuned. */
  readonly headAccuracy: number;
  readonly accuracy: number;
  /** The fine-tuned model as an ONNX file. */
  readonly file: Uint8Array;
}

/**
 * @param pretrained the file of the ResNet
 * @param onEpoch told of each epoch's mean loss
 */
export async function finetune(
  pretrained: Uint8Array,
  { training, test }: { readonly training: Digits; readonly test: Digits },
  backend: Backend,
  onEpoch: (stage: "head" | "everything", epoch: number, loss: number) => void = () => {},
): Promise<Finetuning> {
  manualSeed(0);
  // Batch normalization follows train() and eval(), as in the layers that the file was made of.
  const model = new Finetuned(loadModel(pretrained, { layers: "live" }));
  const [seen, unseen] = [asDataset(training, labels[0]), asDataset(test, labels[0])];
  const learn = async (stage: "head" | "everything", learningRate: number, epochs: number): Promise<number> => {
    const trainer = new Trainer({
      model,
      loss: crossEntropy,
      optimizer: adamw({ learningRate }),
      backend,
      metrics: [accuracy()],
      seed: 0,
    });
    try {
      await trainer.fit(seen, {
        epochs,
        batchSize: 32,
        notice: () => {},
        callbacks: [{ name: "report", onEpochEnd: ({ epoch, logs }) => onEpoch(stage, epoch, logs["loss"]) }],
      });
      return (await trainer.evaluate(unseen)).accuracy;
    } finally {
      trainer.dispose();
    }
  };
  model.backbone.freeze();
  const headAccuracy = await learn("head", 0.01, 5);
  model.backbone.thaw();
  const reached = await learn("everything", 0.003, 8);
  const file = await saveModel(model, { sample: zeros([1, 1, side, side]), classes: labels.map(String), link: "softmax" });
  return { headAccuracy, accuracy: reached, file };
}
