/** Modules: output, gradients of the input and of every parameter, buffers after the call. */
import { mul, sum, valueAndGrad, type Parameter, type Tensor } from "@ermine/core";
import type { Comparison } from "../comparison.js";
import { release, runOn, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { callLayer } from "../layerCalls.js";
import { makeLayer } from "../layers.js";
import { fromGolden, isGoldenTensor, numbersOf, optionsOf, type GoldenCase, type GoldenTensor } from "../schema.js";

type Named = Readonly<Record<string, GoldenTensor>>;

export interface ModuleCase extends GoldenCase {
  readonly name: string;
  readonly parameters?: Named;
  readonly buffers?: Named;
  readonly training: boolean;
  readonly input: GoldenTensor;
  /** Further tensors of the call, by PyTorch's names. (One may also stand among the options, or beside them.) */
  readonly arguments?: Named;
  readonly gradOutput: GoldenTensor;
  readonly expected: {
    readonly output: GoldenTensor;
    readonly gradInput?: GoldenTensor | null;
    readonly gradParameters?: Named;
    readonly gradArguments?: Named;
    readonly others?: Named;
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

/** A tensor, or a mask written as nested lists of booleans or numbers. */
function tensorIn(name: string, value: unknown): GoldenTensor | undefined {
  if (isGoldenTensor(value)) return value;
  if (!Array.isArray(value) || !/mask$/i.test(name)) return undefined;
  const shape: number[] = [];
  for (let level: unknown = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data = value.flat(Infinity) as (boolean | number | string)[];
  const dtype = typeof data[0] === "boolean" ? "int32" : "float32";
  return { shape, dtype, data: data.map((one) => (typeof one === "boolean" ? Number(one) : one)) };
}

type Several = Named | readonly GoldenTensor[];

/** A case of several `inputs`, a list or by name, as one of an input and arguments. */
function withOneInput(golden: ModuleCase & { readonly inputs?: Several }): ModuleCase {
  const { inputs, expected } = golden;
  if (inputs === undefined || golden.input !== undefined) return golden;
  const named = (all: Several): [string, GoldenTensor][] =>
    Array.isArray(all)
      ? (all as readonly GoldenTensor[]).map((t, i) => [i === 0 ? "input" : `input${i + 1}`, t])
      : Object.entries(all as Named);
  const [[first, input], ...others] = named(inputs) as [[string, GoldenTensor], ...[string, GoldenTensor][]];
  const { gradInputs = {} } = expected as { gradInputs?: Several };
  const { [first]: gradInput = expected.gradInput ?? null, ...gradArguments } = Object.fromEntries(named(gradInputs));
  return {
    ...golden,
    input,
    arguments: { ...Object.fromEntries(others), ...golden.arguments },
    expected: { ...expected, gradInput, gradArguments: { ...gradArguments, ...expected.gradArguments } },
  };
}

/** Tensors that the call takes beside its input, wherever the case has them: by PyTorch's names. */
function argumentsOf(golden: ModuleCase): Named {
  const notArguments = ["input", "gradOutput"];
  const entries = [...Object.entries(golden.options ?? {}), ...Object.entries(golden)].flatMap(([name, value]) => {
    const t = notArguments.includes(name) ? undefined : tensorIn(name, value);
    return t === undefined ? [] : [[name, t] as const];
  });
  return { ...Object.fromEntries(entries), ...golden.arguments };
}

export const moduleKind: GoldenKind<ModuleCase> = {
  name: "modules",
  tolerance: { absolute: 2e-5, relative: 1e-4 },
  usesBackend: true,
  async run(given, target) {
    const golden = withOneInput(given);
    const { name, parameters = {}, buffers = {}, training, input, gradOutput, expected } = golden;
    const plain = Object.entries(golden.options ?? {}).filter(([key, value]) => tensorIn(key, value) === undefined);
    const options = optionsOf(Object.fromEntries(plain));
    const layer = makeLayer({ name, options, parameters: Object.keys(parameters) }).train(training);
    layer.loadStateDict(hostState({ ...parameters, ...buffers }), { strict: Object.keys(buffers).length === 0 });
    const layerParameters: Record<string, Parameter> = Object.fromEntries(layer.namedParameters());
    const x = fromGolden(input);
    const more = Object.fromEntries(Object.entries(argumentsOf(golden)).map(([key, value]) => [key, fromGolden(value)]));
    const upstream = fromGolden(gradOutput);
    const wanted = Object.keys(expected.gradArguments ?? {});
    const differentiatesInput = input.dtype === "float32";
    const evaluate = (from: Tensor, others: Readonly<Record<string, Tensor>>, g: Tensor) => {
      const sources = { parameters: layerParameters, input: differentiatesInput ? [from] : [], more: wanted.map((key) => others[key]!) };
      const { value, grads } = valueAndGrad(() => {
        const answer = callLayer(layer, from, others, options, Object.keys(expected.others ?? {}));
        return [sum(mul(answer.output, g)), answer] as const;
      }, sources);
      return { answer: value[1], parameters: grads.parameters as Record<string, Tensor>, input: grads.input, more: grads.more };
    };
    const got = skipUnknownOptions(() => runOn(target, evaluate, x, more, upstream));
    const comparisons: Comparison[] = [];
    const compare = async (what: string, t: Tensor | undefined, wish: GoldenTensor): Promise<void> => {
      const result = t === undefined ? { got: [] } : { got: await t.data(), gotShape: t.shape as readonly number[] };
      comparisons.push({ what, ...result, expected: wish });
    };
    await compare("output", got.answer.output, expected.output);
    if (expected.gradInput != null) await compare("gradInput", got.input[0], expected.gradInput);
    for (const [key, wish] of Object.entries(expected.gradParameters ?? {})) {
      await compare(`gradParameters.${key}`, got.parameters[key], wish);
    }
    for (const [i, key] of wanted.entries()) await compare(`gradArguments.${key}`, got.more[i], expected.gradArguments![key]!);
    for (const [key, wish] of Object.entries(expected.others ?? {})) await compare(key, got.answer.others[key], wish);
    const state = await layer.stateDict();
    for (const [key, wish] of Object.entries(expected.buffersAfter ?? {})) {
      comparisons.push({ what: `buffersAfter.${key}`, got: state[key]?.data ?? [], expected: wish });
    }
    release(got, x, more, upstream, layer.namedVariables().map(([, variable]) => variable.value));
    return comparisons;
  },
};
