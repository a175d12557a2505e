/** The law of commits: nothing that is not finite is written to a parameter, a slot or a buffer, whatever made it. */
import { div, ErmineError, flatten, log, manualSeed, mse, mul, sub, type Backend, type Tensor } from "@ermine/core";
import { BatchNorm1d, Embedding, Linear, Module, Sequential } from "@ermine/core/nn";
import {
  adafactor,
  adam,
  chain,
  dataset,
  perParameter,
  scaleByAdam,
  scaleByLearningRate,
  sgd,
  Trainer,
  type DataSource,
  type Optimizer,
  type OptimizerSetup,
  type Schedule,
} from "@ermine/trainer";
import type { Law, Trial } from "./law.js";

const samples = 8;
const inputs = { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] };
const targets = { data: new Float32Array(samples).fill(1), shape: [samples, 1] };
const values = dataset({ inputs, targets });
/** The gradient of a linear layer's weight is 0. */
const still = dataset({ inputs: { data: new Float32Array(2 * samples), shape: [samples, 2] }, targets });
const tokens = dataset({
  inputs: { data: Int32Array.from({ length: 2 * samples }, (_, i) => (i * 7) % 5), shape: [samples, 2] },
  targets,
});
/** 0.01 in the first two updates. */
const then = (bad: number): Schedule => ({ name: "then", per: "step", at: (step) => (step < 2 ? 0.01 : bad) });

/** The logarithm of what training makes negative: NaN in the forward pass from some step on. */
class Logarithm extends Module {
  readonly fc = new Linear(2, 1);

  forward(x: Tensor): Tensor {
    return log(sub(mul(this.fc.forward(x), 10), 1));
  }
}

/** For an optimizer of the rows that are looked up. */
class Pairs extends Module {
  readonly table = new Embedding(5, 3);
  readonly head = new Linear(6, 1);

  forward(x: Tensor): Tensor {
    return this.head.forward(flatten(this.table.forward(x), 1));
  }
}

interface Training {
  readonly optimizer: OptimizerSetup;
  readonly compile: boolean;
  readonly model?: () => Module;
  readonly data?: DataSource;
  readonly accumulate?: number;
  /** May each step be finite, so that none needs to be refused? */
  readonly mayPass?: boolean;
}

const normalized = (): Module => new Sequential(new Linear(2, 4), new BatchNorm1d(4), new Linear(4, 1));

/** @throws Error that names the first variable that is not finite after training, or where no step was refused */
async function checkFinite(
  backend: Backend,
  { model: make = normalized, data: source = values, mayPass = false, ...training }: Training,
): Promise<void> {
  manualSeed(3);
  const model = make();
  const trainer = new Trainer({ model, loss: mse, backend, ...training });
  const fit = () => trainer.fit(source, { epochs: 4, batchSize: 4, notice: () => undefined });
  try {
    const error = await fit().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined ? !mayPass : !(error instanceof ErmineError && error.code === "ERMINE_NOT_FINITE"))
      throw new Error(error === undefined ? "no step was refused" : `training ended in ${String(error)}`, { cause: error });
    for (const { name, data } of (await trainer.snapshot()).variables) {
      const bad = data.find((value) => !Number.isFinite(value));
      if (bad !== undefined) throw new Error(`${name} holds ${bad}`);
    }
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

type MakeOptimizer = (options?: { readonly learningRate: Schedule }) => Optimizer;

/** The optimizer on what every one takes: matrices, or the rows of a table. */
function settingOf(optimizer: Optimizer): Pick<Training, "optimizer" | "model" | "data"> {
  const isForRows = optimizer.rows === "only";
  const takes = (name: string, rank: number): boolean => (isForRows ? name === "table.weight" : rank === 2);
  const setup: OptimizerSetup = [
    { parameters: (name, { shape }) => takes(name, shape.length), optimizer },
    { parameters: () => true, optimizer: sgd() },
  ];
  return isForRows ? { optimizer: setup, model: () => new Pairs(), data: tokens } : { optimizer: setup };
}

const rates = (name: string, make: MakeOptimizer, compile: boolean): readonly Trial[] =>
  [NaN, 3e38].map((bad) => ({
    name: `${name}, a rate of ${bad}, ${mode(compile)}`,
    check: (backend) =>
      checkFinite(backend, {
        ...settingOf(make({ learningRate: then(bad) })),
        compile,
        // rprop's rate is only where its step sizes start.
        mayPass: name === "rprop" || Number.isFinite(bad),
      }),
  }));

const mode = (compile: boolean): string => (compile ? "compiled" : "op by op");

/** Divides by the gradient. */
const byGradient = perParameter({ name: "byGradient", update: (u) => [div(u, u)] });

const onStill = (optimizer: OptimizerSetup): Omit<Training, "compile"> => ({
  optimizer,
  model: () => new Linear(2, 1),
  data: still,
});

/** Further causes of a step that is not finite. */
const others: Readonly<Record<string, () => Omit<Training, "compile">>> = {
  "a momentum of NaN": () => ({ optimizer: sgd({ momentum: then(NaN) }) }),
  "a forward pass of NaN": () => ({ model: () => new Logarithm(), optimizer: adam({ learningRate: 0.5 }) }),
  "a gradient of 0, adam without eps": () => onStill(adam({ eps: 0 })),
  "a gradient of 0, adam without eps as a chain": () => onStill(chain(scaleByAdam({ eps: 0 }), scaleByLearningRate(0.1))),
  "a gradient of 0, adafactor without eps": () => onStill(adafactor({ eps: [0, 0] })),
  "a gradient of 0, a link that divides by it": () => onStill(chain(byGradient, scaleByLearningRate(0.1))),
  "two micro-batches, a rate of NaN": () => ({ optimizer: sgd({ learningRate: then(NaN) }), accumulate: 2 }),
};

export const nothingInfiniteIsCommitted: Law = {
  name: "nothing that is not finite is committed",
  trials: ({ optimizers = {} }) =>
    [true, false].flatMap((compile) => [
      ...Object.entries(optimizers).flatMap(([name, make]) => rates(name, make as MakeOptimizer, compile)),
      ...Object.entries(others).map(([name, training]) => ({
        name: `${name}, ${mode(compile)}`,
        check: (backend: Backend) => checkFinite(backend, { ...training(), compile }),
      })),
    ]),
};
