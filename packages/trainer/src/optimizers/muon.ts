/** Momentum made orthogonal: for the matrices of hidden layers. */
import { add, clamp, div, ErmineError, matmul, mul, norm, sub, transpose, type Tensor } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { MuonOptions } from "./options.js";

/** @internal Newton and Schulz' iteration towards the nearest matrix whose singular values are 1. */
export function orthogonal(x: Tensor, [a, b, c]: readonly [number, number, number], steps: number, epsilon: number): Tensor {
  const [rows, columns] = x.shape as readonly [number, number];
  const tall = rows > columns;
  let y: Tensor = tall ? transpose(x) : x;
  y = div(y, clamp(norm(y), epsilon));
  for (let i = 0; i < steps; i++) {
    const gram = matmul(y, transpose(y));
    y = add(mul(y, a), matmul(add(mul(gram, b), mul(matmul(gram, gram), c)), y));
  }
  return tall ? transpose(y) : y;
}

/** What the learning rate is multiplied by for a matrix of that size. */
const factors = {
  original: (rows: number, columns: number) => Math.sqrt(Math.max(1, rows / columns)),
  matchRmsAdamw: (rows: number, columns: number) => 0.2 * Math.sqrt(Math.max(rows, columns)),
  spectralUnclamped: (rows: number, columns: number) => Math.sqrt(rows / columns),
};

/**
 * b ← μb + (1 − μ)g; θ ← (1 − lr · λ)θ − lr · a · orthogonal(nesterov ? (1 − μ)g + μb : b), a = √max(1, rows / columns), for
 * adjustLrFn "matchRmsAdamw" 0.2 · √max(rows, columns), for "spectralUnclamped" √(rows / columns). In float32 throughout.
 *
 * Matrices only: give biases, embeddings and convolutions an adamw in a group of their own.
 * Defaults: learningRate 0.001, momentum 0.95, nesterov true, weightDecay 0.1 (decoupled), nsCoefficients [3.4445, −4.775, 2.0315], nsSteps 5,
 * epsilon 1e-7, adjustLrFn "original", as PyTorch's. Source: Jordan et al. 2024.
 *
 * @throws ErmineError ERMINE_SHAPE for a parameter that is no matrix
 * @example
 * muon({ learningRate: 1e-3 });
 */
export const muon = builtinOptimizer<MuonOptions>({
  name: "muon",
  defaults: {
    learningRate: 0.001 as Rate,
    weightDecay: 0.1 as Rate,
    maximize: false,
    momentum: 0.95 as Rate,
    nesterov: true,
    nsCoefficients: [3.4445, -4.775, 2.0315] as readonly [number, number, number],
    nsSteps: 5,
    epsilon: 1e-7,
    adjustLrFn: "original",
  },
  momentum: "momentum",
  check(options) {
    checkRange("muon", options, ["momentum"], 0, 1);
    checkRange("muon", options, ["nsSteps"], 0, 100);
    const { adjustLrFn } = options;
    if (!(adjustLrFn in factors)) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `muon: adjustLrFn is one of ${Object.keys(factors).join(", ")}, got "${String(adjustLrFn)}".`,
      );
    }
  },
  slots: (): Record<string, number> => ({ momentum: 0 }),
  scalars: (_, { learningRate, weightDecay }) => [learningRate, 1 - learningRate * weightDecay],
  step(
    { p, g, slots, s, momentum: { kept: inertia, taken } },
    { nesterov, nsCoefficients, nsSteps, epsilon, adjustLrFn, weightDecay },
  ) {
    if (p.rank !== 2) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `muon is for matrices, got a parameter [${p.shape.join(", ")}]. Put it into another group: optimizer: [{ parameters: (name) => …, optimizer: muon() }, { parameters: …, optimizer: adamw() }].`,
      );
    }
    const [rows, columns] = p.shape as readonly [number, number];
    const buffer = add(mul(slots[0]!, inertia), mul(g, taken));
    const wanted = nesterov ? add(mul(g, taken), mul(buffer, inertia)) : buffer;
    const factor = factors[adjustLrFn](rows, columns);
    const direction = orthogonal(wanted, nsCoefficients, nsSteps, epsilon);
    const kept = hasDecay(weightDecay) ? mul(p, s(1)) : p;
    return [sub(kept, mul(direction, mul(s(0), factor))), buffer];
  },
});
