// What one task taught, used for another with little data: part of a state under other names, frozen, then trained on slowly.
import { cpu } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed, normal, scope, tensor, useBackend, type Tensor } from "@ermine/core";
import {
  AdaptiveAvgPool1d,
  Conv1d,
  Flatten,
  Linear,
  MaxPool1d,
  Module,
  ReLU,
  Sequential,
  summary,
  withFeatures,
} from "@ermine/core/nn";
import { accuracy, adam, dataset, Trainer } from "@ermine/trainer";

const backend = await cpu();
useBackend(backend);
manualSeed(0);

const encoder = () =>
  new Sequential(
    new Conv1d(1, 8, 5, { padding: "same", paddingMode: "circular" }),
    new ReLU(),
    new MaxPool1d(2),
    new Conv1d(8, 16, 5, { padding: "same", paddingMode: "circular" }),
    new ReLU(),
    new AdaptiveAvgPool1d(1),
    new Flatten(),
  );

/** Noisy waves of 1 to 4 periods; `label` says what is asked of them. */
function waves(count: number, label: (periods: number) => number) {
  const noise = normal([count * 32], 0, 0.3).dataSync();
  const phases = normal([count], 0, 3).dataSync();
  const periods = (i: number) => 1 + (i % 4);
  const inputs = noise.map(
    (n, at) => n + Math.sin((2 * Math.PI * periods(Math.floor(at / 32)) * (at % 32)) / 32 + phases[Math.floor(at / 32)]),
  );
  const targets = Int32Array.from({ length: count }, (_, i) => label(periods(i)));
  return dataset({ inputs: { data: inputs, shape: [count, 1, 32] }, targets: { data: targets, shape: [count] } });
}

// The first task has plenty of data: how many periods?
class Periods extends Module {
  backbone = encoder();
  head = new Linear(16, 4);
  forward(x: Tensor) {
    return this.head.forward(this.backbone.forward(x));
  }
}
const first = new Trainer({ model: new Periods(), loss: crossEntropy, optimizer: adam({ learningRate: 0.01 }), backend });
await first.fit(
  waves(800, (periods) => periods - 1),
  { epochs: 15, batchSize: 32 },
);
const saved = await first.model.stateDict();
first.dispose();

// The second has 24 examples: is the number of periods odd?
class Odd extends Module {
  encoder = encoder();
  classify = new Linear(16, 2);
  forward(x: Tensor) {
    return this.classify.forward(this.encoder.forward(x));
  }
}
const model = new Odd();
const report = model.loadStateDict(saved, { strict: false, rename: { "backbone.": "encoder.", "head.": null } });
console.log(`Loaded ${report.loaded.length}, fresh: ${report.missing.join(", ")}`);
model.encoder.freeze();
console.log(summary(model, { input: [1, 32] }));

const few = waves(24, (periods) => periods % 2);
const unseen = waves(400, (periods) => periods % 2);
// A learning rate a part: what was learned before moves slowly once it is thawed.
const optimizer = [
  { parameters: (name: string) => name.startsWith("encoder."), optimizer: adam({ learningRate: 0.0005 }) },
  { parameters: () => true, optimizer: adam({ learningRate: 0.02 }) },
];
const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, metrics: [accuracy()] });
await trainer.fit(few, { epochs: 40, batchSize: 8 });
model.encoder.thaw();
await trainer.fit(few, { epochs: 10, batchSize: 8 });
const { accuracy: share } = await trainer.evaluate(unseen);
console.log(`Accuracy on what it has not seen: ${share.toFixed(2)}`);
trainer.dispose();

// What the encoder sees in a wave, on the way to the answer.
scope(() => {
  const wave = tensor(
    Float32Array.from({ length: 32 }, (_, t) => Math.sin((2 * Math.PI * 3 * t) / 32)),
    { shape: [1, 1, 32] },
  );
  const { features } = withFeatures(model.eval(), ["encoder"], () => model.forward(wave));
  console.log(`Features of three periods: ${features.encoder.shape.join(" × ")}`);
});
