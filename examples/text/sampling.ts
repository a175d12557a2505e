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

/**
 * An index, with the probability that its logit gives it among those that are let in.
 *
 * @param draw a number in [0, 1)
 */
export function sampleIndex(
  logits: ArrayLike<number>,
  { temperature = 1, topK = logits.length, topP = 1 }: SamplingOptions,
  draw: number,
): number {
  if (!(temperature >= 0)) throw new RangeError(`temperature is a number ≥ 0, got ${temperature}.`);
  if (!Number.isInteger(topK) || topK < 1) throw new RangeError(`topK is a whole number ≥ 1, got ${topK}.`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP is a number in (0, 1], got ${topP}.`);
  const order = Array.from(logits, (_, i) => i).sort((a, b) => logits[b] - logits[a]);
  if (temperature === 0) return order[0];
  const weights = order.map((i) => Math.exp((logits[i] - logits[order[0]]) / temperature));
  const total = weights.reduce((a, b) => a + b);
  let [count, sum] = [0, 0];
  while (count < Math.min(topK, order.length) && (count === 0 || sum < topP * total)) sum += weights[count++];
  let rest = draw * sum;
  for (let i = 0; i < count; i++) {
    rest -= weights[i];
    if (rest < 0) return order[i];
  }
  return order[count - 1];
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
      context.push(sampleIndex(logits, options, uniform([1]).dataSync()[0]));
    }
  } finally {
    next.dispose();
  }
  return context
    .slice(steps)
    .map((place) => characters[place])
    .join("");
}
