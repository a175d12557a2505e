import { beforeEach, describe, expect, it } from "vitest";
import {
  add,
  compile,
  ErmineError,
  grad,
  mul,
  normal,
  sigmoid,
  split,
  sub,
  sum,
  tanh,
  tensor,
  useBackend,
  type Tensor,
} from "../../src/index.js";
import { GRU, GRUCell, LSTM, RNN, type Module } from "../../src/nn/index.js";
import { defineRecurrentCell, Recurrent, RecurrentCell, type CellDefinition } from "../../src/entries/define.js";
import { checkGradients, reference } from "../../src/reference/index.js";

const halves = (gates: Tensor): [Tensor, Tensor] => split(gates, (gates.shape[1] as number) / 2, 1) as [Tensor, Tensor];

/** A minimal gated unit (Zhou et al. 2016): its second product is of f·h. */
const minimalGated = defineRecurrentCell({
  name: "MGU",
  gates: 2,
  products: [1, 1],
  step(gates, [h], { hidden: [forget, candidate] }) {
    const [xf, xn] = halves(gates);
    const f = sigmoid(add(xf, forget!(h!)));
    const n = tanh(add(xn, candidate!(mul(f, h!))));
    return [add(mul(sub(1, f), h!), mul(f, n))];
  },
});

/** Two states, one product, and a projection: the output is projected, the memory is not. */
const leaky = defineRecurrentCell({
  name: "Leaky",
  gates: 2,
  states: 2,
  projection: true,
  step(gates, [h, memory], { hidden: [hidden], project }) {
    const [rate, value] = halves(add(gates, hidden!(h!)));
    const next = add(mul(sigmoid(rate), memory!), tanh(value));
    return [project(tanh(next)), next];
  },
});

const gruAsDefined = defineRecurrentCell({
  name: "GRU",
  gates: 3,
  products: [2, 1],
  step(gates, [h], { hidden: [resetAndUpdate, candidate] }) {
    const size = (gates.shape[1] as number) / 3;
    const [xr, xz, xn] = split(gates, size, 1) as [Tensor, Tensor, Tensor];
    const [hr, hz] = split(resetAndUpdate!(h!), size, 1) as [Tensor, Tensor];
    const z = sigmoid(add(xz, hz));
    const n = tanh(add(xn, candidate!(mul(sigmoid(add(xr, hr)), h!))));
    return [add(mul(sub(1, z), n), mul(z, h!))];
  },
});

function copyParameters(from: Module, to: Module): void {
  const targets = new Map(to.namedVariables());
  for (const [name, variable] of from.namedVariables()) targets.get(name)!.value = variable.value;
}

const values = (t: Tensor): number[] => Array.from(t.dataSync(), Number);

beforeEach(() => void useBackend(reference()));

describe("a cell that is defined outside of core", () => {
  it("has the parameters that its definition asks for, with PyTorch's names", () => {
    const layer = new Recurrent(minimalGated, 3, 4, { numLayers: 2, bidirectional: true });
    const shapes = Object.fromEntries(layer.namedVariables().map(([name, { shape }]) => [name, shape]));
    expect(shapes["weight_ih_l0"]).toEqual([8, 3]);
    expect(shapes["weight_hh_l1_reverse"]).toEqual([8, 4]);
    expect(shapes["weight_ih_l1"]).toEqual([8, 8]);
    expect(Object.keys(shapes)).toHaveLength(16);
    expect(layer.describe()).toBe("MGU 3 → 8, 2 layers");
  });

  it("with the products of a GRU has the bits of core's, as a layer and as a cell", () => {
    const [own, builtin] = [new Recurrent(gruAsDefined, 3, 4), new GRU(3, 4, { resetAfter: false })];
    copyParameters(builtin, own);
    const x = normal([2, 5, 3]);
    expect(values(own.forward(x))).toEqual(values(builtin.forward(x)));
    const [ownCell, builtinCell] = [new RecurrentCell(gruAsDefined, 3, 4), new GRUCell(3, 4, { resetAfter: false })];
    copyParameters(builtinCell, ownCell);
    const [row, h] = [normal([2, 3]), normal([2, 4])];
    expect(values(ownCell.forward(row, [h])[0]!)).toEqual(values(builtinCell.forward(row, h)));
  });

  it.each([
    ["MGU", minimalGated],
    ["Leaky", leaky],
  ] as const)("is its cell step by step, and has the gradients of its values: %s", (_, definition) => {
    const layer = new Recurrent(definition, 3, 4);
    const cell = new RecurrentCell(definition, 3, 4);
    for (const name of ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] as const) {
      cell[name]!.value = (layer as never as Record<string, { value: Tensor }>)[`${name}_l0`]!.value;
    }
    const x = normal([5, 3]);
    const { output, state } = layer.run(x);
    let carried: readonly Tensor[] | undefined;
    const rows = (x.toArray() as number[][]).map((row) => {
      carried = cell.forward(tensor(row), carried);
      return values(carried[0]!);
    });
    expect(state).toHaveLength(definition.states ?? 1);
    rows.flat().forEach((value, i) => expect(values(output)[i]).toBeCloseTo(value, 12));
    for (const [i, last] of state.entries()) values(last).forEach((v, j) => expect(v).toBeCloseTo(values(carried![i]!)[j]!, 12));
    const weight = (layer as never as { weight_hh_l0: { value: Tensor } }).weight_hh_l0;
    checkGradients(
      (at: Tensor) => {
        weight.value = at;
        return sum(mul(layer.forward(x), layer.forward(x)));
      },
      [weight.value],
    );
  });

  it("takes a projection where it has one, lengths, and compiles", () => {
    const layer = new Recurrent(leaky, 3, 4, { projSize: 2, bidirectional: true });
    const x = normal([2, 5, 3]);
    const { output, state } = layer.run(x, { lengths: tensor([5, 2], { dtype: "int32" }) });
    expect(output.shape).toEqual([2, 5, 4]);
    expect(state.map(({ shape }) => shape)).toEqual([
      [2, 2, 2],
      [2, 2, 4],
    ]);
    expect(values(output).slice(28)).toEqual(Array.from({ length: 12 }, () => 0));
    const slope = (t: Tensor): Tensor => grad((inside: Tensor) => sum(layer.forward(inside)))(t);
    const [eager, compiled] = [slope(x), compile(slope)(x)].map(values);
    eager!.forEach((value, i) => expect(compiled![i]).toBeCloseTo(value, 10));
  });
});

describe("what no cell can be made of is refused", () => {
  const { step } = minimalGated;
  it.each([
    [{ name: "C", gates: 2 }, /defineRecurrentCell of "C" needs step/],
    [{ name: "C", gates: 0, step }, /"C": gates must be at least 1, got 0/],
    [{ name: "C", gates: 1, states: 0, step }, /"C": states must be at least 1, got 0/],
    [{ name: "C", gates: 3, products: [1, 1], step }, /whose sum is gates, 3, got \[1, 1\]/],
    [{ name: "C", gates: 1, products: [0.5, 0.5], step }, /whole numbers of gates/],
    [{ name: "C", gates: 1, product: [1], step }, /no option "product".*"products"/],
    [undefined, /takes its options as an object/],
  ])("%j", (definition, message) => {
    expect(() => defineRecurrentCell(definition as CellDefinition)).toThrow(ErmineError);
    expect(() => defineRecurrentCell(definition as CellDefinition)).toThrow(message);
  });

  it("a layer's cell is a definition, and only one with a projection takes projSize", () => {
    for (const cell of [undefined, 3, { ...minimalGated }, GRU]) {
      expect(() => new Recurrent(cell as never, 2, 3)).toThrow(
        /Recurrent: the cell is a definition that defineRecurrentCell returns/,
      );
      expect(() => new RecurrentCell(cell as never, 2, 3)).toThrow(ErmineError);
    }
    expect(() => new Recurrent(minimalGated, 2, 3, { projSize: 1 })).toThrow(/MGU has no option "projSize"/);
    expect(() => new Recurrent(leaky, 2, 3, { projSize: 3 })).toThrow(/Leaky: projSize 3 must be less than hiddenSize 3/);
    expect(() => new RNN(2, 3, { projSize: 1 } as never)).toThrow(/RNN has no option "projSize"/);
    expect(new LSTM(2, 3, { projSize: 1 }).forward(normal([1, 4, 2])).shape).toEqual([1, 4, 1]);
  });
});
