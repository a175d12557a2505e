import { beforeAll, describe, expect, it } from "vitest";
import { crossEntropy, mul, sum, tensor, valueAndGrad, Variable, withBackend } from "@ermine/core";
import { cpu, type CpuBackend } from "../src/index.js";

const ignored = -100;

/** Σ row's loss · (row + 1): each row's value and gradient. */
async function crossEntropyOf(backend: CpuBackend, logits: readonly number[][], targets: readonly number[]) {
  const [rows, classes] = [logits.length, logits[0]!.length];
  return withBackend(backend, async () => {
    const z = new Variable(tensor(Float32Array.from(logits.flat()), { shape: [rows, classes] }));
    const options = { reduction: "none" } as const;
    const y = tensor(Int32Array.from(targets));
    const value = crossEntropy(z.value, y, options);
    const { grads } = valueAndGrad(() => {
      const weights = tensor(Float32Array.from({ length: rows }, (_, i) => 0.25 * (i + 1)));
      return sum(mul(crossEntropy(z.value, y, options), weights));
    }, [z]);
    return { value: await value.data(), gradient: await grads[0]!.data() };
  });
}

describe("cross-entropy of few classes, four rows at a time", () => {
  let backend: CpuBackend;
  beforeAll(async () => void (backend = await cpu({ threads: 1 })));

  it.each([1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 15, 16, 17])("has the bits of rows by themselves, %i classes", async (classes) => {
    const special = [Infinity, -Infinity, NaN, 3e38, -3e38];
    const logits = Array.from({ length: 23 }, (_, r) =>
      Array.from({ length: classes }, (_, k) => (r === 9 && k === 0 ? special[classes % 5]! : 6 * Math.sin(r * 31 + k * k))),
    );
    // Ignored targets in between: those four go one by one.
    const targets = logits.map((_, r) => (r === 6 || r === 15 ? ignored : (r * 5) % classes));
    const together = await crossEntropyOf(backend, logits, targets);
    for (const [r, row] of logits.entries()) {
      // Behind r others whose targets are ignored, so that its weight is the same.
      const padding = Array.from({ length: r }, () => row);
      const alone = await crossEntropyOf(backend, [...padding, row], [...padding.map(() => ignored), targets[r]!]);
      expect(together.value[r], `row ${r}`).toBe(alone.value[r]);
      expect([...together.gradient.slice(r * classes, (r + 1) * classes)]).toEqual([...alone.gradient.slice(r * classes)]);
    }
  });
});
