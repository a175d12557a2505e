/** The worker's training: a network wide enough that a step holds its thread for milliseconds. */
import { cpu } from "@ermine/backend-cpu";
import { tfjs } from "@ermine/backend-tfjs";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { adamw, dataset, Trainer } from "@ermine/trainer";
import { serveTraining } from "@ermine/trainer/worker";

const [count, width] = [2048, 512];

export default serveTraining(
  async ({ backend, threads }: { backend: "cpu" | "tfjs"; threads: number }, { signal, reporter, notice }) => {
    manualSeed(0);
    const model = new Sequential(
      new Linear(width, width),
      new ReLU(),
      new Linear(width, width),
      new ReLU(),
      new Linear(width, 10),
    );
    const inputs = { data: Float32Array.from({ length: count * width }, (_, i) => Math.sin(i)), shape: [count, width] };
    const data = dataset({ inputs, targets: Int32Array.from({ length: count }, (_, i) => i % 10) });
    const on = backend === "cpu" ? await cpu({ threads }) : await tfjs({ threads });
    const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 1e-4 }), backend: on });
    const { steps } = await trainer.fit(data, { epochs: 1e6, batchSize: 64, signal, notice, callbacks: [reporter] });
    return steps.length;
  },
);
