/** The law of resumed training: what was interrupted and taken up by another trainer has the bits of what never was. */
import { crossEntropy, flatten, manualSeed, type Backend, type Tensor } from "@ermine/core";
import { BatchNorm1d, Dropout, Embedding, Linear, Module } from "@ermine/core/nn";
import {
  adamw,
  dataset,
  earlyStopping,
  exponentialAverage,
  schedules,
  sgd,
  stream,
  Trainer,
  type Callback,
  type DataSource,
  type Optimizer,
  type OptimizerSetup,
  type Sample,
  type TrainingSnapshot,
} from "@ermine/trainer";
import type { Law } from "./law.js";

const samples = 22;
const tokens = Int32Array.from({ length: samples * 3 }, (_, i) => (i * i * 7) % 11);
const labels = Int32Array.from({ length: samples }, (_, i) => (i * 5) % 3);
const arrays = (): DataSource => dataset({ inputs: { data: tokens, shape: [samples, 3] }, targets: labels });
const rows = (): DataSource =>
  stream(
    function* (): Generator<Sample> {
      for (let i = 0; i < samples; i++) yield { inputs: tokens.subarray(3 * i, 3 * i + 3), targets: labels[i]! };
    },
    { columns: { inputs: { shape: [3], dtype: "int32" }, targets: { shape: [], dtype: "int32" } }, shuffle: 6 },
  );

class Words extends Module {
  readonly table = new Embedding(11, 4);
  readonly hidden = new Linear(12, 6);
  readonly norm = new BatchNorm1d(6);
  readonly drop = new Dropout(0.3);
  readonly head = new Linear(6, 3);

  forward(tokens: Tensor): Tensor {
    const embedded = flatten(this.table.forward(tokens), 1);
    return this.head.forward(this.drop.forward(this.norm.forward(this.hidden.forward(embedded))));
  }
}

/** One way to train. */
interface TrainingSetup {
  readonly name: string;
  readonly accumulate?: number;
  readonly compile?: boolean;
  readonly data?: () => DataSource;
  wrap?(optimizer: Optimizer): Optimizer;
  rest?(): Optimizer;
}

const ways: readonly TrainingSetup[] = [
  { name: "a schedule", rest: () => sgd({ learningRate: schedules.cosine(0.1, { totalSteps: 18 }), momentum: 0.9 }) },
  { name: "a stream, shuffled", data: rows },
  { name: "averaged weights", wrap: (optimizer) => exponentialAverage(optimizer, { decay: 0.8 }) },
  { name: "a schedule that follows a log", rest: () => adamw({ learningRate: schedules.reduceOnPlateau(0.1, { patience: 0 }) }) },
  { name: "micro-batches", accumulate: 2 },
  { name: "op by op", compile: false },
];

/** The optimizer on what it may be on, another one on the rest. */
function setup(optimizer: Optimizer, { rest, wrap = (one) => one }: TrainingSetup): OptimizerSetup {
  const takes = (name: string, rank: number): boolean => (optimizer.rows === "only" ? name === "table.weight" : rank === 2);
  return [
    {
      parameters: (name, { shape }) => takes(name, shape.length),
      optimizer: optimizer.rows === "only" ? optimizer : wrap(optimizer),
    },
    { parameters: () => true, optimizer: rest?.() ?? sgd({ learningRate: 0.05 }) },
  ];
}

interface Run {
  readonly after?: number;
  readonly resume?: TrainingSnapshot;
}

/** Trains to the end, or until so many updates were taken here. @returns all of the training there */
async function train(
  backend: Backend,
  make: () => Optimizer,
  way: TrainingSetup,
  { after, resume }: Run,
): Promise<TrainingSnapshot> {
  // Parameters that are not restored are others.
  manualSeed(resume === undefined ? 3 : 8);
  const model = new Words();
  const { accumulate = 1, compile = true, data = arrays } = way;
  const trainer = new Trainer({
    model,
    loss: crossEntropy,
    optimizer: setup(make(), way),
    backend,
    compile,
    accumulate,
    seed: 5,
  });
  let last: TrainingSnapshot | undefined;
  let updates = 0;
  const ending: Callback = {
    name: "ending",
    state: () => null,
    onStep: (_, control) => (++updates === after ? control.interrupt() : undefined),
    onSnapshot: (snapshot) => void (last = snapshot),
  };
  try {
    await trainer.fit(data(), {
      epochs: 3,
      batchSize: 4,
      validation: arrays(),
      callbacks: [ending, earlyStopping({ monitor: "valLoss", patience: 9 })],
      resume,
    });
    return last!;
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

const sameBits = (a: ArrayBufferView, b: ArrayBufferView): boolean => {
  const [left, right] = [a, b].map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  return left!.length === right!.length && left!.every((byte, i) => byte === right![i]);
};

/** @throws Error that names the first difference */
function checkSame(whole: TrainingSnapshot, resumed: TrainingSnapshot): void {
  whole.variables.forEach(({ name, data }, i) => {
    const other = resumed.variables[i];
    if (other?.name !== name || !sameBits(data, other.data))
      throw new Error(
        `${name} is ${other?.data.slice(0, 4).join(", ")} … after training was resumed, and ${data.slice(0, 4).join(", ")} … at once`,
      );
  });
  for (const [name, value] of Object.entries(whole.host)) {
    const [a, b] = [value, resumed.host[name as keyof typeof whole.host]].map((one) => JSON.stringify(one));
    if (a !== b) throw new Error(`${name} is ${b} after training was resumed, and ${a} at once`);
  }
}

export const trainingResumes: Law = {
  name: "training that is resumed has the bits of training at once",
  trials: ({ optimizers = {} }) =>
    Object.entries(optimizers).map(([name, make], i) => {
      const way = ways[i % ways.length]!;
      const isForRows = make().rows === "only";
      const setup = isForRows ? { ...way, accumulate: 1 } : way;
      return {
        name: `${name}, with ${way.name}`,
        async check(backend) {
          const whole = await train(backend, make, setup, {});
          const held = backend.memory().tensors;
          const first = await train(backend, make, setup, { after: setup.accumulate === 2 ? 2 : 4 });
          if (first.host.cursor === null) throw new Error("the interruption is at the end of an epoch");
          const second = await train(backend, make, setup, { after: 3, resume: first });
          checkSame(whole, await train(backend, make, setup, { resume: second }));
          const left = backend.memory().tensors - held;
          if (left > 0) throw new Error(`resuming leaves ${left} tensors behind`);
        },
      };
    }),
};
