/** The law of curvature: gradients are ops, so each has a gradient of its own, on every backend, eagerly and compiled. */
import { ErmineError } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { disagreement } from "./agreement.js";
import { evaluate, run, type Call } from "./call.js";
import { callsOf } from "./definitions.js";
import { checkSlope } from "./gradients.js";
import type { Law } from "./law.js";

/** A call that gives the gradients of another one. */
const derivativeOf = (call: Call): Call => ({
  ...call,
  run: (...inputs) => evaluate(call, ...inputs).gradients.filter((_, i) => call.differentiable?.includes(i) ?? true),
});

export const gradientsHaveGradients: Law = {
  name: "gradient of the gradient",
  trials: (definitions) =>
    callsOf(definitions).map((call) => ({
      name: call.name,
      async check(backend) {
        const derivative = derivativeOf(call);
        try {
          checkSlope(derivative, 3, 21);
        } catch (error) {
          if (error instanceof ErmineError) throw error.at("on the reference");
          throw error;
        }
        const expected = await run(derivative, reference(), "eager", 5, 22);
        for (const mode of ["eager", "compiled"] as const) {
          const difference = disagreement(await run(derivative, backend, mode, 5, 22), expected, { tolerance: 1e-4 });
          if (difference !== undefined) throw new Error(`${mode}: ${difference}`);
        }
      },
    })),
};
