/** Adam's mean squares as a row and a column. */
import { show } from "@ermine/core/define";
import { ErmineError } from "@ermine/core";
import { ageOf, rateAt, type Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, hasDecay } from "./definition.js";
import type { AdafactorOptions } from "./options.js";
import { clipByBlockRms } from "./transforms/gradients.js";
import { scaleByFactoredRms } from "./transforms/matrices.js";
import { descend } from "./transforms/scale.js";
import { addWeights, scaleByParameterRms } from "./transforms/weights.js";

/**
 * For a matrix R ← (1 − b)R + b · mean of g² in each row, C alike in each column, b = t^beta2Decay, V = R C / mean R; otherwise
 * V ← (1 − b)V + b · g². U = g / √max(V, ε₁²), U ← U / max(1, rms(U) / d); θ ← (1 − lr · λ)θ − max(ε₂, rms(θ)) · min(lr, 1/√t) · U.
 *
 * It keeps R and C and not V: n + k numbers for an n × k matrix.
 * Defaults: learningRate 0.01, beta2Decay −0.8, eps [null, 0.001] (null: 2⁻²³, float32's), d 1, weightDecay 0 (decoupled), as PyTorch's.
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
    eps: [null, 1e-3] as readonly [number | null, number],
    d: 1,
  },
  check(options) {
    const { eps, d } = options;
    checkRange("adafactor", options, ["beta2Decay"], -Infinity, 1e-300);
    if (!(d >= 1)) throw new ErmineError("ERMINE_OPTION", `adafactor: d must be at least 1, got ${show(d)}.`);
    const fits = (value: unknown): boolean => typeof value === "number" && value >= 0 && Number.isFinite(value);
    if (Array.isArray(eps) && eps.length === 2 && (eps[0] === null || fits(eps[0])) && fits(eps[1])) return;
    throw new ErmineError(
      "ERMINE_OPTION",
      `adafactor: eps is a pair, of the squares (null: float32's) and of the weights' size, got ${show(eps)}.`,
    );
  },
  links: ({ learningRate, weightDecay, beta2Decay, eps, d }) => [
    scaleByFactoredRms({ beta2Decay, eps: eps[0] ?? 2 ** -23 }),
    clipByBlockRms(d),
    scaleByParameterRms(eps[1]),
    descend([learningRate], (time) => Math.min(rateAt(learningRate, time), 1 / Math.sqrt(ageOf(time) + 1))),
    // (1 − lr · λ)θ, of the learning rate as it is.
    ...(hasDecay(weightDecay)
      ? [addWeights("weightDecay", [weightDecay], (time) => -rateAt(learningRate, time) * rateAt(weightDecay, time))]
      : []),
  ],
});
