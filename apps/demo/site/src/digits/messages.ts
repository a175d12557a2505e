/** What the page and the worker of the digits tell each other. */

/** What is trained, and how. */
export interface Choices {
  readonly model: "mlp" | "cnn";
  readonly activation: string;
  readonly optimizer: string;
  readonly learningRate: number;
  readonly epochs: number;
}

export const initialChoices: Choices = { model: "mlp", activation: "relu", optimizer: "adamw", learningRate: 0.002, epochs: 5 };

export type ToWorker =
  | { readonly type: "train"; readonly choices: Choices }
  | { readonly type: "stop" }
  /** 28 × 28 greys from 0 to 1; answered by the newest model. */
  | { readonly type: "read"; readonly pixels: Float32Array };

/** A test digit that the model is wrong about, and how sure of it. */
export interface Hard {
  readonly pixels: Float32Array;
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

export type FromWorker =
  | { readonly type: "ready"; readonly engine: string; readonly training: number; readonly test: number }
  | {
      readonly type: "steps";
      readonly losses: readonly { readonly seconds: number; readonly loss: number }[];
      readonly stepsPerSecond: number;
    }
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "ended"; readonly reason: string }
  | { readonly type: "answer"; readonly logits: readonly number[]; readonly probabilities: readonly number[] }
  | { readonly type: "failed"; readonly message: string };
