/** Adam's mean squares as a row and a column. */
import { add, broadcastTo, clamp, div, maximum, mean, mul, norm, rsqrt, sub, type Tensor } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, defineOptimizer, hasDecay } from "./definition.js";

/** The numbers of a parameter. */
const count = (p: Tensor): number => (p.shape as readonly number[]).reduce((a, b) => a * b, 1);

/**
 * For a matrix R ← (1 − b)R + b · mean of g² in each row, C alike in each column, b = t^beta2Decay, V = R C / mean R; otherwise
 * V ← (1 − b)V + b · g². U = g / √max(V, ε₁²), U ← U / max(1, rms(U) / d); θ ← (1 − lr · λ)θ − max(ε₂, rms(θ)) · min(lr, 1/√t) · U.
 *
 * Row and column are kept at the parameter's shape: the numbers are Adafactor's, its saving of memory is not there.
 * Defaults: learningRate 0.01, beta2Decay −0.8, epsilon1 2⁻²³ (float32's), epsilon2 0.001, d 1, weightDecay 0 (decoupled), as PyTorch's.
 * Source: Shazeer and Stern 2018.
 */
export const adafactor = defineOptimizer({
  name: "adafactor",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta2Decay: -0.8,
    epsilon1: 2 ** -23,
    epsilon2: 1e-3,
    d: 1,
  },
  check(options) {
    checkRange("adafactor", options, ["beta2Decay"], -Infinity, 1e-300);
    checkRange("adafactor", options, ["epsilon1", "epsilon2", "d"], 0, Infinity);
  },
  slots: (): Record<string, number> => ({ row: 0, column: 0 }),
  scalars: ({ beta2Decay }, { step, learningRate, weightDecay }) => [
    Math.min(learningRate, 1 / Math.sqrt(step + 1)),
    (step + 1) ** beta2Decay,
    1 - learningRate * weightDecay,
  ],
  step({ p, g, slots: [row, column], s }, { epsilon1, epsilon2, d, weightDecay }) {
    const square = mul(g, g);
    const follow = (kept: Tensor, now: Tensor): Tensor => add(kept, mul(sub(now, kept), s(1)));
    const matrix = p.rank > 1;
    const rows = follow(row!, matrix ? broadcastTo(mean(square, { axis: -1, keepDims: true }), p.shape) : square);
    const columns = matrix ? follow(column!, broadcastTo(mean(square, { axis: -2, keepDims: true }), p.shape)) : column!;
    const variance = matrix ? div(mul(rows, columns), clamp(mean(rows, { axis: -2, keepDims: true }), epsilon1)) : rows;
    const update = mul(rsqrt(clamp(variance, epsilon1 * epsilon1)), g);
    const root = Math.sqrt(count(p));
    const size = mul(clamp(div(norm(p), root), epsilon2), s(0));
    const excess = maximum(div(norm(update), root * d), 1);
    const kept = hasDecay(weightDecay) ? mul(p, s(2)) : p;
    return [sub(kept, mul(div(size, excess), update)), rows, columns];
  },
});
