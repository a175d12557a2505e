/**
 * The law of dtypes: whatever the dtype of whichever input, a call gives what it gives on the reference, or the same error of ermine's; eagerly and
 * compiled. It is tried on the calls as people make them, and on every op inside of them by itself.
 */
import {
  dtypes,
  ErmineError,
  scope,
  tensor,
  withBackend,
  type Backend,
  type Domain,
  type DType,
  type Tensor,
} from "@ermine/core";
import { type Attributes, type Op, apply, withDomain } from "@ermine/core/define";
import { observeOps } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { disagreement } from "./agreement.js";
import { evaluate, outputsOf, run, type Call } from "./call.js";
import { callsOf, optimizerCalls } from "./definitions.js";
import { draw } from "./draw.js";
import type { Law } from "./law.js";
import { outcomeOf, type Outcome } from "./outcome.js";

const [size, seed] = [3, 1];
const oracle = reference();

/** An input on the host: one of them can be made again in another dtype. */
interface Given {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly domain: Domain;
}

/** The nearest numbers that the dtype holds; they stand for something else where it is another one, and have no domain then. */
function tensorOf({ data, shape, dtype: givenDtype, domain }: Given, dtype: DType): Tensor {
  const fits = (value: number): number =>
    dtype === "float32" ? value : dtype === "int32" ? Math.round(value) : Number(Math.round(value) !== 0);
  const t = tensor(Float64Array.from(data, fits), { shape, dtype });
  return dtype === givenDtype ? withDomain(t, domain) : t;
}

const specOf = (t: Tensor): Given => ({
  data: t.dataSync(),
  shape: t.shape as readonly number[],
  dtype: t.dtype,
  domain: t.domain as Domain,
});

/** An op with what it got. */
interface Use {
  readonly op: Op;
  readonly inputs: readonly (Given | undefined)[];
  readonly attributes: Attributes;
}

/** Every op that the call runs, forward and backward, but for those inside of others. */
function usesIn(call: Call): readonly Use[] {
  const uses: Use[] = [];
  withBackend(oracle, () =>
    scope(() =>
      observeOps(
        (op, _, __, inputs, attributes) => void uses.push({ op, inputs: inputs.map((t) => t && specOf(t)), attributes }),
        () => {
          const inputs = call.inputs(size, draw(seed));
          outputsOf(call, inputs);
          evaluate(call, ...inputs);
        },
      ),
    ),
  );
  return uses;
}

const keyOf = ({ op, inputs }: Use): string => [op.name, ...inputs.map((t) => t && `${t.dtype}${t.shape.length}`)].join();

/** The use as a call of the inputs that are there. */
function callOf({ op, inputs, attributes }: Use): Call {
  const places = inputs.flatMap((input, i) => (input === undefined ? [] : [i]));
  return {
    name: op.name,
    inputs: () => places.map((i) => tensorOf(inputs[i]!, inputs[i]!.dtype)),
    run(...tensors) {
      const all = inputs.map((): Tensor | undefined => undefined);
      places.forEach((place, k) => (all[place] = tensors[k]));
      return apply(op, all, attributes);
    },
    largest: size,
    composed: false,
  };
}

/** Each input in each other dtype by itself, and all of them in each. */
function variants(dtypesOfInputs: readonly DType[]): readonly (readonly DType[])[] {
  const single = dtypesOfInputs.flatMap((dtype, i) =>
    dtypes.filter((other) => other !== dtype).map((other) => dtypesOfInputs.map((current, k) => (k === i ? other : current))),
  );
  const same = dtypes.map((dtype) => dtypesOfInputs.map(() => dtype));
  return [...new Map([...single, ...same].map((list) => [list.join(), list])).values()];
}

function difference(got: Outcome, expected: Outcome): string | undefined {
  if (got instanceof ErmineError) {
    if (expected instanceof ErmineError && got.code === expected.code) return undefined;
    return `${got.code} (${got.message}) where the reference ${expected instanceof ErmineError ? `has ${expected.code}` : "gives numbers"}`;
  }
  if (expected instanceof ErmineError) return `it gives numbers where the reference refuses: ${expected.message}`;
  return disagreement(got, expected);
}

/** A shape that depends on numbers, as a mask's, is known eagerly alone: every program refuses it, the reference's too. */
async function asksForNumbers(got: Outcome, call: Call): Promise<boolean> {
  if (!(got instanceof ErmineError)) return false;
  const program = await outcomeOf(run(call, oracle, "compiled", size, seed));
  return program instanceof ErmineError && program.code === "ERMINE_UNSUPPORTED" && difference(got, program) === undefined;
}

/** @throws Error that names the dtypes at which the call differs */
async function check(call: Call, backend: Backend): Promise<void> {
  const inputs = call.inputs(size, draw(seed)).map(specOf);
  for (const chosen of variants(inputs.map(({ dtype }) => dtype))) {
    const variant: Call = { ...call, inputs: () => inputs.map((input, i) => tensorOf(input, chosen[i]!)) };
    const expected = await outcomeOf(run(variant, oracle, "eager", size, seed));
    for (const mode of ["eager", "compiled"] as const) {
      const got = await outcomeOf(run(variant, backend, mode, size, seed));
      // Eagerly a value may be refused before a shape is.
      if (mode === "compiled" && got instanceof ErmineError && expected instanceof ErmineError) continue;
      const mismatch = difference(got, expected);
      if (mismatch === undefined || (mode === "compiled" && (await asksForNumbers(got, variant)))) continue;
      throw new Error(`${call.name} of ${chosen.join(", ")}, ${mode}: ${mismatch}`);
    }
  }
}

export const dtypesAgree: Law = {
  name: "every dtype of every input: the reference's numbers, or its refusal",
  trials(definitions) {
    const tried = new Set<string>();
    return [...callsOf(definitions), ...optimizerCalls(definitions)].map((call) => ({
      name: call.name,
      async check(backend) {
        await check(call, backend);
        for (const use of usesIn(call)) {
          if (tried.has(keyOf(use))) continue;
          tried.add(keyOf(use));
          await check(callOf(use), backend);
        }
      },
    }));
  },
};
