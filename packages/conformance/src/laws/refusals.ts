/** The law of refusals: after a refused call every correct call works, and gives the bits that it would have given. */
import { manualSeed, mse, type Backend } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, Sequential } from "@ermine/core/nn";
import { adam, dataset, exponentialAverage, Trainer } from "@ermine/trainer";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const samples = 6;
const column = (width: number, fill?: number) => ({
  data: Float32Array.from({ length: width * samples }, (_, i) => fill ?? ((i * 7) % 11) / 5 - 1),
  shape: [samples, width],
});
const good = dataset({ inputs: column(2), targets: column(1) });
const wide = dataset({ inputs: column(3), targets: column(1) });
const bare = dataset({ inputs: column(2) });
const broad = dataset({ inputs: column(2), targets: column(2) });
const infinite = dataset({ inputs: column(2, Infinity), targets: column(1) });
const run = { epochs: 1, batchSize: 3, notice: () => undefined } as const;

const calls: Readonly<Record<string, (trainer: Trainer) => unknown>> = {
  "predict of another width": (t) => t.predict(wide),
  "predict of no data set": (t) => t.predict("inputs" as never),
  "predict of classes": (t) => t.predict(good, { as: "classes" }),
  "evaluate of another width": (t) => t.evaluate(wide),
  "evaluate without targets": (t) => t.evaluate(bare),
  "evaluate of other targets": (t) => t.evaluate(broad),
  "fit of another width": (t) => t.fit(wide, run),
  "fit without targets": (t) => t.fit(bare, run),
  "fit of other targets": (t) => t.fit(broad, run),
  "fit of infinite inputs": (t) => t.fit(infinite, run),
  "fit with validation of another width": (t) => t.fit(good, { ...run, validation: wide }),
  "fit with validation without targets": (t) => t.fit(good, { ...run, validation: bare }),
  "fit of no epochs": (t) => t.fit(good, { ...run, epochs: 0 }),
  "fit with a misspelt option": (t) => t.fit(good, { ...run, batchsize: 3 } as never),
  "plan of another width": (t) => t.plan(wide),
  "profile of another width": (t) => t.profile(wide),
};

async function after(
  backend: Backend,
  compile: boolean,
  accumulate: number,
  trained: boolean,
  call?: (trainer: Trainer) => unknown,
): Promise<string> {
  manualSeed(3);
  const model = new Sequential(new Linear(2, 4), new BatchNorm1d(4), new Dropout(0.5), new Linear(4, 1)).eval();
  const optimizer = exponentialAverage(adam());
  const trainer = new Trainer({ model, loss: mse, optimizer, backend, compile, accumulate, seed: 5 });
  try {
    if (trained) await trainer.fit(good, run);
    if (call !== undefined) await refused(() => call(trainer));
    if (model.training) throw new Error("the model is in another mode");
    const { loss } = await trainer.evaluate(good);
    const { steps } = await trainer.fit(good, run);
    const { data } = await trainer.predict(good);
    const averaged = await trainer.evaluate(good, { weights: "averaged" });
    return [loss, ...steps, ...data, averaged.loss].join();
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

/** The results without a refused call. */
const expected = new WeakMap<Backend, Map<string, string>>();

export const refusalsLeaveNoTrace: Law = {
  name: "a refused call leaves no trace",
  trials: () =>
    Object.entries(calls).map(([name, call], i) => ({
      name,
      async check(backend) {
        for (const compile of [true, false]) {
          // Compiled at first and eager after training, or the other way round.
          const trained = compile === (i % 2 === 0);
          // Micro-batches are other entries of the program.
          const accumulate = i % 4 < 2 ? 1 : 2;
          const where = `${compile ? "compiled" : "eager"}, ${accumulate} micro-batches, ${trained ? "after training" : "at first"}`;
          const byName = expected.get(backend) ?? new Map<string, string>();
          expected.set(backend, byName);
          const without = byName.get(where) ?? (await after(backend, compile, accumulate, trained));
          byName.set(where, without);
          const afterIt = await after(backend, compile, accumulate, trained, call);
          if (afterIt !== without) throw new Error(`${where}: then ${afterIt}, without it ${without}`);
        }
      },
    })),
};
