import { expect, it } from "vitest";
import { crossEntropy } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { accuracy, adamw, Trainer } from "@ermine/trainer";
import { loadDigits } from "../src/digits.js";
import { buildModel } from "../src/models.js";

// What a GPU is like: float32 only, no random numbers of its own, and answers that come later.
it("digits train on a backend that stores float32 only and answers late", async () => {
  const backend = reference({ precision: "float32", dtypes: ["float32"], late: true, without: ["randomUniform"] });
  const model = buildModel("mlp", { hidden: 16, activation: "relu", seed: 0 });
  const { training, test } = loadDigits([784], 0);
  const optimizer = adamw({ learningRate: 0.005 });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, metrics: [accuracy()], seed: 0 });
  await trainer.fit(training, { epochs: 1, batchSize: 64 });
  expect((await trainer.evaluate(test)).accuracy).toBeGreaterThan(0.85);
  trainer.dispose();
}, 120_000);
