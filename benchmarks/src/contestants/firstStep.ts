/** One training step of digits as a program of its own: `node firstStep.js cpu`; a line when it is done. Status 3: no backend. */
import { adamwOptions } from "../task.js";
import { uniform } from "../numbers.js";
import { cpuOptions } from "./cpuOptions.js";

const name = process.argv[2] ?? "cpu";
const { crossEntropy, ErmineError, manualSeed } = await import("@ermine/core");
const { Linear, ReLU, Sequential } = await import("@ermine/core/nn");
const { adamw, dataset, Trainer } = await import("@ermine/trainer");

async function open(): Promise<import("@ermine/core").Backend> {
  if (name !== "tfjs") {
    const { cpu } = await import("@ermine/backend-cpu");
    return cpu(cpuOptions(name));
  }
  const { tfjs } = await import("@ermine/backend-tfjs");
  return tfjs();
}

try {
  const backend = await open();
  manualSeed(0);
  const model = new Sequential(new Linear(784, 128), new ReLU(), new Linear(128, 10));
  const data = dataset({
    inputs: { data: uniform(64 * 784, 1), shape: [64, 784] },
    targets: { data: Int32Array.from({ length: 64 }, (_, i) => i % 10), shape: [64] },
  });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw(adamwOptions), backend });
  const { steps } = await trainer.fit(data, { epochs: 1, batchSize: 64 });
  console.log(`loss ${steps[0]}`);
} catch (error) {
  if (!(error instanceof ErmineError) || error.code !== "ERMINE_BACKEND") throw error;
  process.exitCode = 3;
}
