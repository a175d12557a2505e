/** `demo backends`: what there is, and how long a step of the model takes on each. */
import { registerBackends } from "./backends.js";
import { loadDigits } from "./digits.js";
import { inputShape } from "./models.js";
import { trainerFor, type TrainOptions } from "./train.js";

export async function showBackends(options: TrainOptions, print: (text: string) => void): Promise<void> {
  await registerBackends("all", options.numerics);
  const { training } = loadDigits(inputShape(options.model), options.seed);
  const trainer = trainerFor(options, options.backend === "fastest" ? "fastest" : "auto");
  const plan = await trainer.plan(training, { batchSize: options.batchSize, all: true });
  print(options.json ? JSON.stringify(plan) : `A step of ${options.model}, batches of ${plan.batchSize}:\n\n${String(plan)}`);
}
