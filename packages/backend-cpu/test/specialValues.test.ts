/** Activations far out and at what is no number: value and gradient are the reference's there. */
import { expect, it } from "vitest";
import * as core from "@ermine/core";
import { compile, sum, tensor, valueAndGrad, withBackend, type Backend, type Tensor } from "@ermine/core";
import { activations } from "@ermine/core/catalog";
import { reference } from "@ermine/core/reference";
import { cpu } from "../src/index.js";

const edges = [NaN, Infinity, -Infinity, 3e38, -3e38, 1e38, -1e38, 1e10, -1e10, 104, -104, 88.5, -88.5, 1e-40, -1e-40, 0, -0, 1];
const oracle = reference();
const targets = [
  ["fast", await cpu({ threads: 1 })],
  ["portable", await cpu({ threads: 1, numerics: "portable" })],
] as const;

type Activation = (x: Tensor) => Tensor;
const pointwise = activations.flatMap(({ name, activation }) =>
  "op" in activation && !("axis" in activation.defaults)
    ? [[name, (core as unknown as Readonly<Record<string, Activation>>)[name]!] as const]
    : [],
);

function along(backend: Backend, activation: Activation, compiled: boolean): number[] {
  const both = (x: Tensor): Tensor[] => {
    const { value, grads } = valueAndGrad(() => {
      const y = activation(x);
      return [sum(y), y] as const;
    }, x);
    return [value[1], grads];
  };
  return withBackend(backend, () => (compiled ? compile(both) : both)(tensor(edges)).flatMap((t) => [...t.dataSync()]));
}

it.each(pointwise)("%s is the reference's at ±∞, NaN, ±0 and far out, and so is its gradient", (_, activation) => {
  const expected = along(oracle, activation, false);
  for (const [label, backend] of targets)
    for (const compiled of [false, true]) {
      const wrong = along(backend, activation, compiled).flatMap((got, i) => {
        const wanted = Math.fround(expected[i]!);
        const near =
          Object.is(got, wanted) || got === wanted || (wanted !== 0 && Math.abs(got - wanted) <= 1e-5 * Math.abs(wanted) + 1e-36);
        return near ? [] : [{ x: edges[i % edges.length], of: i < edges.length ? "value" : "gradient", got, wanted }];
      });
      expect(wrong, `${label}, ${compiled ? "compiled" : "eager"}`).toEqual([]);
    }
});
