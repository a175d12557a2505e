/** The law of one thing at a time: what is called while a training runs waits for its turn or is refused, and `dispose` and `abort` end it. */
import { manualSeed, mse, type Backend } from "@ermine/core";
import { BatchNorm1d, Linear, Module, Sequential } from "@ermine/core/nn";
import { adam, dataset, exponentialAverage, Trainer, type Callback } from "@ermine/trainer";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const samples = 12;
const data = dataset({
  inputs: { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] },
  targets: { data: Float32Array.from({ length: samples }, (_, i) => i / 6 - 1), shape: [samples, 1] },
});
const run = { epochs: 2, batchSize: 3, notice: () => undefined } as const;

interface How {
  readonly compile: boolean;
  readonly accumulate: number;
}

function trainerOf(backend: Backend, { compile, accumulate }: How, model: Module = fresh()): Trainer {
  const optimizer = exponentialAverage(adam({ learningRate: 0.01 }), { decay: 0.5 });
  return new Trainer({ model, loss: mse, optimizer, backend, compile, accumulate, seed: 5 });
}

function fresh(): Module {
  manualSeed(3);
  return new Sequential(new Linear(2, 4), new BatchNorm1d(4), new Linear(4, 1));
}

const weights = async ({ model }: Trainer): Promise<string> =>
  Object.values(await model.stateDict())
    .flatMap((tensor) => Array.from(tensor.data))
    .join();

function same(label: string, a: unknown, b: unknown): void {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  if (left !== right) throw new Error(`${label}: ${left}, and not ${right}`);
}

/** The error of a call that `dispose` has ended. */
function namesDispose({ message }: Error): void {
  if (!message.includes("dispose()")) throw new Error(`the message does not name dispose(): ${message}`);
}

/** A training with these callbacks from the same start: what it gave. */
async function trained(backend: Backend, how: How, callbacks: (trainer: Trainer) => readonly Callback[] = () => []) {
  const trainer = trainerOf(backend, how);
  const { steps } = await trainer.fit(data, { ...run, callbacks: callbacks(trainer) });
  const result = { steps, weights: await weights(trainer) };
  trainer.dispose();
  return result;
}

const checks: Readonly<Record<string, (backend: Backend, how: How) => Promise<void>>> = {
  async "a second fit is refused, and the first is as alone"(backend, how) {
    const trainer = trainerOf(backend, how);
    const first = trainer.fit(data, run);
    await refused(() => trainer.fit(data, run));
    same("the first fit", (await first).steps, (await trained(backend, how)).steps);
    trainer.dispose();
  },
  async "evaluate and predict while a fit runs see the weights between two steps, and change nothing"(backend, how) {
    const look = async (trainer: Trainer): Promise<readonly string[]> => {
      const looks = [
        trainer.evaluate(data, { batchSize: 5 }),
        trainer.evaluate(data, { batchSize: 5, weights: "averaged" }),
        trainer.predict(data, { batchSize: 5 }).then((output) => [...output.data]),
      ];
      return (await Promise.all(looks)).map((result) => JSON.stringify(result));
    };
    const between: (readonly string[])[] = [];
    const awaited = await trained(backend, how, (trainer) => [
      { name: "awaited", onStep: async () => void between.push(await look(trainer)) },
    ]);
    let looked: Promise<readonly string[]> | undefined;
    const beside = await trained(backend, how, (trainer) => [
      {
        name: "not awaited",
        onStep: ({ step }) => void (looked ??= step === 2 ? look(trainer) : undefined),
        onTrainEnd: async () => void (await looked),
      },
    ]);
    for (const [i, observed] of (await looked)!.entries()) {
      const expected = between.map((results) => results[i]);
      if (!expected.includes(observed)) throw new Error(`${observed} is of no step: ${expected.join(" ")}`);
    }
    const alone = await trained(backend, how);
    same("the training that evaluates", awaited, alone);
    same("the training next to an evaluation", beside, alone);
  },
  async "averaged weights are put back, whoever else wants them"(backend, how) {
    const trainer = trainerOf(backend, how);
    await trainer.fit(data, run);
    const before = await weights(trainer);
    const averaged = await trainer.evaluate(data, { weights: "averaged" });
    const latest = await trainer.evaluate(data);
    const beside = await Promise.all([trainer.evaluate(data, { weights: "averaged" }), trainer.evaluate(data)]);
    same("two evaluations at once", beside, [averaged, latest]);
    const nested = await Promise.all([
      trainer.withAveragedWeights(() => trainer.evaluate(data, { weights: "averaged" })),
      trainer.withAveragedWeights(async () => trainer.withAveragedWeights(() => trainer.evaluate(data))),
    ]);
    same("inside of withAveragedWeights", nested, [averaged, averaged]);
    same("the weights after it", await weights(trainer), before);
    await refused(() => trainer.withAveragedWeights(() => trainer.fit(data, run)));
    same("the weights after a refusal", await weights(trainer), before);
    trainer.dispose();
  },
  async "dispose in a step ends the fit, and the model is free"(backend, how) {
    const trainer = trainerOf(backend, how);
    let disposed = "";
    const dispose = async (): Promise<void> => {
      trainer.dispose();
      disposed = await weights(trainer);
    };
    namesDispose(await refused(() => trainer.fit(data, { ...run, callbacks: [{ name: "end", onStep: dispose }] })));
    same("the weights", await weights(trainer), disposed);
    if (trainer.step !== 0) throw new Error("it counts steps that a dispose has ended");
    const next = trainerOf(backend, how, trainer.model);
    await next.fit(data, run);
    next.dispose();
    await trainer.fit(data, run);
    trainer.dispose();
  },
  async "dispose at any time ends what runs, and another trainer trains the model at once"(backend, how) {
    const moments = { fit: [0, 1, 3, 6], evaluate: [1], predict: [5] };
    for (const call of ["fit", "evaluate", "predict"] as const) {
      for (const ticks of moments[call]) {
        const trainer = trainerOf(backend, how);
        const calls = {
          fit: () => trainer.fit(data, { ...run, epochs: 50 }),
          evaluate: () => trainer.evaluate(data, { batchSize: 1 }),
          predict: () => trainer.predict(data, { batchSize: 1 }),
        };
        const running = refused(calls[call] as () => Promise<unknown>);
        // It may be done by then.
        const ended = running.then(namesDispose, () => undefined);
        for (let i = 0; i < ticks; i++) await (i % 4 === 3 ? new Promise((resolve) => setTimeout(resolve)) : undefined);
        trainer.dispose();
        const start = await weights(trainer);
        const other = trainerOf(backend, how, fresh());
        other.model.loadStateDict(await trainer.model.stateDict());
        const expected = (await other.fit(data, run)).steps;
        const next = trainerOf(backend, how, trainer.model);
        const { steps } = await next.fit(data, run);
        await ended;
        same(`the next training after ${ticks} ticks of ${call} from ${start.slice(0, 8)}`, steps, expected);
        next.dispose();
        other.dispose();
      }
    }
  },
  async "an abort takes no further step"(backend, how) {
    for (const [when, expected] of [
      ["before", 0],
      ["onTrainBegin", 0],
      ["onStep", 1],
      ["onEpochEnd", 4 / how.accumulate],
    ] as const) {
      const controller = new AbortController();
      if (when === "before") controller.abort();
      const callbacks = when === "before" ? [] : [{ name: "abort", [when]: () => controller.abort() }];
      const trainer = trainerOf(backend, how);
      const { steps, stopped } = await trainer.fit(data, { ...run, signal: controller.signal, callbacks });
      same(`the abort ${when}`, [steps.length, trainer.step, stopped], [expected, expected, "aborted"]);
      trainer.dispose();
    }
  },
};

export const oneThingAtATime: Law = {
  name: "one thing at a time on a trainer",
  trials: () =>
    Object.entries(checks).flatMap(([name, check]) =>
      [true, false].flatMap((compile) =>
        [1, 2].map((accumulate) => ({
          name: `${name}, ${compile ? "compiled" : "eager"}, ${accumulate === 1 ? "whole updates" : "micro-batches"}`,
          check: (backend: Backend) => check(backend, { compile, accumulate }),
        })),
      ),
    ),
};
