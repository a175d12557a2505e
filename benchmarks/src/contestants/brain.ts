/** brain.js: sample by sample, with its own loss. The nearest that it offers. */
import { createRequire } from "node:module";
import { connectedSizes } from "../model.js";
import { readBatches } from "./data.js";
import { Absent, serve } from "./player.js";

interface Brain {
  readonly NeuralNetwork: new (options: { hiddenLayers: number[]; activation: string }) => {
    train(
      data: { input: number[]; output: number[] }[],
      options: { iterations: number; errorThresh: number; learningRate: number },
    ): { iterations: number };
  };
}

await serve({
  async prepare(task) {
    const sizes = task.kind === "train" ? connectedSizes(task.model) : undefined;
    if (task.kind !== "train" || sizes === undefined) throw new Absent({ cannot: "it has fully connected layers only" });
    if (sizes.length > 3) throw new Absent({ cannot: "one of its steps of this size takes seconds" });
    const require = createRequire(import.meta.url);
    const { NeuralNetwork } = require("brain.js") as Brain;
    const classes = sizes.at(-1)!;
    const [batch] = readBatches(task);
    const width = batch!.inputs.length / task.batch;
    const data = Array.from(batch!.targets, (label, i) => ({
      input: [...batch!.inputs.subarray(i * width, (i + 1) * width)],
      output: Array.from({ length: classes }, (_, k) => (k === label ? 1 : 0)),
    }));
    const net = new NeuralNetwork({ hiddenLayers: sizes.slice(1, -1), activation: "relu" });
    // A threshold that is never reached: it stops where the error is small.
    const run = (iterations: number): number => {
      const started = performance.now();
      net.train(data, { iterations, errorThresh: Number.MIN_VALUE, learningRate: 1e-3 });
      return performance.now() - started;
    };
    let perStep = run(1);
    return {
      engine: `brain.js ${(require("brain.js/package.json") as { version: string }).version}`,
      differs: "gradient descent after each sample, squared error, no loss read",
      step: () => void run(1) as undefined,
      async turn(milliseconds) {
        const steps = Math.max(1, Math.round(milliseconds / perStep));
        const elapsed = run(steps);
        perStep = elapsed / steps;
        return { steps, milliseconds: elapsed };
      },
    };
  },
});
