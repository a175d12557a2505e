/** The law of steps in flight: on a backend whose answers come later, with several runs queued, training is that of the backend as it is. */
import { crossEntropy, manualSeed, type Backend } from "@ermine/core";
import type { GraphModule, VariableStorage } from "@ermine/core/backend";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { dataset, schedules, sgd, Trainer } from "@ermine/trainer";
import type { Law } from "./law.js";

const batchSize = 3;
const batches = 8;
const samples = batchSize * batches;
/** Batches whose forward overflows, and batches without a target that counts. */
const refused = [4, 7];
const empty = [0, 2, 3];

const inputs = Float32Array.from({ length: samples * 3 }, (_, i) => ((i * 7) % 11) / 5 - 1);
for (const batch of refused) inputs.fill(3e38, batch * batchSize * 3, batch * batchSize * 3 + 3);
const targets = Int32Array.from({ length: samples }, (_, i) => i % 2);
for (const batch of empty) targets.fill(-100, batch * batchSize, (batch + 1) * batchSize);
const data = dataset({ inputs: { data: inputs, shape: [samples, 3] }, targets });

/** The same engine, which answers in a later macrotask and takes several runs before. */
function answeringLater(backend: Backend, runsInFlight: number): Backend {
  const { readSync: _, compile, ...others } = backend;
  return {
    ...others,
    runsInFlight,
    async read(storage) {
      const values = await backend.read(storage);
      await new Promise((resolve) => setTimeout(resolve, 0));
      return values;
    },
    ...(compile && {
      compile(module: GraphModule, variables: readonly VariableStorage[]) {
        const { runSync: __, ...executable } = compile(module, variables);
        return executable;
      },
    }),
  };
}

/** Notices, losses and variables at the end of training. */
interface Outcome {
  readonly notices: readonly string[];
  readonly losses: readonly number[];
  /** The elements of every variable. */
  readonly elements: readonly number[];
}

async function trained(backend: Backend, accumulate: number): Promise<Outcome> {
  manualSeed(3);
  const model = new Sequential(new Linear(3, 6), new BatchNorm1d(6), new ReLU(), new Dropout(0.3), new Linear(6, 2));
  const optimizer = sgd({ learningRate: schedules.cosine(0.1, { totalSteps: 2 * batches }), momentum: 0.9 });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, accumulate, seed: 5 });
  const notices: string[] = [];
  try {
    const { steps } = await trainer.fit(data, {
      epochs: 2,
      batchSize,
      shuffle: false,
      onRefusal: "skip",
      notice: (text) => void notices.push(text),
    });
    const { variables } = await trainer.snapshot();
    return { notices, losses: steps, elements: variables.flatMap(({ data: values }) => Array.from(values)) };
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

/** Compilers may round a step in flight in another way: its graph asks for more. */
const rounding = 1e-4;

const numbersOf = ({ losses, elements }: Outcome): number[] => [...losses, ...elements];

async function check(backend: Backend, accumulate: number, runsInFlight: number): Promise<void> {
  const one = await trained(backend, accumulate);
  const [few, many] = [
    await trained(answeringLater(backend, 2), accumulate),
    await trained(answeringLater(backend, runsInFlight), accumulate),
  ];
  if (JSON.stringify(few) !== JSON.stringify(many))
    throw new Error(`${runsInFlight} runs in flight give ${JSON.stringify(many)}, two give ${JSON.stringify(few)}`);
  if (one.notices.join("\n") !== many.notices.join("\n"))
    throw new Error(`notices are ${many.notices.join("; ")} with runs in flight, ${one.notices.join("; ")} without`);
  const [expected, actual] = [numbersOf(one), numbersOf(many)];
  const same = actual.length === expected.length && actual.every((value, i) => Math.abs(value - expected[i]!) <= rounding);
  if (!same) throw new Error(`losses are ${many.losses.join()} with runs in flight, ${one.losses.join()} without`);
}

export const stepsAreInOrder: Law = {
  name: "steps in flight are those of one at a time",
  trials: () =>
    [
      { accumulate: 1, runsInFlight: 4 },
      { accumulate: 2, runsInFlight: 3 },
      { accumulate: 3, runsInFlight: 7 },
    ].map(({ accumulate, runsInFlight }) => ({
      name: `${accumulate} micro-batches, ${runsInFlight} runs in flight`,
      check: (backend) => check(backend, accumulate, runsInFlight),
    })),
};
