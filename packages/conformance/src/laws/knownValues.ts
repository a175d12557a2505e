/** The law of known values: small calls whose results are PyTorch's, or follow from arithmetic, eagerly and compiled. */
import { ErmineError, type Backend, type DType, type Tensor } from "@ermine/core";
import { release, runOn, type Mode } from "../golden/kind.js";
import { disagreement } from "./agreement.js";
import { evaluate, type Numbers } from "./call.js";
import type { KnownCall } from "./knownCall.js";
import type { Law } from "./law.js";

async function numbersOf(knownCall: KnownCall, backend: Backend, mode: Mode): Promise<readonly (Numbers & { dtype: DType })[]> {
  const inputs = knownCall.inputs();
  const call = { ...knownCall, inputs: () => inputs, largest: 0, composed: false };
  const results = runOn({ backend, mode }, (...args: Tensor[]) => evaluate(call, ...args), ...inputs);
  const read = (label: string) => async (t: Tensor, i: number) => ({
    what: `${label} ${i}`,
    shape: t.shape as readonly number[],
    dtype: t.dtype,
    data: await t.data(),
  });
  const values = await Promise.all([...results.outputs.map(read("output")), ...results.gradients.map(read("gradient"))]);
  release(results, inputs);
  return values;
}

async function check(knownCall: KnownCall, backend: Backend, mode: Mode): Promise<string | undefined> {
  const { expected, gradients, dtypes } = knownCall;
  if (typeof expected === "string") {
    const refused = await numbersOf(knownCall, backend, mode).then(
      (got) => `it gives ${got.map(({ data }) => `[${Array.from(data).join(", ")}]`).join(", ")}`,
      (error: unknown) => (error instanceof ErmineError && error.code === expected ? undefined : String(error)),
    );
    return refused === undefined ? undefined : `${refused} and should be refused: ${expected}`;
  }
  const got = await numbersOf(knownCall, backend, mode);
  const expectedResults = [...expected, ...(gradients ?? [])];
  const looked = gradients === undefined ? got.slice(0, expected.length) : got;
  const wrong = dtypes?.findIndex((dtype, i) => got[i]?.dtype !== dtype) ?? -1;
  if (wrong >= 0) return `output ${wrong} is ${got[wrong]?.dtype} and should be ${dtypes![wrong]}`;
  return disagreement(
    looked,
    expectedResults.map((expectation, i) => ({
      what: looked[i]?.what ?? "",
      shape: looked[i]?.shape ?? [],
      data: Float64Array.from(expectation),
    })),
    { absolute: knownCall.absolute ?? 1e-6, exactInt32: backend.capabilities.dtypes.includes("int32") },
  );
}

export const knownValues: Law = {
  name: "known values",
  trials: ({ known = [] }) =>
    known.map((one) => ({
      name: one.name,
      async check(backend) {
        if (one.requiresInt32 === true && !backend.capabilities.dtypes.includes("int32")) return;
        for (const mode of ["eager", "compiled"] as const) {
          const difference = await check(one, backend, mode);
          if (difference !== undefined) throw new Error(`${mode}: ${difference}`);
        }
      },
    })),
};
