/** Characters as a workload: both models learn, and what is drawn keeps to its options and its seed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpu } from "@ermine/backend-cpu";
import type { Backend } from "@ermine/core";
import { corpusOf } from "../text/corpus.js";
import { readPages } from "../text/pages.js";
import { choicesOf, sampleIndex, writeText } from "../text/sampling.js";
import { learn, steps } from "../text/train.js";

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
});
afterAll(() => backend.dispose());

describe("a language model over characters", () => {
  it.each(["lstm", "gpt"] as const)(
    "%s leaves at most three quarters of what a character's frequency alone leaves",
    async (name) => {
      const corpus = corpusOf(readPages().slice(0, 60_000));
      const { model, validationLoss } = await learn(name, corpus, 10, backend);
      expect(corpus.unigramEntropy).toBeGreaterThan(2);
      expect(validationLoss).toBeLessThan(0.75 * corpus.unigramEntropy);
      const place = { characters: corpus.characters, steps, backend };
      const write = (seed: number): string => writeText(model, place, "The ", { seed, length: 40, temperature: 0.8, topK: 8 });
      expect(write(1)).toMatch(/^The /);
      expect(Array.from(write(1))).toHaveLength(44);
      expect(write(1)).toBe(write(1));
      expect(write(2)).not.toBe(write(1));
      expect(() => writeText(model, place, "\u0007", { seed: 1, length: 1 })).toThrow("is not in the text");
    },
    240_000,
  );

  it("knows the entropy of a text, and cuts it in the order that it has", () => {
    const { characters, training, validation, unigramEntropy } = corpusOf("abababababababababcc");
    expect(characters).toEqual(["a", "b", "c"]);
    expect([...training, ...validation].map((i) => characters[i]).join("")).toBe("abababababababababcc");
    expect(validation).toHaveLength(2);
    expect(unigramEntropy).toBeCloseTo(-0.9 * Math.log(0.45) - 0.1 * Math.log(0.1), 12);
  });
});

describe("sampling", () => {
  const logits = [Math.log(0.1), Math.log(0.6), Math.log(0.3)];
  const shares = (options: Parameters<typeof sampleIndex>[1]): number[] => {
    const counts = [0, 0, 0];
    for (let i = 0; i < 1000; i++) counts[sampleIndex(logits, options, (i + 0.5) / 1000)]++;
    return counts.map((count) => count / 1000);
  };

  it("has the logits' probabilities, among those that are let in", () => {
    const cases: [Parameters<typeof sampleIndex>[1], number[]][] = [
      [{}, [0.1, 0.6, 0.3]],
      [{ temperature: 0 }, [0, 1, 0]],
      [{ temperature: 0.5 }, [0.01 / 0.46, 0.36 / 0.46, 0.09 / 0.46]],
      [{ topK: 2 }, [0, 2 / 3, 1 / 3]],
      [{ topK: 1 }, [0, 1, 0]],
      [{ topP: 0.5 }, [0, 1, 0]],
      [{ topP: 0.7 }, [0, 2 / 3, 1 / 3]],
      [{ topP: 0.95, topK: 5 }, [0.1, 0.6, 0.3]],
    ];
    for (const [options, expected] of cases)
      shares(options).forEach((share, i) => expect(Math.abs(share - expected[i])).toBeLessThan(0.002));
    expect(sampleIndex(logits, {}, 0.9999999)).toBe(0);
  });

  it("says with which probability each may come, the likeliest first", () => {
    const listed = choicesOf(logits, { topK: 2 });
    expect(listed.map(({ index }) => index)).toEqual([1, 2]);
    listed.forEach(({ probability }, i) => expect(probability).toBeCloseTo([2 / 3, 1 / 3][i], 12));
    expect(choicesOf(logits, { temperature: 0 })).toEqual([{ index: 1, probability: 1 }]);
  });

  it("refuses options that are none", () => {
    expect(() => sampleIndex(logits, { temperature: -1 }, 0)).toThrow("temperature");
    expect(() => sampleIndex(logits, { topK: 0 }, 0)).toThrow("topK");
    expect(() => sampleIndex(logits, { topP: 0 }, 0)).toThrow("topP");
  });
});
