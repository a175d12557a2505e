/** `demo train`: digits, from the data to the confusion table. */
import { crossEntropy, ErmineError, type Backend } from "@ermine/core";
import { findLoss } from "@ermine/core/catalog";
import {
  accuracy,
  backendTable,
  confusionMatrix,
  progressBar,
  Trainer,
  type BackendRequest,
  type Callback,
  type EpochInfo,
} from "@ermine/trainer";
import { find, optimizers } from "@ermine/trainer/catalog";
import { openBackend, registerBackends } from "./backends.js";
import { loadDigits } from "./digits.js";
import { keptIn } from "./kept.js";
import { buildModel, inputShape, type ModelName } from "./models.js";
import { confusion, grouped, outcome, summary } from "./report.js";
import { sketch } from "./sketch.js";

export interface TrainOptions {
  readonly dataset: string;
  readonly model: ModelName;
  readonly backend: string;
  readonly hidden: number;
  readonly activation: string;
  readonly loss: string;
  readonly optimizer: string;
  readonly learningRate: number;
  readonly weightDecay: number | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly numerics: "fast" | "portable";
  readonly json: boolean;
  readonly profile: boolean;
  /** Where the training is kept, and from which it goes on. Default: nowhere, unless it is interrupted. */
  readonly folder: string | undefined;
  /** Where the profile's Chrome trace goes. */
  readonly profileFile: string | undefined;
}

function lossOf(name: string): typeof crossEntropy {
  if (name === crossEntropy.lossName) return crossEntropy;
  const { loss } = findLoss(name);
  throw new ErmineError("ERMINE_OPTION", `--loss ${loss.lossName}: the digits are classes, which crossEntropy is for.`);
}

/** Where the seconds went. */
class Clock {
  readonly #started = performance.now();
  readonly #parts = new Map<string, number>();

  async measure<T>(part: string, fn: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await fn();
    } finally {
      this.#parts.set(part, (this.#parts.get(part) ?? 0) + performance.now() - started);
    }
  }

  lines(): string {
    const total = performance.now() - this.#started;
    const parts = [...this.#parts, ["everything else", total - [...this.#parts.values()].reduce((a, b) => a + b, 0)] as const];
    return parts
      .map(
        ([name, ms]) =>
          `  ${name.padEnd(16)} ${(ms / 1000).toFixed(2).padStart(7)} s  ${((100 * ms) / total).toFixed(0).padStart(3)} %`,
      )
      .join("\n");
  }

  seconds(part: string): number {
    return (this.#parts.get(part) ?? 0) / 1000;
  }
}

/** Training losses by update. */
const lossCurve = (losses: readonly number[]): string =>
  sketch({ name: "Training loss", values: losses }, { name: "update", low: 1, high: losses.length });

/** The trainer that the options describe. */
export function trainerFor(options: TrainOptions, backend: Backend | BackendRequest): Trainer<"accuracy"> {
  const loss = lossOf(options.loss);
  const decay = options.weightDecay === undefined ? {} : { weightDecay: options.weightDecay };
  const optimizer = find("optimizer", optimizers, options.optimizer)({ learningRate: options.learningRate, ...decay });
  const model = buildModel(options.model, options);
  return new Trainer({ model, loss, optimizer, backend, metrics: [accuracy()], seed: options.seed });
}

export async function train(options: TrainOptions, print: (text: string) => void): Promise<void> {
  const say = options.json ? () => {} : print;
  const event = (name: string, fields: object): void => {
    if (options.json) print(JSON.stringify({ event: name, ...fields }));
  };
  const clock = new Clock();
  const fastest = options.backend === "fastest";
  const asked = await clock.measure("backend", async () => {
    if (!fastest) return openBackend(options.backend, options.numerics);
    await registerBackends("all", options.numerics);
    return "fastest" as const;
  });
  const trainer = trainerFor(options, asked);
  const { training, test, classes } = await clock.measure("data", () => loadDigits(inputShape(options.model), options.seed));
  if (fastest) {
    const plan = await clock.measure("backend", () => trainer.plan(training, { batchSize: options.batchSize }));
    say(`${backendTable(plan.backend.candidates)}\n\nThe backend is ${plan.backend.name}: ${plan.backend.why}.\n`);
    event("backend", plan.backend);
  }
  const { backend, model } = trainer;
  const engine = `${backend.name} (${backend.engine}, compiled)`;
  say(`Digits: ${grouped(training.length)} for training, ${grouped(test.length)} for test. Backend: ${engine}.\n`);
  say(`${summary(model, inputShape(options.model), backend)}\n`);
  event("start", {
    backend: backend.name,
    engine,
    model: options.model,
    parameters: model.parameterCount(),
    training: training.length,
    test: test.length,
    seed: options.seed,
  });

  const kept = keptIn(options.folder);
  const epochEvents: Callback = {
    name: "epochs",
    state: () => null,
    restore: () => undefined,
    onEpochEnd({ epoch, logs, samplesPerSecond }: EpochInfo) {
      event("epoch", {
        epoch: epoch + 1,
        trainLoss: logs["loss"],
        testLoss: logs["valLoss"],
        testAccuracy: logs["valAccuracy"],
        samplesPerSecond,
      });
    },
  };
  const history = await clock.measure("training", () =>
    trainer.fit(training, {
      epochs: options.epochs,
      batchSize: options.batchSize,
      validation: test,
      callbacks: [
        ...(options.json
          ? []
          : [progressBar({ write: (text) => process.stdout.write(text), live: process.stdout.isTTY === true })]),
        epochEvents,
        kept.saves,
      ],
      resume: kept.saves,
    }),
  );
  if (kept.end(history)) {
    const { folder } = kept;
    say(
      `\nStopped in epoch ${history.epochs.length + 1}, and saved. Go on, with the same options: demo train --folder ${folder}`,
    );
    event("interrupted", { folder, epochs: history.epochs.length });
    process.exitCode = 130;
  }
  if (history.epochs.length === 0) {
    say("\nStopped before the first epoch ended.");
    event("end", { backend: backend.name, stopped: history.stopped, steps: trainer.step });
    return;
  }
  const predicted = await clock.measure("report", () => trainer.predict(test, { as: "probabilities" }));
  const target = test.targets as unknown as { data: Int32Array; shape: readonly number[] };
  const counts = confusionMatrix(predicted, target, classes.length);
  const last = history.epochs.at(-1)!;
  const stepsPerSecond = history.steps.length / clock.seconds("training");
  say(
    `\n${outcome(history)}\n\nWhere the time went (${stepsPerSecond.toFixed(0)} steps/s):\n${clock.lines()}\n\n${confusion(counts, classes)}\n\n${lossCurve(history.steps)}`,
  );
  event("end", {
    backend: backend.name,
    engine,
    testAccuracy: last["valAccuracy"],
    testLoss: last["valLoss"],
    trainLoss: last["loss"],
    stepsPerSecond,
    steps: trainer.step,
    stopped: history.stopped,
  });
  trainer.dispose();
}
