/** Law 6: what a constructor or function does not know, or of another kind than it must be, is refused by an ErmineError. */
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, earlyStopping, progressBar, sgd, Trainer } from "@ermine/trainer";
import { metrics, optimizers } from "@ermine/trainer/catalog";
import { mse, tensor, useBackend } from "@ermine/core";
import { ownDefinitions } from "../src/index.js";
import { law, refused, type Instance } from "./law.js";

useBackend(reference());
const { activations, losses } = ownDefinitions();
type Make = (options: unknown) => unknown;
const construct = (name: string, ...args: unknown[]): Make => {
  const type = (nn as unknown as Record<string, new (...args: unknown[]) => unknown>)[name]!;
  return (options) => new type(...args, options);
};
const trainer = () => new Trainer({ model: new nn.Linear(2, 1), loss: mse, optimizer: sgd(), backend: reference() });
const data = dataset({
  inputs: { data: new Float32Array(4), shape: [2, 2] },
  targets: { data: new Float32Array(2), shape: [2, 1] },
});
const x = () => tensor([[0.1, 0.2]]);

/** Whatever takes an object of options, as a function of that object. */
const takers: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(activations.map((f) => [`activation ${f.activationName}`, (o: unknown) => f(x(), o as never)])),
  ...Object.fromEntries(losses.map((f) => [`loss ${f.lossName}`, (o: unknown) => f.with(o as never)])),
  ...Object.fromEntries(Object.entries(optimizers).map(([name, f]) => [`optimizer ${name}`, f as Make])),
  ...Object.fromEntries(Object.entries(metrics).map(([name, f]) => [`metric ${name}`, f as Make])),
  "layer Linear": construct("Linear", 2, 1),
  "layer Bilinear": construct("Bilinear", 2, 1, 1),
  "layer Conv2d": construct("Conv2d", 1, 2, 3),
  "layer ConvTranspose2d": construct("ConvTranspose2d", 1, 2, 3),
  "layer BatchNorm1d": construct("BatchNorm1d", 3),
  "layer GroupNorm": construct("GroupNorm", 1, 2),
  "layer LayerNorm": construct("LayerNorm", 3),
  "layer Embedding": construct("Embedding", 3, 2),
  "layer LSTM": construct("LSTM", 2, 3),
  "layer GRUCell": construct("GRUCell", 2, 3),
  "layer MultiHeadAttention": construct("MultiHeadAttention", 4, 2),
  "layer TransformerEncoderLayer": construct("TransformerEncoderLayer", 4, 2),
  "layer MaxPool2d": construct("MaxPool2d", 2),
  "layer AvgPool2d": construct("AvgPool2d", 2),
  "layer Upsample": construct("Upsample"),
  "trainer Trainer": (o) => new Trainer(o as never),
  "trainer fit": (o) => trainer().fit(data, o as never),
  "trainer evaluate": (o) => trainer().evaluate(data, o as never),
  "trainer predict": (o) => trainer().predict(data, o as never),
  "trainer plan": (o) => trainer().plan(data, o as never),
  "trainer dataset": (o) => dataset(o as never),
  "callback progressBar": (o) => progressBar(o as never),
  "callback earlyStopping": (o) => earlyStopping(o as never),
  "model loadStateDict": (o) => new nn.Linear(2, 1).loadStateDict({}, o as never),
};

const wrong: Readonly<Record<string, unknown>> = {
  "an unknown name": { nonsense: 1 },
  "a number": 1,
  "a text": "mean",
  "a boolean": true,
  null: null,
};
const instances: Instance[] = Object.entries(takers).flatMap(([name, make]) =>
  Object.entries(wrong).map(([what, options]) => ({
    name: `${name}: ${what}`,
    check: async () => void (await refused(() => make(options))),
  })),
);

const withoutOptions = ["rocAuc", "averagePrecision", "meanSquaredError", "meanAbsoluteError", "r2"];
law("options are known or refused", "issue I, item 6: the public face", instances, [
  ...withoutOptions.flatMap((name) => Object.keys(wrong).map((what) => `metric ${name}: ${what}`)),
]);
