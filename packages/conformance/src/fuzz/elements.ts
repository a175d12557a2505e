/** Elements of new inputs and variables. */
import type { DType } from "@ermine/core";
import type { Random } from "./random.js";

/** real: of any sign, now and then with NaN, ±∞ or a far number; finite: without; positive: 0.1 … 3; probabilities: 0.02 … 0.98; labels: 0 or 1; signs: −1 or 1; whole numbers below a bound, or within two. */
export type Kind =
  | "real"
  | "finite"
  | "positive"
  | "probabilities"
  | "labels"
  | "signs"
  | { readonly below: number }
  | { readonly from: number; readonly to: number };

const special = [NaN, Infinity, -Infinity, -0, 0, 1e10, -1e10, 1e-10];
const wide = [2 ** 24 + 1, -(2 ** 24) - 3, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), 123_456_789];

export function drawElements(random: Random, shape: readonly number[], dtype: DType, kind: Kind): readonly number[] {
  const count = shape.reduce((a, b) => a * b, 1);
  const one = elementOf(random, dtype, kind);
  const data = Array.from({ length: count }, one);
  if (kind === "real" && dtype !== "bool" && count > 0 && random.chance(dtype === "int32" ? 0.2 : 0.08)) {
    const list = dtype === "float32" ? special : wide;
    for (let i = random.integer(1, 2); i > 0; i--) data[random.integer(0, count - 1)] = random.pick(list);
  }
  return data;
}

function elementOf(random: Random, dtype: DType, kind: Kind): () => number {
  if (typeof kind === "object") {
    const [from, to] = "below" in kind ? [0, kind.below - 1] : [kind.from, kind.to];
    return () => random.integer(from, Math.max(from, to));
  }
  if (dtype === "bool") return () => Number(random.chance(0.5));
  if (dtype === "int32") return kind === "positive" ? () => random.integer(1, 6) : () => random.integer(-6, 9);
  const rounded = (make: () => number) => () => Math.fround(make());
  switch (kind) {
    case "positive":
      return rounded(() => 0.1 + 2.9 * random.uniform());
    case "probabilities":
      return rounded(() => 0.02 + 0.96 * random.uniform());
    case "labels":
      return () => Number(random.chance(0.5));
    case "signs":
      return () => (random.chance(0.5) ? 1 : -1);
    case "real":
    case "finite": {
      // Whole numbers and halves meet each other: ties, zeros, kinks.
      if (random.chance(0.2)) return () => random.integer(-8, 8) / random.pick([1, 1, 2]);
      const scale = random.pick([1, 1, 1, 1, 0.01, 20]);
      return rounded(() => scale * (random.chance(0.5) ? -1 : 1) * (0.05 + 2.95 * random.uniform()));
    }
  }
}
