import { describe, expect, it } from "vitest";
import { ErmineError, mul, normal, sum, tensor, withBackend, type Tensor } from "../../src/index.js";
import { GRU, GRUCell } from "../../src/nn/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const on = <T>(fn: () => T): T => withBackend(reference(), fn);
const rows = (t: Tensor): number[][] => t.toArray() as number[][];

describe("a GRU that resets before the product (resetAfter: false)", () => {
  it("a cell computes n = tanh(W x + b + U (r·h) + c)", () =>
    on(() => {
      const cell = new GRUCell(2, 3, { resetAfter: false });
      const [x, h] = [
        [0.25, -1.25],
        [0.5, -0.375, 0.875],
      ];
      const [W, U] = [rows(cell.weight_ih.value), rows(cell.weight_hh.value)];
      const [b, c] = [cell.bias_ih!, cell.bias_hh!].map(({ value }) => value.toArray() as number[]);
      const dot = (a: readonly number[], v: readonly number[]): number => a.reduce((total, w, i) => total + w * v[i]!, 0);
      const gate = (i: number, v: readonly number[]): number => dot(W[i]!, x!) + b![i]! + dot(U[i]!, v) + c![i]!;
      const reset = h!.map((value, i) => sigmoid(gate(i, h!)) * value);
      const expected = h!.map((value, i) => {
        const z = sigmoid(gate(3 + i, h!));
        return (1 - z) * Math.tanh(gate(6 + i, reset)) + z * value;
      });
      const got = cell.forward(tensor(x!), tensor(h!)).toArray() as number[];
      got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
    }));

  it.each([true, false])("a layer is its cell step by step, whatever resetAfter is (%s)", (resetAfter) =>
    on(() => {
      const layer = new GRU(3, 4, { resetAfter });
      const cell = new GRUCell(3, 4, { resetAfter });
      cell.weight_ih.value = (layer as never as { weight_ih_l0: GRUCell["weight_ih"] }).weight_ih_l0.value;
      cell.weight_hh.value = (layer as never as { weight_hh_l0: GRUCell["weight_hh"] }).weight_hh_l0.value;
      cell.bias_ih!.value = (layer as never as { bias_ih_l0: GRUCell["weight_ih"] }).bias_ih_l0.value;
      cell.bias_hh!.value = (layer as never as { bias_hh_l0: GRUCell["weight_ih"] }).bias_hh_l0.value;
      const x = normal([5, 3]);
      let h = normal([4]);
      const { output } = layer.run(x, [tensor([h.toArray() as number[]])]);
      (x.toArray() as number[][]).forEach((row, t) => {
        h = cell.forward(tensor(row), h);
        (h.toArray() as number[]).forEach((value, i) => expect(rows(output)[t]![i]).toBeCloseTo(value, 12));
      });
    }),
  );

  it("the two differ, and have the gradients of their values", () =>
    on(() => {
      const before = new GRU(2, 3, { resetAfter: false, bidirectional: true });
      const after = new GRU(2, 3, { bidirectional: true });
      for (const [name, parameter] of before.namedVariables()) {
        after.namedVariables().find(([other]) => other === name)![1].value = parameter.value;
      }
      const x = normal([2, 4, 2]);
      const [a, b] = [before, after].map((layer) => layer.forward(x).dataSync());
      expect(Math.max(...Array.from(a!, (value, i) => Math.abs(value - b![i]!)))).toBeGreaterThan(1e-4);
      const weight = (before as never as { weight_hh_l0: GRUCell["weight_hh"] }).weight_hh_l0;
      checkGradients(
        (at: Tensor) => {
          weight.value = at;
          return sum(mul(before.forward(x), before.forward(x)));
        },
        [weight.value],
      );
    }));

  it("takes a boolean", () => {
    expect(() => new GRU(2, 3, { resetAfter: 0 as never })).toThrow(ErmineError);
    expect(() => new GRUCell(2, 3, { resetafter: true } as never)).toThrow(/no option "resetafter".*"resetAfter"/);
  });
});
