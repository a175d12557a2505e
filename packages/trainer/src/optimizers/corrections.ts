/** What nadam and radam correct their running means by, which depends on the step alone. */
import { portableMath } from "@ermine/core/define";

/** Π μ up to a step: the last one is kept, since steps follow each other. */
const products = new Map<string, { step: number; product: number }>();

/** @internal μ at update t (1 the first). */
export const momentumAt = (beta1: number, decay: number, t: number): number =>
  beta1 * (1 - 0.5 * portableMath.pow(0.96, t * decay));

/** @internal Π μ of the first t updates. */
export function momentumProduct(beta1: number, decay: number, t: number): number {
  const key = `${beta1} ${decay}`;
  const known = products.get(key);
  let [at, product] = known !== undefined && known.step <= t ? [known.step, known.product] : [0, 1];
  while (at < t) product *= momentumAt(beta1, decay, ++at);
  products.set(key, { step: t, product });
  return product;
}

/** @internal What update t (1 the first) takes of m̂ / √v, and of m̂ alone. */
export function rectification(beta2: number, t: number): { adaptive: number; plain: number } {
  const correction = 1 - portableMath.pow(beta2, t);
  const limit = 2 / (1 - beta2) - 1;
  const rho = limit - (2 * t * portableMath.pow(beta2, t)) / correction;
  if (!(rho > 5)) return { adaptive: 0, plain: 1 };
  const rectified = Math.sqrt(((rho - 4) * (rho - 2) * limit) / ((limit - 4) * (limit - 2) * rho));
  return { adaptive: rectified * Math.sqrt(correction), plain: 0 };
}
