/** The law of parameters without a gradient: what the loss does not use, and what is frozen, stays as it is, whatever the optimizer. */
import { add, manualSeed, mse, type Backend, type Tensor } from "@ermine/core";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import {
  addDecayedWeights,
  adamw,
  chain,
  dataset,
  exponentialAverage,
  l2Penalty,
  lookahead,
  scaleByLearningRate,
  sgd,
  Trainer,
  type Optimizer,
} from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import type { Law } from "./law.js";

/** One layer that the loss uses, one that it does not, and a frozen one on the way. */
class Partly extends Module {
  readonly used = new Linear(2, 2, { bias: false });
  readonly spare = new Linear(3, 2, { bias: false });
  readonly frozen = new Linear(2, 2, { bias: false });

  constructor() {
    super();
    this.frozen.freeze();
  }

  forward(x: Tensor): Tensor {
    return this.frozen.forward(this.used.forward(x));
  }
}

/** The same of tables, for an optimizer of tables alone. */
class Tables extends Module {
  readonly used = new Embedding(4, 2);
  readonly spare = new Embedding(4, 2);
  readonly frozen = new Embedding(4, 2);

  constructor() {
    super();
    this.frozen.freeze();
  }

  forward(tokens: Tensor): Tensor {
    return add(this.used.forward(tokens), this.frozen.forward(tokens));
  }
}

/** Every optimizer, with decay and momentum where it has them: what would move a parameter by itself. */
function everyOptimizer(): Readonly<Record<string, Optimizer>> {
  const moving = { weightDecay: 0.1, momentum: 0.9 };
  const all = Object.entries(optimizers).map(([name, make]) => {
    const has = make().options;
    const options = Object.entries(moving).filter(([option]) => option in has && name !== "sparseAdam");
    return [name, make({ learningRate: 0.05, ...Object.fromEntries(options) })] as const;
  });
  return {
    ...Object.fromEntries(all),
    exponentialAverage: exponentialAverage(adamw({ weightDecay: 0.1 })),
    lookahead: lookahead(sgd({ weightDecay: 0.1 }), { k: 1 }),
    chain: chain(addDecayedWeights(0.1), scaleByLearningRate(0.05)),
  };
}

class Many extends Module {
  readonly parts: Readonly<Record<string, Partly | Tables>>;

  constructor(names: readonly string[]) {
    super();
    this.parts = Object.fromEntries(names.map((name) => [name, name === "sparseAdam" ? new Tables() : new Partly()]));
  }

  forward(x: Tensor, tokens: Tensor): Tensor {
    return Object.values(this.parts)
      .map((part) => (part instanceof Tables ? part.forward(tokens) : part.forward(x)))
      .reduce(add);
  }
}

async function check(backend: Backend, compile: boolean, accumulate: number): Promise<void> {
  manualSeed(5);
  const optimizers = everyOptimizer();
  const model = new Many(Object.keys(optimizers));
  const values = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(1 + i));
  const data = dataset({
    inputs: [
      { data: values(16), shape: [8, 2] },
      { data: Int32Array.from({ length: 8 }, (_, i) => i % 4), shape: [8] },
    ],
    targets: { data: values(16), shape: [8, 2] },
  });
  // A table of rows alone takes no sums of micro-batches.
  const rest = accumulate === 1 ? optimizers : { ...optimizers, sparseAdam: sgd({ learningRate: 0.05, weightDecay: 0.1 }) };
  const trainer = new Trainer({
    model,
    loss: mse,
    optimizer: Object.entries(rest).map(([name, optimizer]) => ({
      parameters: (path: string) => path.startsWith(`parts.${name}.`),
      optimizer,
    })),
    regularizers: [l2Penalty(0.01, { parameters: (path) => path === "parts.sgd.used.weight" })],
    clipGradNorm: 10,
    backend,
    compile,
    accumulate,
  });
  try {
    const before = await model.stateDict();
    await trainer.fit(data, { epochs: 2, batchSize: 4 });
    const after = await model.stateDict();
    for (const [path, { data: was }] of Object.entries(before)) {
      const moved = was.some((value, i) => !Object.is(value, after[path]!.data[i]));
      if (moved === path.includes(".used.")) continue;
      throw new Error(`${path} ${moved ? "has no gradient, and moved" : "has a gradient, and did not move"}`);
    }
    await trainer.withAveragedWeights(async () => {
      const averaged = await model.stateDict();
      const path = "parts.exponentialAverage.spare.weight";
      const wrong = averaged[path]!.data.findIndex((value, i) => value !== before[path]!.data[i]);
      if (wrong >= 0) throw new Error(`the average of ${path} moved, and the parameter has no gradient`);
    });
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

export const unusedStays: Law = {
  name: "a parameter without a gradient stays as it is",
  trials: () =>
    [true, false].flatMap((compile) =>
      [1, 2].map((accumulate) => ({
        name: `every optimizer, ${compile ? "compiled" : "eagerly"}, ${accumulate} micro-batch${accumulate === 1 ? "" : "es"} an update`,
        check: (backend: Backend) => check(backend, compile, accumulate),
      })),
    ),
};
