/** The kernels of normalizations: the reference's values and gradients at every layout, digits kept far from 0, the same bits for any number of threads. */
import { describe, expect, it } from "vitest";
import {
  compile,
  groupNorm,
  layerNorm,
  mul,
  rmsNorm,
  sum,
  tensor,
  valueAndGrad,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { batchNormOp } from "@ermine/core/backend";
import { apply } from "@ermine/core/define";
import { reference } from "@ermine/core/reference";
import { cpu } from "../src/index.js";

const oracle = reference();
const one = await cpu({ threads: 1 });
const targets = [
  ["fast", one],
  ["portable", await cpu({ threads: 1, numerics: "portable" })],
  ["two threads", await cpu({ threads: 2 })],
] as const;

/** Reproducible, about ±2, on a multiple of 2⁻¹². */
const elements = (count: number, salt: number, offset = 0): Float32Array =>
  Float32Array.from(
    { length: count },
    (_, i) => offset + ((Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)) >> 18) / 4096,
  );

type Normalize = (x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined) => readonly Tensor[];

interface Case {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters: readonly number[];
  readonly run: Normalize;
  readonly offset?: number;
}

const batch = (shape: readonly number[], offset = 0): Case => ({
  name: `batch ${shape.join("×")}${offset === 0 ? "" : ` about ${offset}`}`,
  shape,
  parameters: [shape[1]!],
  run: (x, weight, bias) => apply(batchNormOp, [x, weight, bias], { eps: 1e-5 }),
  offset,
});
const group = (groups: number, shape: readonly number[], offset = 0): Case => ({
  name: `${groups} groups of ${shape.join("×")}${offset === 0 ? "" : ` about ${offset}`}`,
  shape,
  parameters: [shape[1]!],
  run: (x, weight, bias) => [groupNorm(x, groups, { ...(weight && { weight }), ...(bias && { bias }) })],
  offset,
});
const last = (name: string, fn: typeof layerNorm, shape: readonly number[], rank = 1, offset = 0): Case => ({
  name: `${name} ${shape.join("×")}, ${rank} axes${offset === 0 ? "" : ` about ${offset}`}`,
  shape,
  parameters: shape.slice(-rank),
  run: (x, weight, bias) => [fn(x, shape.slice(-rank), { ...(weight && { weight }), ...(bias && { bias }) })],
  offset,
});

const cases: readonly Case[] = [
  // One position a channel: columns, of less than a vector, of several, of more rows than a block.
  ...[
    [2, 1],
    [3, 5],
    [33, 4],
    [64, 19],
    [100, 37],
    [1000, 3],
  ].map((shape) => batch(shape)),
  // Runs shorter than a vector, of one, across blocks.
  ...[
    [2, 3, 2],
    [4, 5, 7, 7],
    [3, 2, 33],
    [2, 2, 1500],
    [40, 3, 5, 5],
    [1, 4, 64],
  ].map((shape) => batch(shape)),
  ...[
    [4, 6, 3],
    [3, 4, 6, 6],
    [5, 6],
  ].flatMap((shape) => [1, 2].map((groups) => group(groups, shape))),
  group(4, [300, 4, 9]),
  group(8, [2, 8, 700]),
  ...[
    [1, 2],
    [7, 13],
    [300, 64],
    [3, 4, 33],
    [2, 2100],
  ].map((shape) => last("layer", layerNorm, shape)),
  last("layer", layerNorm, [5, 3, 4], 2),
  ...[
    [7, 13],
    [300, 64],
    [2, 2100],
  ].map((shape) => last("RMS", rmsNorm, shape)),
  batch([200, 6], 1000),
  batch([20, 3, 11, 11], 1000),
  last("layer", layerNorm, [40, 200], 1, 1000),
];

function results(
  backend: Backend,
  { shape, parameters, run, offset = 0 }: Case,
  has: readonly boolean[],
  compiled: boolean,
): Float64Array[] {
  const size = (of: readonly number[]): number => of.reduce((a, b) => a * b, 1);
  return withBackend(backend, () => {
    const x = tensor(elements(size(shape), 1, offset), { shape });
    const slope = tensor(elements(size(shape), 2), { shape });
    const given = has.flatMap((is, i) => (is ? [tensor(elements(size(parameters), 3 + i), { shape: parameters })] : []));
    const all = (g: Tensor, ...sources: Tensor[]): Tensor[] => {
      const [first, ...rest] = sources as [Tensor, ...Tensor[]];
      const weight = has[0] === true ? rest[0] : undefined;
      const bias = has[1] === true ? rest.at(-1) : undefined;
      const { value, grads } = valueAndGrad(() => {
        const outputs = run(first, weight, bias);
        return [sum(mul(outputs[0]!, g)), outputs] as const;
      }, sources);
      return [...value[1], ...grads];
    };
    return (compiled ? compile(all) : all)(slope, x, ...given).map((t) => Float64Array.from(t.dataSync()));
  });
}

const both = [true, true];

describe("values and gradients are the reference's", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s", (_, given) => {
    for (const has of [both, [true, false], [false, true], [false, false]]) {
      const expected = results(oracle, given, has, false);
      for (const [label, backend] of targets)
        for (const compiled of [false, true])
          results(backend, given, has, compiled).forEach((got, k) => {
            const scale = Math.max(1, ...expected[k]!.map(Math.abs));
            // Far from 0, x itself has fewer digits than what is made of it; a spread over two elements is often small.
            const allowed = (given.offset === 0 ? 2e-5 : 2e-4) * (given.shape[0]! <= 2 || k > 0 ? 20 : 1) * scale;
            const worst = Math.max(0, ...got.map((value, i) => Math.abs(value - expected[k]![i]!)));
            if (!(worst <= allowed))
              expect.fail(
                `${label}, ${compiled ? "compiled" : "eager"}, weight and bias ${has.join()}: result ${k} is off by ${worst}`,
              );
          });
    }
  });
});

it.each(
  [batch([512, 512]), batch([64, 16, 28, 28]), group(4, [64, 16, 28, 28]), last("layer", layerNorm, [2048, 256])].map(
    (big) => [big.name, big] as const,
  ),
)("%s: two threads give the bits of one", (_, big) => {
  const [single, double] = [one, targets[2]![1]].map((backend) => results(backend, big, both, true));
  single!.forEach((values, k) => expect(Buffer.from(values.buffer).equals(Buffer.from(double![k]!.buffer))).toBe(true));
});

it("what is not finite stays within its channel, or its row", () => {
  for (const [, backend] of targets)
    for (const bad of [NaN, Infinity, -Infinity]) {
      const x = elements(4 * 3 * 5, 1);
      x[(2 * 3 + 1) * 5 + 2] = bad;
      withBackend(backend, () => {
        const [y, mean, variance] = apply(batchNormOp, [tensor(x, { shape: [4, 3, 5] }), undefined, undefined], { eps: 1e-5 });
        expect(Array.from(mean!.dataSync(), Number.isFinite)).toEqual([true, false, true]);
        expect(mean!.dataSync()[1]).toBe(bad);
        expect(variance!.dataSync()[1]).toBeNaN();
        expect(Array.from(y!.dataSync()).filter((value) => Number.isNaN(value))).toHaveLength(20);
        const rows = layerNorm(tensor(x.subarray(0, 60), { shape: [12, 5] }), 5).dataSync();
        expect(Array.from(rows).filter((value) => !Number.isFinite(value))).toHaveLength(5);
      });
    }
});

it("no sample: no element, statistics of nothing, gradients of 0", () => {
  for (const [, backend] of targets)
    for (const shape of [
      [0, 3],
      [0, 3, 4],
    ])
      withBackend(backend, () => {
        const [x, weight, bias] = [tensor(new Float32Array(0), { shape }), tensor([1, 2, 3]), tensor([1, 2, 3])];
        const { grads } = valueAndGrad(() => sum(apply(batchNormOp, [x, weight, bias], { eps: 1e-5 })[0]!), [weight, bias]);
        expect(grads.map((t) => t.toArray())).toEqual([
          [0, 0, 0],
          [0, 0, 0],
        ]);
        const grouped = valueAndGrad(() => sum(groupNorm(x, 3, { weight, bias })), [weight, bias]).grads;
        expect(grouped.map((t) => t.toArray())).toEqual([
          [0, 0, 0],
          [0, 0, 0],
        ]);
      });
});
