/** Everyday operations as NumPy and PyTorch have them: every output, and the gradient of every float32 input. */
import * as core from "@ermine/core";
import { at, add, leaves, mul, sum, Tensor, valueAndGrad } from "@ermine/core";
import type { Comparison } from "../comparison.js";
import { release, runOn, Skip, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { fromGolden, type GoldenCase, type GoldenTensor } from "../schema.js";

export interface OpCase extends GoldenCase {
  /** The function of core's, or "at" for the tensor's own. */
  readonly name: string;
  /** The arguments; the string "$i" stands for the i-th input, wherever it is. */
  readonly args: readonly unknown[];
  readonly inputs: readonly GoldenTensor[];
  /** Of each output; null where it is not float32. Absent: gradients are not asked. */
  readonly gradOutputs?: readonly (GoldenTensor | null)[];
  readonly expected: { readonly outputs: readonly GoldenTensor[]; readonly gradients?: readonly (GoldenTensor | null)[] };
}

type AnyFunction = (...args: unknown[]) => unknown;

function find(name: string): AnyFunction {
  if (name === "at") return (x, ...indices) => at((x as Tensor), ...(indices as core.Index[]));
  const operation = (core as unknown as Record<string, unknown>)[name];
  if (typeof operation !== "function") throw new Skip(`there is no operation "${name}"`);
  return operation as AnyFunction;
}

/** The arguments with inputs in the place of their names. */
function filled(argument: unknown, inputs: readonly Tensor[]): unknown {
  if (typeof argument === "string" && argument.startsWith("$")) return inputs[Number(argument.slice(1))];
  if (Array.isArray(argument)) return argument.map((item) => filled(item, inputs));
  if (argument === null || typeof argument !== "object") return argument;
  return Object.fromEntries(Object.entries(argument).map(([key, value]) => [key, filled(value, inputs)]));
}

const tensorsOf = (result: unknown): Tensor[] => leaves(result).filter((leaf) => leaf instanceof Tensor);

export const opKind: GoldenKind<OpCase> = {
  name: "ops",
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  usesBackend: true,
  async run({ name, args, inputs, gradOutputs, expected }, target) {
    const fn = find(name);
    const call = (given: readonly Tensor[]): Tensor[] => tensorsOf(fn(...args.map((argument) => filled(argument, given))));
    const given = inputs.map(fromGolden);
    const upstream = (gradOutputs ?? []).map((golden) => (golden === null ? undefined : fromGolden(golden)));
    const evaluate = (from: Tensor[], g: (Tensor | undefined)[]): { outputs: Tensor[]; gradients: Tensor[] } => {
      if (gradOutputs === undefined) return { outputs: call(from), gradients: [] };
      const float = from.filter((t) => t.dtype === "float32");
      const { value, grads } = valueAndGrad(() => {
        const outputs = call(from);
        const weighed = outputs.flatMap((t, i) => (g[i] === undefined ? [] : [sum(mul(t, g[i]))]));
        return [weighed.reduce((a, b) => add(a, b)), outputs] as const;
      }, float);
      return { outputs: value[1], gradients: grads };
    };
    const got = skipUnknownOptions(() => runOn(target, evaluate, given, upstream));
    const comparisons: Comparison[] = [];
    const compare = async (what: string, t: Tensor | undefined, golden: GoldenTensor): Promise<void> => {
      const result = t === undefined ? { got: [] } : { got: await t.data(), gotShape: t.shape as readonly number[] };
      comparisons.push({ what, ...result, expected: golden });
    };
    for (const [i, golden] of expected.outputs.entries()) await compare(`output ${i}`, got.outputs[i], golden);
    const wanted = (expected.gradients ?? []).filter((golden) => golden !== null);
    for (const [i, golden] of wanted.entries()) await compare(`gradient ${i}`, got.gradients[i], golden);
    release(got, given, upstream);
    return comparisons;
  },
};
