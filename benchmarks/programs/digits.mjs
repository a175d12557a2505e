/** The digits MLP as a page would have it: only its size is measured. */
import { cpu } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { accuracy, adamw, dataset, Trainer } from "@ermine/trainer";

export async function train(inputs, targets, show) {
  manualSeed(0);
  const model = new Sequential(new Linear(784, 128), new ReLU(), new Linear(128, 10));
  const optimizer = adamw({ learningRate: 0.002 });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend: await cpu(), metrics: [accuracy()] });
  const data = dataset({ inputs, targets });
  await trainer.fit(data, { epochs: 12, batchSize: 64, validationSplit: 0.2, callbacks: [{ name: "page", onStep: show }] });
  return trainer;
}
