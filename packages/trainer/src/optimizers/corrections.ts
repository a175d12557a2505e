/** Bias corrections of running means: functions of the update's index t (1 the first) alone, so that a resumed training corrects by the same bits. */
import { portableMath } from "@ermine/core/define";
import type { Rate } from "../schedules/schedule.js";

/** Number of powers that {@link powersOf} keeps: βᵗ is the product of a power that the next 64 updates share and of one of these. */
const block = 64;

/**
 * @internal t ↦ βᵗ for whole t ≥ 0, at the cost of one multiplication where t rises from call to call. The bits depend on β and t alone.
 *
 * @example
 * const power = powersOf(0.9);
 * power(2); // => 0.81
 */
export function powersOf(beta: number): (t: number) => number {
  const within = Array.from({ length: block }, (_, i) => portableMath.pow(beta, i));
  let [start, shared] = [0, 1];
  return (t) => {
    const rest = t % block;
    if (t - rest !== start) {
      start = t - rest;
      shared = portableMath.pow(beta, start);
    }
    return shared * within[rest]!;
  };
}

/** @internal (β, t) ↦ βᵗ, where β is the value of a rate at update t: a constant's powers share their factors, a schedule's do not. */
export function powersOfRate(rate: Rate): (beta: number, t: number) => number {
  if (typeof rate !== "number") return portableMath.pow;
  const power = powersOf(rate);
  return (_, t) => power(t);
}

/** @internal μ at update t, of NAdam. */
export const momentumAt = (beta1: number, decay: number, t: number): number =>
  beta1 * (1 - 0.5 * portableMath.pow(0.96, t * decay));

/** @internal t ↦ Π μ of the first t updates, of NAdam: the last one is kept, since updates follow each other. */
export function momentumProducts(beta1: number, decay: number): (t: number) => number {
  let [last, product] = [0, 1];
  return (t) => {
    if (last > t) [last, product] = [0, 1];
    while (last < t) product *= momentumAt(beta1, decay, ++last);
    return product;
  };
}

/**
 * @internal The factors of m̂ / √v and of m̂ alone at update t, of RAdam.
 *
 * @param power β₂ᵗ
 */
export function rectification(beta2: number, power: number, t: number): { adaptive: number; plain: number } {
  const correction = 1 - power;
  const limit = 2 / (1 - beta2) - 1;
  const rho = limit - (2 * t * power) / correction;
  if (!(rho > 5)) return { adaptive: 0, plain: 1 };
  const rectified = Math.sqrt(((rho - 4) * (rho - 2) * limit) / ((limit - 4) * (limit - 2) * rho));
  return { adaptive: rectified * Math.sqrt(correction), plain: 0 };
}
