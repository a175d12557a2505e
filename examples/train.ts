import { cpu } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { accuracy, adamw, dataset, progressBar, Trainer } from "@ermine/trainer";

// Points of a square; the class is the ring that a point lies in.
const count = 2000;
const points = Float32Array.from({ length: 2 * count }, () => 2 * Math.random() - 1);
const rings = Int32Array.from({ length: count }, (_, i) => Math.floor(Math.hypot(points[2 * i], points[2 * i + 1]) / 0.5));
const data = dataset({ inputs: { data: points, shape: [count, 2] }, targets: { data: rings, shape: [count] } });

manualSeed(0);
const model = new Sequential(new Linear(2, 32), new ReLU(), new Linear(32, 3)); // logits: no softmax before crossEntropy
const optimizer = adamw({ learningRate: 0.01, weightDecay: 0.01 });
const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend: await cpu(), metrics: [accuracy()] });
await trainer.fit(data, { epochs: 20, batchSize: 32, validationSplit: 0.2, callbacks: [progressBar()] });

const { data: classes } = await trainer.predict(
  dataset({
    inputs: [
      [0, 0],
      [0.7, 0],
      [0.9, 0.9],
    ],
  }),
  { as: "classes" },
);
console.log(`The rings of (0, 0), (0.7, 0) and (0.9, 0.9): ${classes.join(", ")}`);
