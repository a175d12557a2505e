/** Losses: the value in its reduction, its sum's gradient for each prediction, and the gradient of those gradients' squares. */
import { add, square, sum, valueAndGrad, type Domain, type Loss, type Tensor, asLogProbabilities, asProbabilities } from "@ermine/core";
import { losses } from "@ermine/core/catalog";
import { release, runOn, Skip, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { fromGolden, optionsOf, type GoldenCase, type GoldenTensor } from "../schema.js";

export interface LossCase extends GoldenCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly expected: {
    readonly value: GoldenTensor;
    readonly gradients?: Readonly<Record<string, GoldenTensor>> | null;
    /** Of Σ gradient² for each input that has a gradient. */
    readonly curvatures?: Readonly<Record<string, GoldenTensor>>;
  };
}

interface Evaluated {
  readonly value: Tensor;
  readonly grads: Record<string, Tensor>;
  readonly curvatures?: Record<string, Tensor>;
}

const marked: Readonly<Record<Domain, (t: Tensor) => Tensor>> = {
  real: (t) => t,
  probabilities: asProbabilities,
  logProbabilities: asLogProbabilities,
};

export const lossKind: GoldenKind<LossCase> = {
  name: "losses",
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  usesBackend: true,
  async run({ name, options, inputs, expected }, target) {
    const loss = losses.find((candidate) => candidate.name === name)?.loss as Loss | undefined;
    if (loss === undefined) throw new Skip(`there is no loss "${name}"`);
    const wanted = expected.gradients ?? {};
    const tensors = Object.fromEntries(Object.entries(inputs).map(([key, golden]) => [key, fromGolden(golden)]));
    const positional = positions(loss, Object.keys(inputs));
    const { reduction, ...lossOptions } = optionsOf(options);
    const evaluate = (given: Record<string, Tensor>): Evaluated => {
      const sources = Object.fromEntries(Object.keys(wanted).map((key) => [key, given[key]!]));
      const { value, grads } = valueAndGrad(() => {
        const args = positional.map((key, i) => marked[loss.inputs[i]!.domain ?? "real"](given[key]!));
        const named = Object.entries(given).filter(([key]) => !positional.includes(key));
        const all = { ...lossOptions, ...(reduction === undefined ? {} : { reduction }), ...Object.fromEntries(named) };
        const result = (loss as (...args: unknown[]) => Tensor)(...args, all);
        return [sum(result), result] as const;
      }, sources);
      return { value: value[1], grads };
    };
    const withCurvatures = (given: Record<string, Tensor>): Evaluated => {
      if (expected.curvatures === undefined) return evaluate(given);
      const sources = Object.fromEntries(Object.keys(wanted).map((key) => [key, given[key]!]));
      const { value, grads } = valueAndGrad(() => {
        const first = evaluate(given);
        return [Object.values(first.grads).map((g) => sum(square(g))).reduce(add), first] as const;
      }, sources);
      return { ...value[1], curvatures: grads };
    };
    const got = skipUnknownOptions(() => runOn(target, withCurvatures, tensors));
    const comparisons = [
      { what: "value", got: await got.value.data(), gotShape: got.value.shape as readonly number[], expected: expected.value },
    ];
    const compare = async (what: string, t: Tensor, golden: GoldenTensor): Promise<void> => {
      comparisons.push({ what, got: await t.data(), gotShape: t.shape as readonly number[], expected: golden });
    };
    for (const [key, golden] of Object.entries(wanted)) await compare(`gradients.${key}`, got.grads[key]!, golden);
    for (const [key, golden] of Object.entries(expected.curvatures ?? {}))
      await compare(`curvatures.${key}`, got.curvatures![key]!, golden);
    release(got, tensors, lossOptions);
    return comparisons;
  },
};

/** The case's inputs in the loss's call order: by the loss's own names where they agree, else in the order given. */
function positions(loss: Loss, keys: readonly string[]): readonly string[] {
  const names = loss.inputs.map((input) => input.name);
  return names.every((name) => keys.includes(name)) ? names : keys.slice(0, names.length);
}
