/** The law of gradients: what a definition states is the slope of its value. It holds on the float64 reference and asks no other backend. */
import { ErmineError, scope, withBackend, type Tensor } from "@ermine/core";
import { checkGradients, reference } from "@ermine/core/reference";
import { objective, outputsOf, type Call } from "./call.js";
import { callsOf } from "./definitions.js";
import { draw } from "./draw.js";
import type { Law } from "./law.js";

/**
 * float32 differences are no better than 1e-4 and would prove nothing: these are in double precision.
 *
 * @throws ErmineError ERMINE_VALUE that names the input and the element
 */
export function checkSlope(call: Call, size: number, seed: number): void {
  const inputs = call.inputs(size, draw(seed));
  const moving = inputs.flatMap((t, i) => (t.dtype === "float32" && (call.differentiable?.includes(i) ?? true) ? [i] : []));
  const value = (...moved: readonly Tensor[]): Tensor | undefined => {
    const all = [...inputs];
    moving.forEach((place, k) => (all[place] = moved[k]!));
    return objective(outputsOf(call, all));
  };
  const sources = moving.map((place) => inputs[place]!);
  const standing = withBackend(reference(), () => scope(() => value(...sources)?.item()));
  // Of what is infinite (a target that is impossible) there is no slope.
  if (standing === undefined || !Number.isFinite(standing) || sources.length === 0) return;
  checkGradients((...moved) => value(...moved)!, sources, { tolerance: 2e-6 });
}

export const gradientIsSlope: Law = {
  name: "gradient = finite difference",
  trials: (definitions) =>
    callsOf(definitions).map((call) => ({
      name: call.name,
      async check() {
        for (const [size, seed] of [
          [1, 11],
          [3, 12],
        ] as const) {
          try {
            checkSlope(call, size, seed);
          } catch (error) {
            if (error instanceof ErmineError) throw error.at(`at size ${size}`);
            throw error;
          }
        }
      },
    })),
};
