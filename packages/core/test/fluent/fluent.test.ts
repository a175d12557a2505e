import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import * as e from "../../src/index.js";
import type { FluentMethods } from "../../src/fluent/index.js";
import { reference } from "../../src/reference/index.js";

type Method = keyof FluentMethods<e.Domain>;
type Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>;
const functions = e as unknown as Functions;

const before = Object.getOwnPropertyNames(e.Tensor.prototype);
let added: string[];

beforeAll(async () => {
  await import("../../src/fluent/index.js");
  added = Object.getOwnPropertyNames(e.Tensor.prototype).filter((name) => !before.includes(name));
  e.useBackend(reference());
});
afterAll(() => expect(before).not.toContain("add"));

/** Arguments of the methods after the tensor, where there are any. */
const rest: Partial<Record<Method, () => unknown[]>> = {
  at: () => [-1],
  broadcastTo: () => [[2, 2, 2]],
  cast: () => ["int32"],
  clamp: () => [0.5, 2],
  cumsum: () => [0],
  expandDims: () => [1],
  gather: () => [0, e.tensor([[0, 1]], { dtype: "int32" })],
  indexSelect: () => [0, e.tensor([1, 0], { dtype: "int32" })],
  permute: () => [[1, 0]],
  reshape: () => [[-1]],
  slice: () => [
    [0, 1],
    [2, 1],
  ],
  split: () => [1, 1],
  tile: () => [[2, 1]],
  topK: () => [1],
  unsqueeze: () => [0],
};
const binary = new Set<string>(
  "add div equal floorDivide greater greaterEqual less lessEqual logicalAnd logicalOr maximum minimum mul notEqual pow remainder sub".split(
    " ",
  ),
);
const ofVectors = new Set<string>(["dot", "outer"]);

const values = (result: unknown): unknown => e.mapTree(result as e.Tree<unknown>, (leaf) => (leaf as e.Tensor).toArray());

describe('import "@ermine/core/fluent"', () => {
  it("gives tensors a method for each name, which is the function of that name", () => {
    expect(added.length).toBeGreaterThan(70);
    const x = e.tensor([
      [0.5, 1.5],
      [2.5, 3.5],
    ]);
    const vector = e.tensor([1.5, 2.5]);
    for (const name of added.filter((method) => !["concat", "where"].includes(method))) {
      const subject = ofVectors.has(name) ? vector : x;
      const given =
        binary.has(name) || ofVectors.has(name) ? [vector] : name === "matmul" ? [x] : (rest[name as Method]?.() ?? []);
      const method = (subject as unknown as Functions)[name]!;
      const expected = functions[name]!(subject, ...given);
      expect(values(method.call(subject, ...given)), name).toEqual(values(expected));
    }
  });

  it("chains", () => {
    const x = e.tensor([[-1, 2]]);
    expect(x.add(1).relu().sum({ axis: 1 }).toArray()).toEqual([3]);
    expect(x.concat([x, x], 0).shape).toEqual([3, 2]);
    expect(x.where(e.tensor([[true, false]]), 7).toArray()).toEqual([[-1, 7]]);
    expect(x.at(0, 1).item()).toBe(2);
  });

  it("checks as the functions do: operands, options, arguments that would be ignored", () => {
    const x = e.tensor([[-1, 2]]);
    expect(() => x.add(e.tensor([1, 2, 3]))).toThrow(/do not broadcast/);
    expect(() => x.sum({ dim: 1 } as never)).toThrow(/Did you mean "axis"/);
    expect(() => (x.sum as unknown as (...args: unknown[]) => unknown)({ axis: 1 }, true)).toThrow(/2/);
    expect(() => (x.concat as unknown as (...args: unknown[]) => unknown)([x], 0, 1)).toThrow(/arguments/);
    expect(() => x.sum.call({} as e.Tensor)).toThrow(e.ErmineError);
  });

  it("is differentiable and compiles as the functions are", () => {
    const f = (x: e.Tensor) => x.mul(x).sum();
    expect((e.grad(f)(e.tensor([1, 2])) as e.Tensor).toArray()).toEqual([2, 4]);
    const compiled = e.compile((x: e.Tensor) => x.mul(x).sum());
    expect((compiled(e.tensor([1, 2])) as e.Tensor).item()).toBe(5);
    compiled.dispose();
  });

  it("adds nothing that is enumerable, and none of the names whose error points at ermine's way", () => {
    for (const name of added) expect(Object.getOwnPropertyDescriptor(e.Tensor.prototype, name)?.enumerable, name).toBe(false);
    expect(added).not.toEqual(expect.arrayContaining(["backward"]));
    expect(() => e.tensor(1).backward()).toThrow(/valueAndGrad/);
  });

  it("has types: of results, domains and options", () => {
    const x = e.tensor([[-1, 2]]);
    expectTypeOf(x.add(1)).toEqualTypeOf<e.Tensor<"real">>();
    expectTypeOf(x.softmax()).toEqualTypeOf<e.Tensor<"probabilities">>();
    expectTypeOf(x.softmax().log()).toEqualTypeOf<e.Tensor<"logProbabilities">>();
    expectTypeOf(x.softmax().reshape([-1])).toEqualTypeOf<e.Tensor<"probabilities">>();
    expectTypeOf(x.topK(1).values).toEqualTypeOf<e.Tensor<"real">>();
    // @ts-expect-error An axis is a number.
    expect(() => x.sum({ axis: "1" })).toThrow();
    // @ts-expect-error There is no such method.
    expect(x.conv2d).toBeUndefined();
  });
});
