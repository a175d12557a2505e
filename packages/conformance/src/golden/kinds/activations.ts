/** Activations: the output, the vector-Jacobian product, and the gradient of its squares. */
import { mul, square, sum, valueAndGrad, type Activation, type prelu, type Tensor } from "@ermine/core";
import { activations } from "@ermine/core/catalog";
import { release, runOn, Skip, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { fromGolden, optionsOf, type GoldenCase, type GoldenTensor } from "../schema.js";

export interface ActivationCase extends GoldenCase {
  readonly name: string;
  readonly input: GoldenTensor;
  /** Of activations with a learned weight. */
  readonly weight?: GoldenTensor;
  readonly gradOutput: GoldenTensor;
  readonly expected: {
    readonly output: GoldenTensor;
    readonly gradInput: GoldenTensor;
    readonly gradWeight?: GoldenTensor;
    /** Of Σ gradInput², for the input. */
    readonly curvature?: GoldenTensor;
  };
}

interface Evaluated {
  readonly output: Tensor;
  readonly grads: { readonly input: Tensor; readonly weight?: Tensor };
  readonly curvature?: Tensor;
}

type AnyActivation = (x: Tensor, ...rest: unknown[]) => Tensor;

function find(name: string): Activation | typeof prelu {
  // rrelu without `training`.
  const wanted = name === "rreluEval" ? "rrelu" : name;
  const entry = activations.find((candidate) => candidate.name === wanted);
  if (entry === undefined) throw new Skip(`there is no activation "${name}"`);
  return entry.activation;
}

export const activationKind: GoldenKind<ActivationCase> = {
  name: "activations",
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  usesBackend: true,
  async run({ name, options, input, weight, gradOutput, expected }, target) {
    const activation = find(name);
    const given = optionsOf(options);
    const sources = { input: fromGolden(input), ...(weight === undefined ? {} : { weight: fromGolden(weight) }) };
    const upstream = fromGolden(gradOutput);
    const evaluate = (from: { input: Tensor; weight?: Tensor }, g: Tensor): Evaluated => {
      const { value, grads } = valueAndGrad(() => {
        const rest = from.weight === undefined ? [given] : [from.weight, given];
        const output = (activation as AnyActivation)(from.input, ...rest);
        return [sum(mul(output, g)), output] as const;
      }, from);
      return { output: value[1], grads };
    };
    const withCurvature = (from: typeof sources, g: Tensor): Evaluated => {
      if (expected.curvature === undefined) return evaluate(from, g);
      const { value, grads } = valueAndGrad(() => {
        const first = evaluate(from, g);
        return [sum(square(first.grads.input)), first] as const;
      }, from.input);
      return { ...value[1], curvature: grads };
    };
    const got = skipUnknownOptions(() => runOn(target, withCurvature, sources, upstream));
    const of = async (what: string, t: Tensor, golden: GoldenTensor) => ({
      what,
      got: await t.data(),
      gotShape: t.shape as readonly number[],
      expected: golden,
    });
    const comparisons = [
      await of("output", got.output, expected.output),
      await of("gradInput", got.grads.input, expected.gradInput),
    ];
    if (expected.gradWeight !== undefined) comparisons.push(await of("gradWeight", got.grads.weight!, expected.gradWeight));
    if (expected.curvature !== undefined) comparisons.push(await of("curvature", got.curvature!, expected.curvature));
    release(got, sources, upstream);
    return comparisons;
  },
};
