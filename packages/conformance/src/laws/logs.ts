/** The law of logs: the learning rate that is told of a step is the one that it was taken with, and the norm that of its gradients. */
import { crossEntropy, manualSeed, type Backend } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { dataset, schedules, sgd, Trainer } from "@ermine/trainer";
import type { Law } from "./law.js";

const samples = 12;
const batchSize = 4;
const data = dataset({
  inputs: { data: Float32Array.from({ length: 3 * samples }, (_, i) => Math.sin(1 + i)), shape: [samples, 3] },
  targets: Int32Array.from({ length: samples }, (_, i) => i & 1),
});

interface How {
  readonly compile: boolean;
  readonly accumulate: number;
  readonly clips: boolean;
}

async function check(backend: Backend, { compile, accumulate, clips }: How): Promise<void> {
  manualSeed(3);
  const model = new Sequential(new Linear(3, 5), new ReLU(), new Linear(5, 2));
  const learningRate = schedules.exponential(0.25, { gamma: 0.5 });
  const norm = clips ? { clipGradNorm: 1e6 } : { logGradNorm: true };
  const optimizer = sgd({ learningRate });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, compile, accumulate, ...norm });
  const read = async (): Promise<number[]> =>
    Object.values(await model.stateDict()).flatMap(({ data: values }) => Array.from(values));
  try {
    let before = await read();
    const reported: number[] = [];
    const { epochs } = await trainer.fit(data, {
      epochs: 1,
      batchSize: batchSize / accumulate,
      callbacks: [
        {
          name: "reads",
          async onStep({ step, gradNorm, learningRates: [rate] }) {
            const after = await read();
            // Gradient descent moves a parameter by its gradient times the rate.
            const moved = Math.hypot(...after.map((value, i) => value - before[i]!));
            if (rate !== learningRate.at(step - 1))
              throw new Error(`the rate of step ${step} is ${rate}, right is ${learningRate.at(step - 1)}`);
            if (!(Math.abs(gradNorm! - moved / rate) < 1e-3 * gradNorm!))
              throw new Error(
                `the norm of step ${step} is ${gradNorm}, and the parameters have moved by ${moved / rate} times the rate`,
              );
            reported.push(gradNorm!);
            before = after;
          },
        },
      ],
    });
    const [logs] = epochs;
    const mean = reported.reduce((a, b) => a + b, 0) / reported.length;
    if (reported.length !== samples / batchSize) throw new Error(`${reported.length} steps were told`);
    if (Math.abs(logs!.gradNorm! - mean) > 1e-12) throw new Error(`the epoch's norm is ${logs!.gradNorm}, right is ${mean}`);
    if (logs!.learningRate !== learningRate.at(reported.length - 1)) throw new Error(`the epoch's rate is ${logs!.learningRate}`);
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

export const logsAreOfTheStep: Law = {
  name: "logs are those of the step",
  // About trainers and not definitions: tried where ermine's own are.
  trials: ({ losses }) =>
    losses.some((loss) => loss.lossName === crossEntropy.lossName)
      ? [true, false].flatMap((compile) =>
          [1, 2].flatMap((accumulate) =>
            [true, false].map((clips) => ({
              name: `${compile ? "compiled" : "eager"}${accumulate > 1 ? ", of micro-batches" : ""}${clips ? ", clipped" : ""}`,
              check: (backend: Backend) => check(backend, { compile, accumulate, clips }),
            })),
          ),
        )
      : [],
};
