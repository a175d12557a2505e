/** The law of monitors: early stopping and plateaus go the way that their metric says is better, and the best epoch's weights come back. */
import { crossEntropy, manualSeed, type Backend } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { dataset, earlyStopping, schedules, sgd, Trainer, type Callback, type Metric } from "@ermine/trainer";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const samples = 8;
const data = dataset({
  inputs: { data: Float32Array.from({ length: 2 * samples }, (_, i) => Math.sin(1 + i)), shape: [samples, 2] },
  targets: Int32Array.from({ length: samples }, (_, i) => i & 1),
});
const epochs = 4;

/** A metric that gives these values, one evaluation after the other. */
function scripted(values: readonly number[], better?: "higher" | "lower"): Metric<"score"> {
  let next = 0;
  return {
    name: "score",
    init: () => 0,
    update: (state) => state,
    merge: (a) => a,
    compute: () => values[Math.min(next++, values.length - 1)]!,
    ...(better === undefined ? {} : { better }),
  } as Metric<"score">;
}

interface Run {
  readonly stopped: string;
  readonly steps: number;
  readonly rate: number;
  /** Are the weights those of the end of this epoch, counted from 1? */
  readonly weightsOf: readonly number[];
}

/** A fit that follows the score by early stopping and by its learning rate. */
async function run(backend: Backend, compile: boolean, metric: Metric<"score">, patience: number): Promise<Run> {
  manualSeed(3);
  const model = new Linear(2, 2);
  const learningRate = schedules.reduceOnPlateau(0.5, { monitor: "valScore", patience: 0, factor: 0.5 });
  const trainer = new Trainer({
    model,
    loss: crossEntropy,
    optimizer: sgd({ learningRate }),
    backend,
    compile,
    metrics: [metric],
  });
  const weights: string[] = [];
  const read = async (): Promise<string> =>
    Object.values(await model.stateDict())
      .map((t) => t.data.join())
      .join();
  const recorder: Callback = { name: "recorder", onEpochEnd: async () => void weights.push(await read()) };
  try {
    const { stopped, steps } = await trainer.fit(data, {
      epochs,
      batchSize: samples,
      validation: data,
      callbacks: [recorder, earlyStopping({ monitor: "valScore", patience })],
    });
    const last = await read();
    return {
      stopped,
      steps: steps.length,
      rate: trainer.rateNow(learningRate),
      weightsOf: weights.flatMap((epoch, i) => (epoch === last ? [i + 1] : [])),
    };
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

const rising = [0.388, 0.399, 0.41, 0.421];
const falling = [0.421, 0.41, 0.399, 0.388];

interface Case {
  readonly values: readonly number[];
  readonly better: "higher" | "lower";
  readonly expected: { readonly stopped: RegExp; readonly steps: number; readonly rate: number; readonly best: number };
}

const cases: Readonly<Record<string, Case>> = {
  "higher is better, and it rises": {
    values: rising,
    better: "higher",
    expected: { stopped: /^finished$/, steps: 4, rate: 0.5, best: 4 },
  },
  "higher is better, and it falls": {
    values: falling,
    better: "higher",
    expected: { stopped: /valScore has not improved for 2 epochs \(epoch 3, best 0\.421\)/, steps: 3, rate: 0.125, best: 1 },
  },
  "lower is better, and it falls": {
    values: falling,
    better: "lower",
    expected: { stopped: /^finished$/, steps: 4, rate: 0.5, best: 4 },
  },
  "lower is better, and it rises": {
    values: rising,
    better: "lower",
    expected: { stopped: /valScore has not improved for 2 epochs \(epoch 3, best 0\.388\)/, steps: 3, rate: 0.125, best: 1 },
  },
};

async function check(backend: Backend, compile: boolean, { values, better, expected }: Case): Promise<void> {
  const { stopped, steps, rate, weightsOf } = await run(backend, compile, scripted(values, better), 2);
  if (!expected.stopped.test(stopped)) throw new Error(`it ends with "${stopped}"`);
  if (steps !== expected.steps) throw new Error(`it takes ${steps} steps, right is ${expected.steps}`);
  if (rate !== expected.rate) throw new Error(`the learning rate is ${rate}, right is ${expected.rate}`);
  if (weightsOf.join() !== String(expected.best))
    throw new Error(`the weights are those of epoch ${weightsOf.join()}, right is ${expected.best}`);
}

export const monitorsFollowMetrics: Law = {
  name: "a monitor goes the way that its metric says is better",
  // About trainers and not definitions: tried where ermine's own are.
  trials: ({ losses }) =>
    losses.some((loss) => loss.lossName === crossEntropy.lossName)
      ? [true, false].flatMap((compile) => {
          const how = compile ? "compiled" : "eager";
          return [
            ...Object.entries(cases).map(([name, one]) => ({
              name: `${name}, ${how}`,
              check: (backend: Backend) => check(backend, compile, one),
            })),
            {
              name: `a metric that does not say, ${how}`,
              async check(backend: Backend) {
                const error = await refused(() => run(backend, compile, scripted(rising), 2));
                if (error.code !== "ERMINE_OPTION") throw new Error(`it is refused as ${error.code}: ${error.message}`);
              },
            },
          ];
        })
      : [],
};
