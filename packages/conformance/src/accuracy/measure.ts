/** Measures how far a backend's float32 is from the float64 reference, row by row. */
import { checkBackend } from "@ermine/core/backend";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { ErmineError, scope, sum, valueAndGrad, withBackend, type Backend, type Tensor, type TypedArray } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { release } from "../golden/kind.js";
import { accuracyRows, type AccuracyRow } from "./accuracyRows.js";

/** The largest errors of a pass. */
export interface AccuracyError {
  /** |got − exact|, where the input is at most 100 in size. */
  readonly absolute: number;
  /** In units in the last place of the exact value; of the smallest normal, below it. */
  readonly ulp: number;
}

/** The largest errors of an activation or a loss on a backend. */
export interface Accuracy {
  /** Of the value. */
  readonly forward: AccuracyError;
  /** Of the gradient. */
  readonly gradient: AccuracyError;
}

interface Results {
  readonly value: TypedArray;
  readonly gradients: readonly TypedArray[];
}

async function evaluate(row: AccuracyRow, backend: Backend): Promise<{ inputs: readonly TypedArray[]; results: Results }> {
  const inputs = row.inputs();
  const computed = withBackend(backend, () =>
    scope(() => {
      const { value, grads } = valueAndGrad(
        (): [Tensor, Tensor] => {
          const y = row.run(...inputs);
          return [sum(y), y];
        },
        row.sources.map((i) => inputs[i]!),
      );
      return [value[1], ...(grads as readonly Tensor[])];
    }),
  );
  const [value, ...gradients] = await Promise.all(computed.map((t) => t.data()));
  const host = inputs.map((t) => t.dataSync());
  release(computed, inputs);
  return { inputs: host, results: { value: value!, gradients } };
}

/** The options of `measureAccuracy`. */
export interface MeasureAccuracyOptions {
  /** false leaves out where an input or the exact value is subnormal: for backends that flush those to 0. Default true. */
  readonly subnormals?: boolean;
}

/** 256 times the smallest normal: what is computed on the way there (the σ(x) in x·σ(x)) may be subnormal. */
const clearlyNormal = 2 ** -118;
const isSubnormal = (x: number): boolean => x !== 0 && Math.abs(x) < clearlyNormal;

/** The error of each element, as golden/generate/accuracy.py counts it: a value that rounds to the exact one's float32 has none. */
function errors(
  got: TypedArray,
  exact: TypedArray,
  everyday: (i: number) => boolean,
  counts: (i: number) => boolean,
): AccuracyError {
  let [absolute, ulp] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    const [is, wanted] = [got[i]!, exact[i]!];
    if (!counts(i)) continue;
    if (is === Math.fround(wanted) || (Number.isNaN(is) && Number.isNaN(wanted))) continue;
    const size = Math.abs(is - wanted);
    const exponent = Math.floor(Math.log2(Math.max(Math.abs(wanted), 2 ** -126)));
    const units = size / 2 ** (exponent - 23);
    ulp = Math.max(ulp, Number.isFinite(units) ? units : Infinity);
    if (everyday(i)) absolute = Math.max(absolute, Number.isFinite(size) ? size : Infinity);
  }
  return { absolute, ulp };
}

const exactResults = new Map<AccuracyRow, Results>();

async function exactOf(row: AccuracyRow): Promise<Results> {
  const cached = exactResults.get(row);
  if (cached !== undefined) return cached;
  const backend = reference();
  const { results } = await evaluate(row, backend);
  backend.dispose();
  exactResults.set(row, results);
  return results;
}

const larger = (a: AccuracyError, b: AccuracyError): AccuracyError => ({
  absolute: Math.max(a.absolute, b.absolute),
  ulp: Math.max(a.ulp, b.ulp),
});

/** The largest errors of a row on a backend, eagerly, against the float64 reference. */
export async function measureAccuracy(
  row: AccuracyRow,
  backend: Backend,
  options: MeasureAccuracyOptions = {},
): Promise<Accuracy> {
  checkArguments("measureAccuracy", arguments, 3);
  const signature = "measureAccuracy(row, backend, options)";
  if (typeof row?.inputs !== "function" || typeof row.run !== "function")
    throw new ErmineError(
      "ERMINE_USAGE",
      `measureAccuracy measures a row of accuracyRows, got ${show(row)}. Write ${signature}.`,
    );
  checkBackend(signature, backend);
  checkOptions("measureAccuracy", options, { subnormals: "boolean" });
  const { subnormals = true } = options;
  const exact = await exactOf(row);
  const { inputs, results } = await evaluate(row, backend);
  // Of one element each; where rows are reduced, all count.
  const compare = (got: TypedArray, wanted: TypedArray, input: TypedArray): AccuracyError => {
    const elementwiseInput = input.length === wanted.length ? input : undefined;
    return errors(
      got,
      wanted,
      (i) => elementwiseInput === undefined || Math.abs(elementwiseInput[i]!) <= 100,
      (i) => subnormals || !(isSubnormal(wanted[i]!) || (elementwiseInput !== undefined && isSubnormal(elementwiseInput[i]!))),
    );
  };
  return {
    forward: compare(results.value, exact.value, inputs[0]!),
    gradient: results.gradients.map((got, i) => compare(got, exact.gradients[i]!, inputs[row.sources[i]!]!)).reduce(larger),
  };
}

export { accuracyRows, type AccuracyRow };
