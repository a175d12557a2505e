/** What comes next, drawn from a model's logits. */
import { compile, manualSeed, tensor, uniform, type Backend } from "@ermine/core";
import type { LanguageModel } from "./models.js";

export interface SamplingOptions {
  /** Logits are divided by it: below 1 the likely becomes likelier, 0 takes the likeliest. Default 1. */
  readonly temperature?: number;
  /** Only so many of the likeliest. Default: all. */
  readonly topK?: number;
  /** Only the likeliest that together have this probability. Default 1. */
  readonly topP?: number;
}

/** An index that may come next, with its probability among all that may. */
export interface Choice {
  readonly index: number;
  readonly probability: number;
}

/** What may come next, the likeliest first: with the probabilities of the logits, among those that the options let in. */
export function choicesOf(
  logits: ArrayLike<number>,
  { temperature = 1, topK = logits.length, topP = 1 }: SamplingOptions,
): Choice[] {
  if (!(temperature >= 0)) throw new RangeError(`temperature is a number ≥ 0, got ${temperature}.`);
  if (!Number.isInteger(topK) || topK < 1) throw new RangeError(`topK is a whole number ≥ 1, got ${topK}.`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP is a number in (0, 1], got ${topP}.`);
  const ordered = Array.from(logits, (logit, index) => ({ index, logit })).sort((a, b) => b.logit - a.logit);
  if (temperature === 0) return ordered.slice(0, 1).map(({ index }) => ({ index, probability: 1 }));
  const largest = Math.max(...Array.from(logits));
  const weighted = ordered.map(({ index, logit }) => ({ index, weight: Math.exp((logit - largest) / temperature) }));
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  const within = weighted.slice(0, topK).filter(({ weight }, i) => {
    const isWithin = i === 0 || before < topP * total;
    before += weight;
    return isWithin;
  });
  const sum = within.reduce((part, { weight }) => part + weight, 0);
  return within.map(({ index, weight }) => ({ index, probability: weight / sum }));
}

/**
 * One of the choices, by its probability.
 *
 * @param draw a number in [0, 1)
 */
export function sampleIndex(logits: ArrayLike<number>, options: SamplingOptions, draw: number): number {
  let [chosen, rest] = [0, draw];
  for (const { index, probability } of choicesOf(logits, options)) {
    chosen = index;
    rest -= probability;
    if (rest < 0) break;
  }
  return chosen;
}

export interface TextOptions extends SamplingOptions {
  /** The seed of what is drawn: the same seed is the same text. */
  readonly seed: number;
  /** How many characters. */
  readonly length: number;
}

/** Goes on from `prompt`, character by character. What is before it is empty lines, up to the model's `steps`. */
export function writeText(
  model: LanguageModel,
  { characters, steps, backend }: { characters: readonly string[]; steps: number; backend: Backend },
  prompt: string,
  { seed, length, ...options }: TextOptions,
): string {
  const places = Array.from(prompt, (character) => characters.indexOf(character));
  const unknown = places.indexOf(-1);
  if (unknown >= 0) throw new RangeError(`${JSON.stringify(Array.from(prompt)[unknown])} is not in the text that was learned.`);
  const context = [...Array.from({ length: steps }, () => Math.max(0, characters.indexOf("\n"))), ...places];
  manualSeed(seed);
  const next = compile((x) => model.forward(x), { backend });
  try {
    for (let i = 0; i < length; i++) {
      const x = tensor(Int32Array.from(context.slice(-steps)), { shape: [1, steps] });
      const logits = next(x).dataSync().slice(-characters.length);
      context.push(sampleIndex(logits, options, uniform([]).item() as number));
    }
  } finally {
    next.dispose();
  }
  return context
    .slice(steps)
    .map((place) => characters[place])
    .join("");
}
