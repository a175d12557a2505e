/** Laws of numbers: a backend against the reference, against what its ops mean, and compiled against eager. */
import { ErmineError, type Backend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import type { Mode } from "../golden/kind.js";
import { disagreement } from "./agreement.js";
import { run, type Call } from "./call.js";
import { callsOf } from "./definitions.js";
import type { Law } from "./law.js";
import { outcomeOf, type Outcome } from "./outcome.js";
import { property } from "./property.js";
import { primitivesOf } from "./views.js";

function difference(got: Outcome, expected: Outcome): string | undefined {
  if (expected instanceof ErmineError && got instanceof ErmineError && got.code === expected.code) return undefined;
  if (got instanceof ErmineError) throw got;
  if (expected instanceof ErmineError) return `it gives numbers where there should be: ${expected.message}`;
  return disagreement(got, expected);
}

const law = (
  name: string,
  of: (call: Call) => boolean,
  sides: (backend: Backend) => { got: [Backend, Mode]; expected: [Backend, Mode] },
  largest = Infinity,
): Law => ({
  name,
  trials: (definitions) =>
    callsOf(definitions)
      .filter(of)
      .map((call) => ({
        name: call.name,
        async check(backend) {
          const { got, expected } = sides(backend);
          await property({ largest: Math.min(call.largest, largest) }, async (size, seed) =>
            difference(await outcomeOf(run(call, ...got, size, seed)), await outcomeOf(run(call, ...expected, size, seed))),
          );
        },
      })),
});

/** Values and gradients are those of the float64 reference. */
export const agreesWithReference = law(
  "backend = reference",
  () => true,
  (backend) => ({
    got: [backend, "eager"],
    expected: [reference(), "eager"],
  }),
);

/** A kernel, forward and backward, gives what the definition says in simpler ops on the same backend. */
export const kernelIsDecomposition = law(
  "kernel = decomposition, backward kernel = gradient",
  (call) => call.composed,
  (backend) => ({ got: [backend, "eager"], expected: [primitivesOf(backend), "eager"] }),
  1000,
);

/** A compiled program gives what eager ops give. */
export const compiledIsEager = law(
  "compiled = eager",
  () => true,
  (backend) => ({ got: [backend, "compiled"], expected: [backend, "eager"] }),
  1000,
);
