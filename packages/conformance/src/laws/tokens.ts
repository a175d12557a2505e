/**
 * The law of tokens: a trainer refuses an index that its table does not have. Those of a data set are refused before the first step; those that
 * the model computes refuse the step, and `evaluate` and `predict`. Nothing is left of it: what is trained afterwards has the same bits.
 */
import { add, crossEntropy, ErmineError, manualSeed, mean, sub, type Backend, type Tensor } from "@ermine/core";
import { BatchNorm1d, Embedding, Linear, Module, Sequential } from "@ermine/core/nn";
import { dataset, sgd, Trainer, type Dataset } from "@ermine/trainer";
import type { Law } from "./law.js";

const rows = 5;
const samples = 24;
const sequenceLength = 3;
/** Some for compiled steps, others for eager ones. */
const badsOf = ({ compile }: TokenSetup): readonly number[] => (compile ? [-1, rows] : [2 ** 30, -(2 ** 30)]);

class Bag extends Module {
  readonly table = new Embedding(rows, 4);
  readonly rest = new Sequential(new BatchNorm1d(4), new Linear(4, 2));
  readonly #computes: boolean;

  constructor(computes: boolean) {
    super();
    this.#computes = computes;
  }

  forward(tokens: Tensor): Tensor<"real"> {
    const indices = this.#computes ? sub(add(tokens, 3), 3) : tokens;
    return this.rest.forward(mean(this.table.forward(indices), { axis: 1 })) as Tensor<"real">;
  }
}

/** @param bad the token at the end of the sample `at` */
function sentences(at = 0, bad?: number): Dataset {
  const tokens = Int32Array.from({ length: samples * sequenceLength }, (_, i) => (i * 7) % rows);
  const targets = Int32Array.from({ length: samples }, (_, i) => tokens[i * sequenceLength]! & 1);
  if (bad !== undefined) tokens[at * sequenceLength + sequenceLength - 1] = bad;
  return dataset({ inputs: { data: tokens, shape: [samples, sequenceLength] }, targets: { data: targets, shape: [samples] } });
}

interface TokenSetup {
  readonly computes: boolean;
  readonly compile: boolean;
  readonly accumulate: number;
}

const fitting = { epochs: 2, batchSize: 4, shuffle: false } as const;

function trainerOf(backend: Backend, { computes, compile, accumulate }: TokenSetup): { model: Bag; trainer: Trainer } {
  manualSeed(5);
  const model = new Bag(computes);
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  return { model, trainer: new Trainer({ model, loss: crossEntropy, optimizer, backend, compile, accumulate, seed: 5 }) };
}

async function stateOf(model: Bag): Promise<readonly number[]> {
  return Object.values(await model.stateDict()).flatMap(({ data }) => Array.from(data));
}

async function refused(label: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ErmineError && error.code === "ERMINE_VALUE" && error.message.includes("the index ")) return;
    throw error;
  }
  throw new Error(`${label} takes an index that the table does not have`);
}

function checkSame(label: string, actual: readonly number[], expected: readonly number[]): void {
  const place = expected.findIndex((value, i) => !Object.is(value, actual[i]));
  if (place >= 0) throw new Error(`${label}: number ${place} of the state is ${actual[place]} and should be ${expected[place]}`);
}

/** What is trained by a trainer that has seen no bad index: after the first update, and after all. */
async function expected(backend: Backend, way: TokenSetup): Promise<{ first: readonly number[]; all: readonly number[] }> {
  const untouched = trainerOf(backend, way);
  const first = trainerOf(backend, way);
  try {
    const update = fitting.batchSize * way.accumulate;
    const head = sentences().select(Array.from({ length: update }, (_, i) => i));
    await first.trainer.fit(head, { ...fitting, epochs: 1 });
    await untouched.trainer.fit(sentences(), fitting);
    return { first: await stateOf(first.model), all: await stateOf(untouched.model) };
  } finally {
    first.trainer.dispose();
    untouched.trainer.dispose();
  }
}

async function check(backend: Backend, way: TokenSetup): Promise<void> {
  const { first, all } = await expected(backend, way);
  for (const bad of badsOf(way)) {
    const { model, trainer } = trainerOf(backend, way);
    try {
      const start = await stateOf(model);
      await refused("evaluate", () => trainer.evaluate(sentences(17, bad)));
      await refused("predict", () => trainer.predict(sentences(samples - 1, bad)));
      await refused("fit", () => trainer.fit(sentences(1, bad), fitting));
      await refused("fit's validation", () => trainer.fit(sentences(0, bad), { ...fitting, validation: sentences(3, bad) }));
      if (trainer.step !== 0) throw new Error(`${trainer.step} steps are counted, and none was taken`);
      checkSame("after refused calls", await stateOf(model), start);
      await trainer.fit(sentences(), fitting);
      checkSame("trained after refused calls", await stateOf(model), all);
    } finally {
      trainer.dispose();
    }
    if (!way.computes) continue;
    // The second update meets it: the first one is kept.
    const later = trainerOf(backend, way);
    try {
      await refused("a later step", () => later.trainer.fit(sentences(2 * fitting.batchSize * way.accumulate - 1, bad), fitting));
      checkSame("after a refused second update", await stateOf(later.model), first);
    } finally {
      later.trainer.dispose();
    }
  }
}

const ways: readonly TokenSetup[] = [true, false].flatMap((computes) =>
  [true, false].flatMap((compile) => [1, 2].map((accumulate) => ({ computes, compile, accumulate }))),
);

export const tokensAreChecked: Law = {
  name: "a trainer refuses an index that its table does not have",
  // About backends and not definitions: tried where ermine's own are.
  trials: ({ losses }) =>
    (losses.some((loss) => loss.lossName === crossEntropy.lossName) ? ways : []).map((way) => ({
      name: `${way.computes ? "computed" : "fed"}, ${way.compile ? "compiled" : "eager"}${way.accumulate > 1 ? ", accumulated" : ""}`,
      check: (backend) => check(backend, way),
    })),
};
