/** Adam's mean squares as a row and a column. */
import { add, clamp, div, ErmineError, maximum, mean, mul, norm, rsqrt, sub, type Tensor } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay, type Slot, type SlotStart } from "./definition.js";
import type { AdafactorOptions } from "./options.js";

/** The numbers of a parameter. */
const count = (p: Tensor): number => (p.shape as readonly number[]).reduce((a, b) => a * b, 1);

/** @internal Numbers for the rows and the columns of each matrix of the last two axes; below rank 2 one for each number. */
export function factored(shape: readonly number[]): Record<string, SlotStart | Slot> {
  if (shape.length < 2) return { variance: 0 };
  const [outer, rows, columns] = [shape.slice(0, -2), shape.at(-2)!, shape.at(-1)!];
  return { row: { start: 0, shape: [...outer, rows, 1] }, column: { start: 0, shape: [...outer, 1, columns] } };
}

/** @internal g / √max(V, ε²) and the slots' new values; `b` is what the new squares count for. */
export function scaledByFactors(g: Tensor, slots: readonly Tensor[], b: Tensor, epsilon: number): readonly [Tensor, ...Tensor[]] {
  const square = mul(g, g);
  const follow = (kept: Tensor, now: Tensor): Tensor => add(kept, mul(sub(now, kept), b));
  const next =
    g.rank < 2
      ? [follow(slots[0]!, square)]
      : [-1, -2].map((axis, i) => follow(slots[i]!, mean(square, { axis, keepDims: true })));
  const [rows, columns] = next as [Tensor, Tensor?];
  const variance =
    columns === undefined ? rows : div(mul(rows, columns), clamp(mean(rows, { axis: -2, keepDims: true }), epsilon));
  return [mul(rsqrt(clamp(variance, epsilon * epsilon)), g), ...next];
}

/**
 * For a matrix R ← (1 − b)R + b · mean of g² in each row, C alike in each column, b = t^beta2Decay, V = R C / mean R; otherwise
 * V ← (1 − b)V + b · g². U = g / √max(V, ε₁²), U ← U / max(1, rms(U) / d); θ ← (1 − lr · λ)θ − max(ε₂, rms(θ)) · min(lr, 1/√t) · U.
 *
 * It keeps R and C and not V: n + k numbers for an n × k matrix.
 * Defaults: learningRate 0.01, beta2Decay −0.8, epsilon [null, 0.001] (null: 2⁻²³, float32's), d 1, weightDecay 0 (decoupled), as PyTorch's.
 * Source: Shazeer and Stern 2018.
 *
 * @example
 * adafactor({ learningRate: 0.01 });
 */
export const adafactor = builtinOptimizer<AdafactorOptions>({
  name: "adafactor",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta2Decay: -0.8,
    epsilon: [null, 1e-3] as readonly [number | null, number],
    d: 1,
  },
  check(options) {
    const { epsilon, d } = options;
    checkRange("adafactor", options, ["beta2Decay"], -Infinity, 1e-300);
    if (!(d >= 1)) throw new ErmineError("ERMINE_OPTION", `adafactor: d must be at least 1, got ${String(d)}.`);
    const fits = (value: unknown): boolean => typeof value === "number" && value >= 0 && Number.isFinite(value);
    if (Array.isArray(epsilon) && epsilon.length === 2 && (epsilon[0] === null || fits(epsilon[0])) && fits(epsilon[1])) return;
    throw new ErmineError(
      "ERMINE_OPTION",
      `adafactor: epsilon is a pair, of the squares (null: float32's) and of the weights' size, got ${JSON.stringify(epsilon)}.`,
    );
  },
  slots: (_, shape) => factored(shape),
  scalars: ({ beta2Decay }, { step, learningRate, weightDecay }) => [
    Math.min(learningRate, 1 / Math.sqrt(step + 1)),
    (step + 1) ** beta2Decay,
    1 - learningRate * weightDecay,
  ],
  step({ p, g, slots, s }, { epsilon, d, weightDecay }) {
    const [epsilon1, epsilon2] = [epsilon[0] ?? 2 ** -23, epsilon[1]];
    const [update, ...next] = scaledByFactors(g, slots, s(1), epsilon1);
    const root = Math.sqrt(count(p));
    const size = mul(clamp(div(norm(p), root), epsilon2), s(0));
    const excess = maximum(div(norm(update), root * d), 1);
    const kept = hasDecay(weightDecay) ? mul(p, s(2)) : p;
    return [sub(kept, mul(div(size, excess), update)), ...next];
  },
});
