/** What the page and the worker of the text tell each other. */

/** What is trained, and how. */
export interface Choices {
  /** Of the embedding, in four heads. */
  readonly width: number;
  readonly learningRate: number;
  /** After which the training ends. */
  readonly updates: number;
}

export const initialChoices: Choices = { width: 64, learningRate: 0.006, updates: 1500 };

/** How the next character is drawn. */
export interface Drawing {
  readonly temperature: number;
  /** Only so many of the likeliest characters. */
  readonly topK: number;
}

export const initialDrawing: Drawing = { temperature: 0.7, topK: 20 };

export const initialPrompt = "Alice ";

export type ToWorker =
  /** A new model, and its training from the start. */
  | { readonly type: "train"; readonly choices: Choices }
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  | { readonly type: "drawing"; readonly drawing: Drawing }
  /** A new passage that goes on from this text; the next ones do, too. */
  | { readonly type: "write"; readonly prompt: string };

/** A look at the training. */
export interface Point {
  readonly update: number;
  readonly seconds: number;
  /** The mean since the last look, in nats a character. */
  readonly training: number;
  /** On text that is not trained on, in nats a character. */
  readonly validation: number;
}

/** A character that may come next; `share` is its probability as it is drawn, 0 where it is left out. */
export interface Candidate {
  readonly character: string;
  readonly probability: number;
  readonly share: number;
}

export type FromWorker =
  | {
      readonly type: "ready";
      readonly engine: string;
      readonly characters: number;
      /** The loss of one who knows how often each character comes, and nothing else. */
      readonly unigramEntropy: number;
      readonly length: number;
    }
  | { readonly type: "begun"; readonly parameters: number }
  | { readonly type: "point"; readonly point: Point; readonly updatesPerSecond: number }
  /** A passage begins, by the model of this update. */
  | { readonly type: "passage"; readonly update: number; readonly prompt: string }
  | { readonly type: "written"; readonly text: string; readonly candidates: readonly Candidate[] }
  | { readonly type: "state"; readonly state: "training" | "paused" | "ended" }
  /** What cannot be written, or why there is no training; the worker goes on. */
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "failed"; readonly message: string };
