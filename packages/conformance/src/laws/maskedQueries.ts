/** The law of masks: a sample of padding alone, whose queries may attend to nothing, is named as what it is by `fit` and `predict`, and trains nothing. */
import { cast, ErmineError, manualSeed, mse, sum, type Backend, type Tensor } from "@ermine/core";
import { Linear, Module, MultiHeadAttention } from "@ermine/core/nn";
import { dataset, sgd, Trainer, type Dataset } from "@ermine/trainer";
import type { Law } from "./law.js";

class Masked extends Module {
  readonly attention = new MultiHeadAttention(4, 2);
  readonly head = new Linear(4, 1);
  forward(x: Tensor, padding: Tensor): Tensor {
    return sum(this.head.forward(this.attention.forward(x, x, x, { keyPaddingMask: cast(padding, "bool") })), { axis: 1 });
  }
}

/** Two sequences of three steps; 1 is padding. */
const padded = (...padding: number[]): Dataset =>
  dataset({
    inputs: [
      { data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), shape: [2, 3, 4] },
      { data: Float32Array.from(padding), shape: [2, 3] },
    ],
    targets: { data: Float32Array.of(1, 2), shape: [2, 1] },
  });

const check = async (backend: Backend, compile: boolean): Promise<void> => {
  manualSeed(1);
  const model = new Masked();
  const trainer = new Trainer({ model, loss: mse, optimizer: sgd({ learningRate: 0.1 }), backend, compile });
  const notices: string[] = [];
  const [whole, empty] = [padded(0, 0, 1, 0, 1, 1), padded(0, 0, 1, 1, 1, 1)];
  try {
    await trainer.fit(whole, { epochs: 1, batchSize: 2 });
    const before = JSON.stringify(await model.stateDict());
    const error = await trainer.fit(empty, { epochs: 1, batchSize: 2 }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ErmineError) || error.code !== "ERMINE_NOT_FINITE") throw new Error(`fit: ${String(error)}`);
    if (!/layer attention.*does a mask \(attnMask, keyPaddingMask\) hide every key/.test(error.message)) throw error;
    if (JSON.stringify(await model.stateDict()) !== before) throw new Error("it is refused, and the model is another one");
    const { data } = await trainer.predict(empty, { notice: (message) => void notices.push(message) });
    if (!Number.isFinite(data[0]) || !Number.isNaN(data[1])) throw new Error(`predict gives ${Array.from(data).join(", ")}`);
    if (notices.length !== 1 || !/NaN for 1 of 2 samples, the first of which is sample 1\..*does a mask/.test(notices[0]!))
      throw new Error(`predict says ${JSON.stringify(notices)}`);
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
};

export const maskedQueriesAreNamed: Law = {
  name: "a query that may attend to nothing is named",
  // About trainers and not definitions: tried where ermine's own are.
  trials: ({ losses }) =>
    losses.some((loss) => loss.lossName === mse.lossName)
      ? [true, false].map((compile) => ({
          name: compile ? "compiled" : "eager",
          check: (backend: Backend) => check(backend, compile),
        }))
      : [],
};
