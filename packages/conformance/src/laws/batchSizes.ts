/**
 * The law of batch sizes: a batch of which a layer cannot measure a variance is refused before the first step, or left out by dropLast; a batch in
 * which nothing counts changes nothing; and statistics that are not finite are not kept.
 */
import { add, ErmineError, manualSeed, mse, mul, type Backend, type Tensor } from "@ermine/core";
import { BatchNorm1d, Linear, Module, Sequential } from "@ermine/core/nn";
import { adam, dataset, stream, Trainer, type DataSource, type Dataset } from "@ermine/trainer";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const wave = (length: number, shape: readonly number[]) => ({
  data: Float32Array.from({ length }, (_, i) => Math.sin(1 + i)),
  shape,
});
const rows = (samples: number, sampleWeights?: Float32Array): Dataset =>
  dataset({
    inputs: wave(2 * samples, [samples, 2]),
    targets: wave(samples, [samples, 1]),
    ...(sampleWeights === undefined ? {} : { sampleWeights }),
  });

/** The same samples one after the other, of which nobody says how many there are. */
function streamed(samples: number): DataSource {
  const [inputs, targets] = [wave(2 * samples, [samples, 2]).data, wave(samples, [samples, 1]).data];
  return stream(function* () {
    for (let i = 0; i < samples; i++) yield { inputs: [inputs[2 * i]!, inputs[2 * i + 1]!], targets: [targets[i]!] };
  });
}

const normed = (): Module => new Sequential(new Linear(2, 3), new BatchNorm1d(3), new Linear(3, 1));

const stateOf = async (model: Module): Promise<readonly number[]> =>
  Object.values(await model.stateDict()).flatMap(({ data }) => Array.from(data));

interface Options {
  readonly backend: Backend;
  readonly compile: boolean;
  readonly accumulate: number;
}

type Check = (trainer: Trainer, model: Module, accumulate: number) => Promise<void>;

const same = (a: readonly number[], b: readonly number[]): boolean => a.every((value, i) => Object.is(value, b[i]));

function checkFinite(label: string, values: ArrayLike<number>): void {
  const place = Array.from(values).findIndex((value) => !Number.isFinite(value));
  if (place >= 0) throw new Error(`${label}: element ${place} is ${values[place]}`);
}

/** Refused, naming all of these, with no step taken and nothing changed. */
async function checkRefused(trainer: Trainer, model: Module, act: () => unknown, named: readonly RegExp[]): Promise<void> {
  const before = await stateOf(model);
  const steps = trainer.step;
  const { message } = await refused(act);
  const missing = named.find((pattern) => !pattern.test(message));
  if (missing !== undefined) throw new Error(`"${message}" does not say ${String(missing)}`);
  if (trainer.step !== steps) throw new Error(`it is refused after ${trainer.step - steps} steps`);
  if (!same(await stateOf(model), before)) throw new Error("it is refused, and the model is another one");
}

/** Gives what is finite, and statistics of which the variance overflows in float32. */
class Aside extends Module {
  readonly norm = new BatchNorm1d(1);
  readonly linear = new Linear(2, 1);
  forward(x: Tensor): Tensor {
    return add(this.linear.forward(x), this.norm.forward(mul(this.linear.forward(x), 1e30)));
  }
}

const cases: Readonly<Record<string, { readonly model: () => Module; readonly check: Check }>> = {
  "a last batch of one sample is refused before the first step": {
    model: normed,
    async check(trainer, model) {
      const named = [/last batch has 1 sample/, /BatchNorm1d/, /batchSize \(7\)/, /dropLast: true/];
      await checkRefused(trainer, model, () => trainer.fit(rows(9), { epochs: 1, batchSize: 8 }), named);
      const other = await trainer.fit(rows(9), { epochs: 1, batchSize: 7 });
      checkFinite("losses of another batchSize", other.steps);
      checkFinite("what is kept", await stateOf(model));
      checkFinite("predictions", (await trainer.predict(rows(9), { batchSize: 8 })).data);
      checkFinite("the loss", [(await trainer.evaluate(rows(9), { batchSize: 8 })).loss]);
    },
  },
  "batches of one sample altogether are refused": {
    model: normed,
    check: (trainer, model) =>
      checkRefused(trainer, model, () => trainer.fit(rows(9), { epochs: 1, batchSize: 1 }), [/batches of 1 sample/]),
  },
  "dropLast leaves out the rest": {
    model: normed,
    async check(trainer, model, accumulate) {
      const { steps } = await trainer.fit(rows(17), { epochs: 2, batchSize: 8, dropLast: true });
      checkFinite("losses", steps);
      checkFinite("what is kept", await stateOf(model));
      const updates = 2 * Math.floor(2 / accumulate);
      if (trainer.step !== updates) throw new Error(`${trainer.step} updates, right is ${updates}`);
    },
  },
  "a stream leaves out a batch of one sample, with a notice": {
    model: normed,
    async check(trainer, model, accumulate) {
      const notices: string[] = [];
      const notice = (message: string): void => void notices.push(message);
      const { steps } = await trainer.fit(streamed(9), { epochs: 1, batchSize: 4, notice });
      checkFinite("losses", steps);
      checkFinite("what is kept", await stateOf(model));
      if (trainer.step !== 2 / accumulate) throw new Error(`${trainer.step} updates, right is ${2 / accumulate}`);
      if (!notices.some((message) => message.includes("has 1 sample and was left out"))) throw new Error("no notice says so");
    },
  },
  "a batch in which nothing counts changes nothing": {
    model: normed,
    async check(trainer, model) {
      const notices: string[] = [];
      const notice = (message: string): void => void notices.push(message);
      await trainer.fit(rows(8), { epochs: 1, batchSize: 4 });
      const before = await stateOf(model);
      await trainer.fit(rows(4, new Float32Array(4)), { epochs: 1, batchSize: 4, notice });
      if (!notices.some((message) => message.includes("nothing in the batch counts"))) throw new Error("no notice says so");
      if (!same(await stateOf(model), before)) throw new Error("the model is another one");
    },
  },
  "statistics that are not finite are not kept": {
    model: () => new Aside(),
    async check(trainer, model) {
      const before = await stateOf(model);
      const fit = (): Promise<unknown> => trainer.fit(rows(6), { epochs: 1, batchSize: 3 });
      const error = await fit().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      checkFinite("what is kept", await stateOf(model));
      if (!(error instanceof ErmineError) || error.code !== "ERMINE_NOT_FINITE" || !error.message.includes("norm")) throw error;
      if (!same(await stateOf(model), before)) throw new Error("it is refused, and the model is another one");
    },
  },
};

async function attempt(options: Options, { model: make, check }: (typeof cases)[string]): Promise<void> {
  manualSeed(2);
  const model = make();
  const trainer = new Trainer({ model, loss: mse, optimizer: adam(), ...options });
  try {
    await check(trainer, model, options.accumulate);
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

export const batchesAreMeasurable: Law = {
  name: "a batch that cannot be measured is refused before the first step",
  // About trainers and not definitions: tried where ermine's own are.
  trials: ({ losses }) =>
    Object.entries(losses.some((loss) => loss.lossName === mse.lossName) ? cases : {}).flatMap(([name, one]) =>
      [true, false].map((compile) => ({
        name: `${name}, ${compile ? "compiled" : "eager"}`,
        async check(backend: Backend) {
          for (const accumulate of [1, 2]) {
            try {
              await attempt({ backend, compile, accumulate }, one);
            } catch (error) {
              throw new Error(`${accumulate} micro-batches an update: ${(error as Error).message}`, { cause: error });
            }
          }
        },
      })),
    ),
};
