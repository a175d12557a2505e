/**
 * The law of classes: a class index, a length or a prediction (a variance below 0) that a loss refuses where it is on the host is never taken for
 * another one where it is computed or fed to a program: it is an error, or value and gradient are NaN. One that the loss takes gives the same value
 * wherever it comes from.
 */
import { add, ErmineError, tensor, type Backend, type Tensor } from "@ermine/core";
import { withDomain } from "@ermine/core/define";
import { reference } from "@ermine/core/reference";
import { release } from "../golden/kind.js";
import { disagreement } from "./agreement.js";
import { runnerOf, type Call, type Numbers } from "./call.js";
import { lossCalls, type Definitions } from "./definitions.js";
import { draw } from "./draw.js";
import type { Law } from "./law.js";
import { outcomeOf, type Outcome } from "./outcome.js";

const size = 4;
const far = 2 ** 30;
/** −1 ends some lists, 0 is the blank of others, 5 and more are no classes. */
const integers = [-1, 0, 5, far, -far] as const;
const invalidClasses = [-1, -1e-3, -1e20, 0, 5] as const;

const withOne = (inputs: readonly Tensor[], input: number, place: number, value: number): readonly Tensor[] =>
  inputs.map((t, i) => {
    if (i !== input) return t;
    const data = t.dtype === "int32" ? Int32Array.from(t.dataSync()) : Float32Array.from(t.dataSync());
    data[place] = value;
    return withDomain(tensor(data, { shape: t.shape as readonly number[] }), t.domain);
  });

/** The call with an input computed by the backend. */
const computing = (call: Call, input: number): Call => ({
  ...call,
  run: (...inputs) => call.run(...inputs.map((t, i) => (i === input ? withDomain(add(t, 0), t.domain) : t))),
});

const isNaNSomewhere = ({ data }: Numbers): boolean => Array.from(data as ArrayLike<number>).some(Number.isNaN);

/** The fault in the results for a refused value; undefined where there is none. */
function silence(got: Outcome): string | undefined {
  if (got instanceof ErmineError) return got.code === "ERMINE_VALUE" ? undefined : `it is refused as ${got.code}: ${got.message}`;
  const silent = got.filter(({ what }) => what.startsWith("output")).find((numbers) => !isNaNSomewhere(numbers));
  if (silent !== undefined) return `${silent.what} is ${Array.from(silent.data).join(", ")}, and nothing says that it is wrong`;
  const gradients = got.filter(({ what }) => what.startsWith("gradient"));
  return gradients.length === 0 || gradients.some(isNaNSomewhere) ? undefined : "the gradient is finite";
}

const ways = [
  ["eager, computed", "eager", computing],
  ["compiled, fed", "compiled", (call: Call) => call],
  ["compiled, computed", "compiled", computing],
] as const;

async function check(call: Call, input: number, backend: Backend): Promise<void> {
  const onHost = runnerOf(call, reference(), "eager");
  const runners = [
    { way: "eager, on the host", runner: runnerOf(call, backend, "eager") },
    ...ways.map(([way, mode, change]) => ({ way, runner: runnerOf(change(call, input), backend, mode) })),
  ];
  const inputs = call.inputs(size, draw(5));
  try {
    for (const value of inputs[input]!.dtype === "int32" ? integers : invalidClasses) {
      for (const place of [0, inputs[input]!.size - 1]) {
        const expected = await outcomeOf(onHost.run(withOne(inputs, input, place, value)));
        for (const { way, runner } of runners) {
          const got = await outcomeOf(runner.run(withOne(inputs, input, place, value)));
          const host = way.endsWith("host");
          const difference =
            expected instanceof ErmineError
              ? host && !(got instanceof ErmineError)
                ? "it is taken"
                : silence(got)
              : got instanceof ErmineError
                ? `it is refused: ${got.message}`
                : disagreement(got, expected);
          if (difference !== undefined) throw new Error(`${way}, element ${place} of input ${input} is ${value}: ${difference}`);
        }
      }
    }
  } finally {
    for (const { runner } of runners) runner.dispose();
    onHost.dispose();
    release(inputs);
  }
}

/** Losses with what the host checks and a program cannot read, once for each such input: integers, and predictions with a rule for their values. */
const trialsOf = ({ losses }: Definitions): { readonly call: Call; readonly input: number }[] =>
  losses.flatMap((loss) =>
    lossCalls(loss).flatMap((call) =>
      call.inputs(size, draw(5)).flatMap(({ dtype }, input) => {
        const { role, values } = loss.inputs[input] ?? {};
        return dtype === "int32" || (role === "prediction" && values !== undefined) ? [{ call, input }] : [];
      }),
    ),
  );

export const classesAreChecked: Law = {
  name: "a class, a length or a variance that is none is an error or NaN",
  trials: (definitions) =>
    trialsOf(definitions).map(({ call, input }) => ({
      name: `${call.name}, input ${input}`,
      async check(backend) {
        if (backend.capabilities.dtypes.includes("int32")) await check(call, input, backend);
      },
    })),
};
