/** Momentum made orthogonal: for the matrices of hidden layers. */
import { ErmineError } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { perParameter, type GradientTransformation } from "./chain.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { MuonOptions } from "./options.js";
import { checkAdjustLrFn, orthogonalize, type AdjustLrFn } from "./transforms/matrices.js";
import { ema } from "./transforms/momentum.js";
import { scaleByLearningRate } from "./transforms/scale.js";

const matricesAlone: GradientTransformation = perParameter({
  name: "matricesAlone",
  keepsFinite: true,
  update(u) {
    if (u.rank === 2) return [u];
    throw new ErmineError(
      "ERMINE_SHAPE",
      `muon is for matrices, got a parameter [${u.shape.join(", ")}]. Put it into another group: optimizer: [{ parameters: (name) => …, optimizer: muon() }, { parameters: …, optimizer: adamw() }].`,
    );
  },
});

/**
 * b ← μb + (1 − μ)g; θ ← (1 − lr · λ)θ − lr · a · orthogonal(nesterov ? (1 − μ)g + μb : b), a = √max(1, rows / columns), for
 * adjustLrFn "matchRmsAdamw" 0.2 · √max(rows, columns), for "spectralUnclamped" √(rows / columns). In float32 throughout.
 *
 * Matrices only: give biases, embeddings and convolutions an adamw in a group of their own.
 * Defaults: learningRate 0.001, momentum 0.95, nesterov true, weightDecay 0.1 (decoupled), nsCoefficients [3.4445, −4.775, 2.0315], nsSteps 5,
 * eps 1e-7, adjustLrFn "original", as PyTorch's. Source: Jordan et al. 2024.
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
    eps: 1e-7,
    adjustLrFn: "original" as AdjustLrFn,
  },
  momentum: "momentum",
  check(options) {
    checkRange("muon", options, ["momentum"], 0, 1);
    checkRange("muon", options, ["nsSteps"], 0, 100);
    checkAdjustLrFn("muon", options.adjustLrFn);
  },
  links: ({ learningRate, weightDecay, momentum, nesterov, nsCoefficients, nsSteps, eps, adjustLrFn }) => [
    matricesAlone,
    ema(momentum, { debias: false, nesterov }),
    orthogonalize({ nsCoefficients, nsSteps, eps, adjustLrFn }),
    ...decayLinks(weightDecay),
    scaleByLearningRate(learningRate),
  ],
});
