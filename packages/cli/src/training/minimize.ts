/** L-BFGS: the minimum of a smooth function of few parameters (Nocedal and Wright, Numerical Optimization, algorithm 7.5). */

/** A function's value, and its gradient there. */
export interface ValueAndGradient {
  readonly value: number;
  readonly gradient: Float64Array;
}

const memory = 10;

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** x + scale · direction. */
const moved = (x: Float64Array, scale: number, direction: Float64Array): Float64Array =>
  x.map((value, i) => value + scale * direction[i]!);

/**
 * Where the function is smallest, from `start` on; it ends where the gradient is small, where a step gains nothing any more, or after `iterations` steps.
 *
 * @param fn of the parameters
 */
export async function minimize(
  fn: (x: Float64Array) => Promise<ValueAndGradient>,
  start: Float64Array,
  { iterations = 200, tolerance = 1e-5 }: { readonly iterations?: number; readonly tolerance?: number } = {},
): Promise<Float64Array> {
  let x: Float64Array = start;
  let { value, gradient } = await fn(x);
  const steps: { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[] = [];
  for (let i = 0; i < iterations; i++) {
    if (Math.sqrt(dot(gradient, gradient)) <= tolerance * Math.max(1, Math.sqrt(dot(x, x)))) break;
    const direction = descent(gradient, steps);
    const slope = dot(direction, gradient);
    if (!(slope < 0)) break;
    let scale = i === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let next: Float64Array = x;
    let at: ValueAndGradient | undefined;
    for (let halvings = 0; halvings < 20; halvings++, scale /= 2) {
      next = moved(x, scale, direction);
      at = await fn(next);
      if (at.value <= value + 1e-4 * scale * slope) break;
      at = undefined;
    }
    if (at === undefined) break;
    const s = moved(next, -1, x);
    const y = moved(at.gradient, -1, gradient);
    const curvature = dot(s, y);
    if (curvature > 1e-12 * dot(y, y)) steps.push({ s, y, rho: 1 / curvature });
    if (steps.length > memory) steps.shift();
    const gain = value - at.value;
    x = next;
    ({ value, gradient } = at);
    if (gain <= 1e-8 * Math.max(1, Math.abs(value))) break;
  }
  return x;
}

/** −H · gradient, H the inverse Hessian as the last steps tell of it. */
function descent(
  gradient: Float64Array,
  steps: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[],
): Float64Array {
  let q: Float64Array = gradient.slice();
  const alphas: number[] = [];
  for (const { s, y, rho } of steps.toReversed()) {
    const alpha = rho * dot(s, q);
    alphas.push(alpha);
    q = moved(q, -alpha, y);
  }
  const last = steps.at(-1);
  if (last !== undefined) {
    const scale = dot(last.s, last.y) / dot(last.y, last.y);
    q = q.map((value) => value * scale);
  }
  steps.forEach(({ s, y, rho }, i) => {
    const beta = rho * dot(y, q);
    q = moved(q, alphas[steps.length - 1 - i]! - beta, s);
  });
  return q.map((value) => -value);
}
