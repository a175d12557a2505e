/** A function that is handed to core needs no annotation: its parameters are tensors unless it says otherwise. */
import { beforeAll, expect, expectTypeOf, it } from "vitest";
import * as e from "../../src/index.js";
import { defineActivation } from "../../src/entries/define.js";
import type { Tensor } from "../../src/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));
const x = (): Tensor<"real"> => e.tensor([1, 2]);

it("compile's parameters are tensors, or what the function says", () => {
  const product = e.compile((a, b) => e.mul(a, b));
  expectTypeOf(product(x(), x())).toEqualTypeOf<Tensor<"real">>();
  expect(product(x(), x()).toArray()).toEqual([1, 4]);
  const power = e.compile((a, { exponent }: { exponent: number }) => e.pow(a, exponent));
  expect(power(x(), { exponent: 3 }).toArray()).toEqual([1, 8]);
  // @ts-expect-error an option is missing
  expect(() => power(x())).toThrow();
  expectTypeOf(e.compile((tree: { a: Tensor }) => tree.a)({ a: x() })).toEqualTypeOf<Tensor>();
  expectTypeOf(e.compile(() => 1)()).toEqualTypeOf<number>();
  expectTypeOf(e.compile(e.softmax)(x())).toEqualTypeOf<Tensor<"probabilities">>();
});

it("so are grad's, also where gradients are nested", () => {
  const slope = e.grad((t) => e.sum(e.mul(t, t)));
  expectTypeOf(slope(x())).toEqualTypeOf<Tensor<"real">>();
  expect(slope(x()).toArray()).toEqual([2, 4]);
  const bend = e.grad((t) => e.sum(e.grad((u) => e.sum(e.mul(e.mul(u, u), u)))(t)));
  expect(e.compile(bend)(x()).toArray()).toEqual([6, 12]);
  const partial = e.grad((a, b) => e.sum(e.mul(a, b)));
  expect(partial(x(), e.tensor([3, 4])).toArray()).toEqual([3, 4]);
  const tree = e.grad(({ w }: { w: Tensor }, scale: number) => e.sum(e.mul(w, scale)));
  expectTypeOf(tree({ w: x() }, 2)).toEqualTypeOf<{ w: Tensor<"real"> }>();
  expect(tree({ w: x() }, 2).w.toArray()).toEqual([2, 2]);
});

it("checkGradients takes functions with options, of as many tensors as there are inputs", () => {
  const lisht = defineActivation({ name: "lisht", decompose: (t) => e.mul(t, e.tanh(t)) });
  expect(checkGradients(lisht, [x()])).toBeLessThan(1e-6);
  expect(checkGradients((a, b) => e.mul(a, b), [x(), x()])).toBeLessThan(1e-6);
  const list: readonly Tensor[] = [x(), x()];
  expect(checkGradients((a, b) => e.mul(a, b), list)).toBeLessThan(1e-6);
});
