/**
 * The law of special values: NaN, ±∞, −0, subnormals and numbers beyond int32, one at a time in each input of each call, give what they give on the
 * reference: values, and gradients where no value is NaN.
 */
import { ErmineError, tensor, type Backend, type Tensor } from "@ermine/core";
import { withDomain } from "@ermine/core/define";
import { reference } from "@ermine/core/reference";
import { release, type Mode } from "../golden/kind.js";
import { disagreement } from "./agreement.js";
import { runnerOf, type Call, type Numbers } from "./call.js";
import { callsOf } from "./definitions.js";
import { draw } from "./draw.js";
import type { Law } from "./law.js";
import { outcomeOf, type Outcome } from "./outcome.js";

const floats = [NaN, Infinity, -Infinity, -0, 1e-40, -1e-40, 3e38, -3e38, 2 ** 31, -3e9, 1e20] as const;
const integers = [2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, 0, -1] as const;

/** Sizes with a body of vectors and a tail. */
const size = 37;
/** Of calls that take long. */
const few = 5;

/** The inputs with one number replaced. */
function planted(inputs: readonly Tensor[], input: number, place: number, value: number): readonly Tensor[] {
  return inputs.map((t, i) => {
    if (i !== input) return t;
    const data = t.dtype === "float32" ? Float32Array.from(t.dataSync()) : Int32Array.from(t.dataSync());
    data[place] = value;
    return withDomain(tensor(data, { shape: t.shape as readonly number[], dtype: t.dtype }), t.domain);
  });
}

/** Where a value is NaN nothing is asked of gradients: some rules multiply with it, and others mask it. */
const comparable = (actual: readonly Numbers[], expected: readonly Numbers[]): readonly Numbers[] =>
  expected.some(({ what, data }) => what.startsWith("output") && data.some((value: number) => Number.isNaN(value)))
    ? actual.filter(({ what }) => what.startsWith("output"))
    : actual;

const isLoud = (all: readonly Numbers[]): boolean =>
  all.some(({ data }) => data.some((value: number) => !Number.isFinite(value)));

/** The expected values, with the actual ones in their place where they may differ. */
function allowing(actual: readonly Numbers[], wanted: readonly Numbers[], call: Call, value: number): readonly Numbers[] {
  // Between zeros of padding and what is not finite; but it is not lost everywhere.
  const spreads = call.spreads === true && (isLoud(actual) || !isLoud(wanted));
  // What is so large may overflow on the way, and is 0 as a divisor then. A mask that is multiplied makes NaN of ∞, which nobody overlooks.
  const isLarge = Math.abs(value) > 1e18;
  const allowed = (is: number, should: number, isGradient: boolean): boolean =>
    (spreads && (Number.isNaN(is) || Number.isNaN(should))) ||
    (isLarge && isGradient && Number.isNaN(is)) ||
    (isLarge && Number.isFinite(value) && (is === 0 || !Number.isFinite(is)));
  return wanted.map((reference, k) => ({
    ...reference,
    data: Float64Array.from(reference.data, (should, i) => {
      const is = actual[k]?.data[i] ?? NaN;
      return allowed(is, should, reference.what.startsWith("gradient")) ? is : should;
    }),
  }));
}

function difference(call: Call, value: number, got: Outcome, expected: Outcome): string | undefined {
  if (expected instanceof ErmineError) {
    if (!(got instanceof ErmineError)) return `it gives numbers where there should be: ${expected.message}`;
    return got.code === expected.code ? undefined : `${got.code}, and should be ${expected.code}`;
  }
  if (got instanceof ErmineError) return `it refuses: ${got.message}`;
  const [actual, reference] = [comparable(got, expected), comparable(expected, expected)];
  // Sums in another order round as their largest term does.
  const absolute = Number.isFinite(value) && Math.abs(value) > 1 ? { absolute: 1e-6 * Math.abs(value) } : {};
  const options = reference.some(({ data }) => data.some((one: number) => Math.abs(one) > Math.abs(value))) ? {} : absolute;
  return disagreement(actual, allowing(actual, reference, call, value), options);
}

/** Inputs in which numbers may be what they like: no indices, and of losses no classes and lengths. */
const free = (call: Call, isOp: boolean, t: Tensor, input: number): boolean =>
  t.size > 0 &&
  (t.dtype === "float32" || (t.dtype === "int32" && isOp && !call.indices?.some((indexInput) => indexInput.input === input)));

/** Results of the reference, in double and in single precision, where more overflows and vanishes: each computed once, when it is first needed. */
class Expected {
  readonly #call: Call;
  readonly #inputs: readonly Tensor[];
  readonly #outcomes = new Map<string, Outcome>();

  constructor(call: Call, inputs: readonly Tensor[]) {
    this.#call = call;
    this.#inputs = inputs;
  }

  /** What a value that is refused on the host gives in a compiled program is the compiled reference's affair. */
  async of(precision: "float64" | "float32", mode: Mode): Promise<Outcome> {
    const eager = await this.#outcome(precision, "eager");
    return eager instanceof ErmineError && mode === "compiled" ? this.#outcome(precision, mode) : eager;
  }

  async #outcome(precision: "float64" | "float32", mode: Mode): Promise<Outcome> {
    const key = `${precision} ${mode}`;
    let cached = this.#outcomes.get(key);
    if (cached === undefined) {
      const runner = runnerOf(this.#call, reference({ precision }), mode);
      cached = await outcomeOf(runner.run(this.#inputs));
      runner.dispose();
      this.#outcomes.set(key, cached);
    }
    return cached;
  }
}

/** The first difference, where it agrees with none of what is expected. */
async function differs(
  call: Call,
  value: number,
  got: Outcome,
  mode: Mode,
  expected: readonly Expected[],
): Promise<string | undefined> {
  let first: string | undefined;
  for (const one of expected) {
    for (const precision of ["float64", "float32"] as const) {
      const mismatch = difference(call, value, got, await one.of(precision, mode));
      if (mismatch === undefined) return undefined;
      first ??= mismatch;
    }
  }
  return first;
}

async function check(call: Call, isOp: boolean, backend: Backend): Promise<void> {
  const sides = (["eager", "compiled"] as const).map((mode) => ({ mode, runner: runnerOf(call, backend, mode) }));
  const inputs = call.inputs(call.largest < size * 2 ? few : size, draw(11));
  try {
    for (const [input, t] of inputs.entries()) {
      // Where int32 is stored as float32 it has no numbers of its own.
      if (!free(call, isOp, t, input) || !backend.capabilities.dtypes.includes(t.dtype)) continue;
      for (const [k, value] of (t.dtype === "float32" ? floats : integers).entries()) {
        // In turn in the tail, in the body, at the beginning.
        const place = [t.size - 1, t.size >> 1, 0][k % 3]!;
        const given = planted(inputs, input, place, value);
        // A backend may take a subnormal for 0.
        const isSubnormal = value !== 0 && Math.abs(value) < 2 ** -126;
        const all = isSubnormal ? [given, planted(inputs, input, place, value < 0 ? -0 : 0)] : [given];
        const expected = all.map((one) => new Expected(call, one));
        for (const { mode, runner } of sides) {
          // Its own for each, as nothing of it is on the backend yet.
          const plantedInputs = planted(inputs, input, place, value);
          const got = await outcomeOf(runner.run(plantedInputs));
          plantedInputs[input]!.dispose();
          const mismatch = await differs(call, value, got, mode, expected);
          if (mismatch === undefined) continue;
          throw new Error(
            `${mode}, input ${input}[${place}] of ${t.size} is ${Object.is(value, -0) ? "-0" : value}: ${mismatch}`,
          );
        }
        release(all.map((one) => one[input]));
      }
    }
  } finally {
    for (const { runner } of sides) runner.dispose();
    release(inputs);
  }
}

export const specialValuesAgree: Law = {
  name: "special values = the reference's",
  trials: (definitions) =>
    callsOf(definitions).map((call) => ({
      name: call.name,
      check: (backend) => check(call, definitions.calls.includes(call), backend),
    })),
};
