// A training for a worker: on the reference, with what the test asks for.
import { crossEntropy, manualSeed } from "@ermine/core";
import { Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, adamw, dataset, Trainer } from "../dist/index.js";
import { checkpoint } from "../dist/checkpoint/node.js";

const count = 60;
export const inputs = { data: Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(i * 1.7)), shape: [count, 2] };
const targets = Int32Array.from({ length: count }, (_, i) => Number(inputs.data[2 * i] > inputs.data[2 * i + 1]));

export async function train({ epochs, folder, fault, wait = 0 }, { signal, reporter, notice, servePredictions, post }) {
  if (fault === "throws") throw new TypeError("there is no such file");
  if (fault === "exits") process.exit(3);
  if (fault === "crashes") {
    setTimeout(() => {
      throw new RangeError("nobody catches this");
    });
    await new Promise(() => undefined);
  }
  if (fault === "ermine") new Dropout(2);
  if (fault === "message") post(() => undefined);
  manualSeed(4);
  const model = new Sequential(new Linear(2, 8), new ReLU(), new Dropout(0.1), new Linear(8, 2));
  const options = {
    model,
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.02 }),
    backend: reference(),
    metrics: [accuracy()],
  };
  const trainer = new Trainer(options);
  if (fault !== "no trainer") servePredictions(trainer);
  post({ started: true });
  const slow = {
    name: "slow",
    state: () => null,
    restore: () => undefined,
    onStep: () => new Promise((done) => setTimeout(done, wait)),
  };
  const saves = folder === undefined ? undefined : checkpoint({ folder, every: { updates: 5 }, signals: fault === "signals" });
  const history = await trainer.fit(dataset({ inputs, targets }), {
    epochs,
    batchSize: 8,
    signal,
    notice,
    callbacks: [reporter, wait > 0 && slow, saves],
    ...(saves === undefined ? {} : { resume: saves }),
  });
  notice("that was all");
  if (fault === "result") return { model };
  return { ...history, state: await model.stateDict() };
}
