/** What is trained on the digits, and what a training of them says, be it in a page's worker or in one of the server's. All of it is plain JSON. */
import { ErmineError, type DType } from "@ermine/core";

/** What is trained, and how. */
export interface Choices {
  readonly model: "mlp" | "cnn";
  readonly activation: string;
  readonly optimizer: string;
  readonly learningRate: number;
  readonly epochs: number;
}

export const initialChoices: Choices = { model: "mlp", activation: "relu", optimizer: "adamw", learningRate: 0.002, epochs: 5 };

/** The most epochs of one training. */
export const mostEpochs = 50;

/**
 * Choices of a message from elsewhere. Names of activations and optimizers are left to those who look them up.
 *
 * @throws ErmineError ERMINE_OPTION that says what is wrong with them
 */
export function parseChoices(value: unknown): Choices {
  const refuse = (what: string): never => {
    throw new ErmineError("ERMINE_OPTION", `The settings of a training: ${what}.`);
  };
  if (typeof value !== "object" || value === null) return refuse(`an object is needed, got ${JSON.stringify(value)}`);
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(initialChoices, name));
  if (unknown !== undefined) refuse(`there is no "${unknown.slice(0, 40)}"`);
  const { model, activation, optimizer, learningRate, epochs } = { ...initialChoices, ...given } as Record<string, unknown>;
  if (model !== "mlp" && model !== "cnn") return refuse(`model is "mlp" or "cnn", got ${JSON.stringify(model)}`);
  if (typeof activation !== "string") return refuse(`activation is a name, got ${JSON.stringify(activation)}`);
  if (typeof optimizer !== "string") return refuse(`optimizer is a name, got ${JSON.stringify(optimizer)}`);
  if (typeof learningRate !== "number" || !(learningRate >= 0 && learningRate <= 100))
    return refuse(`learningRate is a number from 0 to 100, got ${JSON.stringify(learningRate)}`);
  if (typeof epochs !== "number" || !Number.isInteger(epochs) || epochs < 1 || epochs > mostEpochs)
    return refuse(`epochs is a whole number from 1 to ${mostEpochs}, got ${JSON.stringify(epochs)}`);
  return { model, activation, optimizer, learningRate, epochs };
}

/** A test digit that the model is wrong about, and how sure of it. */
export interface Hard {
  /** 28 × 28 greys from 0 to 255. */
  readonly pixels: readonly number[];
  readonly truth: number;
  readonly taken: number;
  readonly probability: number;
}

/** After an epoch, over the test digits. */
export interface Report {
  readonly epoch: number;
  readonly seconds: number;
  readonly trainingLoss: number;
  readonly testLoss: number;
  readonly accuracy: number;
  /** Counts of (true, predicted). */
  readonly confusion: readonly (readonly number[])[];
  readonly f1: readonly number[];
  readonly hardest: readonly Hard[];
}

/** A model's variables by name, as `loadStateDict` takes them. */
export type Weights = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly dtype: DType; readonly data: readonly number[] }>
>;

/** What a training says. */
export type TrainingMessage =
  | { readonly type: "started"; readonly engine: string }
  /** Mean losses of some steps each, and when they were. */
  | {
      readonly type: "steps";
      readonly losses: readonly { readonly seconds: number; readonly loss: number }[];
      readonly stepsPerSecond: number;
    }
  | { readonly type: "report"; readonly report: Report }
  /** The model after an epoch, for whoever wants to ask it elsewhere. */
  | { readonly type: "weights"; readonly choices: Choices; readonly weights: Weights }
  | { readonly type: "ended"; readonly reason: string }
  | { readonly type: "failed"; readonly message: string };

/** A backend of the server's, and why it cannot be had. */
export interface ServerBackend {
  readonly name: "cpu" | "tfjs";
  readonly available: boolean;
  readonly reason?: string;
}

/** What the server has. */
export interface ServerState {
  readonly backends: readonly ServerBackend[];
  /** Trainings that run now, of all pages. */
  readonly running: number;
  readonly mostRuns: number;
}
