/** The law of edges: infinities, NaN, both zeros and numbers far out give what they give on the reference, and so do gradients there. */
import { reference } from "@ermine/core/reference";
import { tensor } from "@ermine/core";
import { disagreement } from "./agreement.js";
import { run, type Call, type Numbers } from "./call.js";
import { callsOf } from "./definitions.js";
import type { Law } from "./law.js";

const edges = [NaN, Infinity, -Infinity, 0, -0, 1e-30, -1e-30, 1, -1, 30, -30, 100, -100, 1e10, -1e10];

/** The call on the edges, in place of numbers at random. */
const onEdges = (call: Call): Call => ({ ...call, inputs: () => [tensor(Float32Array.from(edges))] });

/** Where the value is NaN already, nothing is asked of the gradient: TensorFlow's relu stops it there, PyTorch's does not. */
const withoutLost = (actual: readonly Numbers[], expected: readonly Numbers[]): readonly Numbers[] =>
  actual.map(({ what, shape, data }) => ({
    what,
    shape,
    data: what.startsWith("gradient") ? data.map((value, i) => (Number.isNaN(expected[0]!.data[i]!) ? 0 : value)) : data,
  }));

export const edgesAgree: Law = {
  name: "edges = the reference's",
  trials: (definitions) =>
    callsOf(definitions)
      .filter((call) => call.pointwise === true)
      .map((call) => ({
        name: call.name,
        async check(backend) {
          const expected = await run(onEdges(call), reference(), "eager", 0, 0);
          for (const mode of ["eager", "compiled"] as const) {
            const difference = disagreement(
              withoutLost(await run(onEdges(call), backend, mode, 0, 0), expected),
              withoutLost(expected, expected),
              { absolute: 1e-6 },
            );
            if (difference !== undefined) throw new Error(`${mode}: ${difference} (at ${edges.join(", ")})`);
          }
        },
      })),
};
