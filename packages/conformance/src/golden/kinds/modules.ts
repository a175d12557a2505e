/** Modules: output, gradients of the input and of every parameter, buffers after the call. */
import { mul, sum, valueAndGrad, type Parameter, type Tensor } from "@ermine/core";
import type { Comparison } from "../comparison.js";
import { release, runOn, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { makeLayer } from "../layers.js";
import { fromGolden, numbersOf, optionsOf, type GoldenCase, type GoldenTensor } from "../schema.js";

type Named = Readonly<Record<string, GoldenTensor>>;

export interface ModuleCase extends GoldenCase {
  readonly name: string;
  readonly parameters: Named;
  readonly buffers?: Named;
  readonly training: boolean;
  readonly input: GoldenTensor;
  readonly gradOutput: GoldenTensor;
  readonly expected: {
    readonly output: GoldenTensor;
    readonly gradInput: GoldenTensor | null;
    readonly gradParameters: Named;
    readonly buffersAfter?: Named;
  };
}

export const hostState = (named: Named) =>
  Object.fromEntries(
    Object.entries(named).map(([name, golden]) => [
      name,
      { shape: golden.shape, data: golden.dtype === "int32" ? Int32Array.from(numbersOf(golden)) : Float32Array.from(numbersOf(golden)) },
    ]),
  );

export const moduleKind: GoldenKind<ModuleCase> = {
  name: "modules",
  tolerance: { absolute: 2e-5, relative: 1e-4 },
  usesBackend: true,
  async run({ name, options, parameters, buffers = {}, training, input, gradOutput, expected }, target) {
    const layer = makeLayer(name, optionsOf(options)).train(training);
    layer.loadStateDict(hostState({ ...parameters, ...buffers }), { strict: Object.keys(buffers).length === 0 });
    const own: Record<string, Parameter> = Object.fromEntries(layer.namedParameters());
    const wantsInput = expected.gradInput !== null;
    const x = fromGolden(input);
    const upstream = fromGolden(gradOutput);
    const evaluate = (from: Tensor, g: Tensor) => {
      const { value, grads } = valueAndGrad(
        () => {
          const output = layer.forward(from);
          return [sum(mul(output, g)), output] as const;
        },
        { own, input: wantsInput ? [from] : [] },
      );
      return { output: value[1], parameters: grads.own as Record<string, Tensor>, input: grads.input as Tensor[] };
    };
    const got = skipUnknownOptions(() => runOn(target, evaluate, x, upstream));
    const comparisons: Comparison[] = [];
    const compare = async (what: string, t: Tensor | undefined, golden: GoldenTensor): Promise<void> => {
      const found = t === undefined ? { got: [] } : { got: await t.data(), gotShape: t.shape as readonly number[] };
      comparisons.push({ what, ...found, expected: golden });
    };
    await compare("output", got.output, expected.output);
    if (expected.gradInput !== null) await compare("gradInput", got.input[0], expected.gradInput);
    for (const [key, golden] of Object.entries(expected.gradParameters)) {
      await compare(`gradParameters.${key}`, got.parameters[key], golden);
    }
    const state = await layer.stateDict();
    for (const [key, golden] of Object.entries(expected.buffersAfter ?? {})) {
      comparisons.push({ what: `buffersAfter.${key}`, got: state[key]?.data ?? [], expected: golden });
    }
    release(got, x, upstream, layer.namedVariables().map(([, variable]) => variable.value));
    return comparisons;
  },
};
