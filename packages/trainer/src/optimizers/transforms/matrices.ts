/** Links for matrices: their mean squares as a row and a column, and their momentum made orthogonal. */
import { add, clamp, div, ErmineError, matmul, mean, mul, norm, rsqrt, sub, transpose, type Tensor } from "@ermine/core";
import { checkArguments, portableMath, show } from "@ermine/core/define";
import { ageOf } from "../../schedules/schedule.js";
import { perParameter, type GradientTransformation, type SlotPlan } from "../chain.js";
import { isPositiveInFloat32, linkOptions } from "./options.js";

/** Slots for the rows and the columns of each matrix of the last two axes; below rank 2 one for each element. */
function factored(shape: readonly number[]): SlotPlan {
  if (shape.length < 2) return { variance: 0 };
  const [outer, rows, columns] = [shape.slice(0, -2), shape.at(-2)!, shape.at(-1)!];
  return { row: { start: 0, shape: [...outer, rows, 1] }, column: { start: 0, shape: [...outer, 1, columns] } };
}

/**
 * g / √max(V, ε²): for a matrix R ← (1 − b)R + b · mean of g² in each row, C alike in each column, b = t^beta2Decay, V = R C / mean R; below rank 2
 * V ← (1 − b)V + b · g². Adafactor's. Defaults: beta2Decay −0.8, eps 2⁻²³ (float32's). Source: Shazeer and Stern 2018.
 *
 * @example
 * chain(scaleByFactoredRms(), scaleByLearningRate(1e-2)); // adafactor's scaling
 */
export function scaleByFactoredRms(
  options: {
    /** The exponent with which the memory of mean squares grows; below 0. Default −0.8. */
    readonly beta2Decay?: number;
    /** The least root mean square. Default 2⁻²³. */
    readonly eps?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByFactoredRms", arguments, 1);
  const { beta2Decay, eps } = linkOptions("scaleByFactoredRms", options, { beta2Decay: -0.8, eps: 2 ** -23 });
  return perParameter({
    name: "scaleByFactoredRms",
    keepsFinite: isPositiveInFloat32(eps * eps),
    slots: factored,
    scalars: (time) => ({ share: portableMath.pow(ageOf(time) + 1, beta2Decay) }),
    update(g, { slots, s }) {
      const square = mul(g, g);
      const follow = (average: Tensor, value: Tensor): Tensor => add(average, mul(sub(value, average), s.share));
      const next =
        g.rank < 2
          ? [follow(slots[0]!, square)]
          : [-1, -2].map((axis, i) => follow(slots[i]!, mean(square, { axis, keepDims: true })));
      const [rows, columns] = next as [Tensor, Tensor?];
      const variance =
        columns === undefined ? rows : div(mul(rows, columns), clamp(mean(rows, { axis: -2, keepDims: true }), eps));
      return [mul(rsqrt(clamp(variance, eps * eps)), g), ...next];
    },
  });
}

/** Newton and Schulz' iteration towards the nearest matrix whose singular values are 1. */
function orthogonal(x: Tensor, [a, b, c]: readonly [number, number, number], steps: number, eps: number): Tensor {
  const [rows, columns] = x.shape as readonly [number, number];
  const tall = rows > columns;
  let y: Tensor = tall ? transpose(x) : x;
  y = div(y, clamp(norm(y), eps));
  for (let i = 0; i < steps; i++) {
    const gram = matmul(y, transpose(y));
    y = add(mul(y, a), matmul(add(mul(gram, b), mul(matmul(gram, gram), c)), y));
  }
  return tall ? transpose(y) : y;
}

/** Scale of the matrix, by its size. */
const factors = {
  original: (rows: number, columns: number) => Math.sqrt(Math.max(1, rows / columns)),
  matchRmsAdamw: (rows: number, columns: number) => 0.2 * Math.sqrt(Math.max(rows, columns)),
  spectralUnclamped: (rows: number, columns: number) => Math.sqrt(rows / columns),
};

/** Scale of the orthogonal matrix: √max(1, rows / columns), 0.2 · √max(rows, columns), or √(rows / columns). */
export type AdjustLrFn = keyof typeof factors;

/**
 * The nearest matrix with singular values 1, by Newton and Schulz' iteration, times a factor of its size; numbers and vectors go by. Muon's.
 * Defaults: nsSteps 5, nsCoefficients [3.4445, −4.775, 2.0315], eps 1e-7, adjustLrFn "original".
 *
 * @throws ErmineError ERMINE_OPTION for an unknown adjustLrFn
 *
 * @example
 * chain(ema(0.95, { debias: false }), orthogonalize(), scaleByLearningRate(0.02)); // muon
 */
export function orthogonalize(
  options: {
    /** Iterations. Default 5. */
    readonly nsSteps?: number;
    /** The coefficients of the iteration's polynomial. Default [3.4445, −4.775, 2.0315]. */
    readonly nsCoefficients?: readonly [number, number, number];
    /** The least norm that is divided by. Default 1e-7. */
    readonly eps?: number;
    /** The factor: √max(1, rows / columns), 0.2 · √max(rows, columns) or √(rows / columns). Default "original", the first. */
    readonly adjustLrFn?: AdjustLrFn;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("orthogonalize", arguments, 1);
  const { nsSteps, nsCoefficients, eps, adjustLrFn } = linkOptions("orthogonalize", options, {
    nsSteps: 5,
    nsCoefficients: [3.4445, -4.775, 2.0315] as readonly [number, number, number],
    eps: 1e-7,
    adjustLrFn: "original" as AdjustLrFn,
  });
  checkAdjustLrFn("orthogonalize", adjustLrFn);
  return perParameter({
    name: "orthogonalize",
    keepsFinite: isPositiveInFloat32(eps),
    update(u) {
      if (u.rank !== 2) return [u];
      const [rows, columns] = u.shape as readonly [number, number];
      return [mul(orthogonal(u, nsCoefficients, nsSteps, eps), factors[adjustLrFn](rows, columns))];
    },
  });
}

/** @internal @throws ErmineError ERMINE_OPTION where it is none of those that there are */
export function checkAdjustLrFn(where: string, adjustLrFn: AdjustLrFn): void {
  if (Object.hasOwn(factors, adjustLrFn)) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: adjustLrFn is one of ${Object.keys(factors).join(", ")}, got ${show(adjustLrFn)}.`,
  );
}
