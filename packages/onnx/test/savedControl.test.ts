/** Loops and conditionals of a model are Scan and If in its file, of as many steps as there are. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  add,
  cond,
  ctc,
  greater,
  logSoftmax,
  manualSeed,
  mul,
  normal,
  randint,
  scan,
  sigmoid,
  split,
  sub,
  sum,
  tanh,
  tensor,
  useBackend,
  zeros,
  type Tensor,
} from "@ermine/core";
import { defineRecurrentCell, Recurrent } from "@ermine/core/define";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { loadModel, saveModel } from "../src/index.js";
import { decode } from "../src/proto/codec.js";
import type { GraphProto, NodeProto } from "../src/proto/messages.js";
import { expectSame } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(2);
});

/** A gated unit with two products, as a user's own. */
const gated = defineRecurrentCell({
  name: "gated",
  gates: 2,
  products: [1, 1],
  step(gates, [h], { hidden: [forget, candidate] }) {
    const [xf, xn] = split(gates, (gates.shape[1] as number) / 2, 1);
    const f = sigmoid(add(xf!, forget!(h!)));
    const n = tanh(add(xn!, candidate!(mul(f, h!))));
    return [add(mul(sub(1, f), h!), mul(f, n))];
  },
});

const graphsOf = ({ attribute = [] }: NodeProto): readonly GraphProto[] =>
  attribute.flatMap(({ g }) => (g === undefined ? [] : [g]));
const everyNode = (nodes: readonly NodeProto[] = []): readonly NodeProto[] =>
  nodes.flatMap((node) => [node, ...graphsOf(node).flatMap((graph) => everyNode(graph.node))]);

/** The operators of the graph and of the functions, graphs inside of nodes too. */
function operatorsOf(bytes: Uint8Array): readonly string[] {
  const { graph, functions = [] } = decode("ModelProto", bytes);
  return [...everyNode(graph!.node), ...functions.flatMap(({ node }) => everyNode(node))].map(({ opType }) => opType!);
}

const sequences = (batch: number, steps: number, features = 4): readonly Tensor[] => [normal([batch, steps, features])];

describe("a recurrent layer is one Scan for each direction and layer, in any number of steps:", () => {
  const layers: readonly (readonly [string, () => nn.Module, number])[] = [
    ["LSTM with a projection", () => new nn.LSTM(4, 5, { projSize: 3, batchFirst: true }), 1],
    [
      "LSTM of both directions with a projection",
      () => new nn.LSTM(4, 5, { projSize: 2, bidirectional: true, batchFirst: true }),
      2,
    ],
    ["GRU of two layers", () => new nn.GRU(4, 3, { numLayers: 2, batchFirst: true }), 2],
    ["GRU without resetAfter", () => new nn.GRU(4, 3, { resetAfter: false, batchFirst: true }), 1],
    ["RNN", () => new nn.RNN(4, 3, { nonlinearity: "relu", batchFirst: true }), 1],
    ["a cell of one's own", () => new Recurrent(gated, 4, 3, { batchFirst: true }), 1],
  ];
  for (const [name, make, count] of layers) {
    test(name, async () => {
      const byBatch = await expectSame(make(), [sequences(2, 5), sequences(3, 5)]);
      const bySteps = await expectSame(make(), [sequences(2, 5), sequences(2, 9), sequences(2, 1)], { batchAxis: 1 });
      for (const bytes of [byBatch, bySteps])
        expect(operatorsOf(bytes).filter((operator) => operator === "Scan")).toHaveLength(count);
      const long = await saveModel(make(), { sample: sequences(2, 200) });
      expect(operatorsOf(long).length).toBe(operatorsOf(byBatch).length);
    });
  }

  test("of sequences that have lengths of their own", async () => {
    class Masked extends nn.Module {
      layer = new nn.GRU(4, 3, { bidirectional: true, batchFirst: true });
      forward(x: Tensor, lengths: Tensor): Tensor {
        return this.layer.forward(x, { lengths });
      }
    }
    const lengths = (list: readonly number[]): Tensor => tensor(Int32Array.from(list));
    await expectSame(new Masked(), [
      [normal([3, 6, 4]), lengths([6, 1, 4])],
      [normal([2, 6, 4]), lengths([2, 5])],
    ]);
  });
});

test("ctc is a Scan over the frames, in any batch", async () => {
  class Loss extends nn.Module {
    forward(x: Tensor, targets: Tensor, frames: Tensor, lengths: Tensor): Tensor {
      return ctc(logSoftmax(x, { axis: -1 }), targets, frames, lengths, { reduction: "none" });
    }
  }
  const batch = (n: number): readonly Tensor[] => [
    normal([12, n, 5]),
    randint([n, 4], 1, 5),
    tensor(Int32Array.from({ length: n }, (_, i) => 12 - i)),
    tensor(Int32Array.from({ length: n }, (_, i) => 4 - i)),
  ];
  const bytes = await expectSame(new Loss(), [batch(3)], { batchAxis: null }, 1e-4);
  expect(operatorsOf(bytes)).toContain("Scan");
});

test("a loop over an open number of steps without sequences, from the last step to the first, and within another", async () => {
  class Nested extends nn.Module {
    weight = new nn.Linear(3, 3);
    forward(x: Tensor): readonly Tensor[] {
      // Each step adds what four steps of another loop make of the row.
      const inner = (row: Tensor): Tensor =>
        scan((carry: Tensor) => [tanh(add(carry, row)), undefined] as const, mul(row, 0.5), undefined, { length: 4 })[0];
      const step = (carry: Tensor, row: Tensor): readonly [Tensor, Tensor] => {
        const next = add(carry, inner(this.weight.forward(row)));
        return [next, next];
      };
      const [last, rows] = scan(step, zeros([2, 3]), x, { reverse: true });
      return [last, rows];
    }
  }
  const bytes = await expectSame(new Nested(), [[normal([4, 2, 3])], [normal([7, 2, 3])]]);
  expect(operatorsOf(bytes).filter((operator) => operator === "Scan")).toHaveLength(2);
});

test("a conditional is an If, of which one branch runs", async () => {
  class Clipped extends nn.Module {
    scale = new nn.Linear(3, 3);
    forward(x: Tensor): readonly Tensor[] {
      const size = sum(mul(x, x));
      const [y, size2] = cond(
        greater(size, 4),
        () => [this.scale.forward(x), size],
        () => [x, mul(size, 2)],
      );
      return [y, size2];
    }
  }
  const [small, large] = [
    tensor([
      [0.1, -0.2, 0.3],
      [0, 0.1, 0.2],
    ]),
    tensor([[1, -2, 3]]),
  ];
  const bytes = await expectSame(new Clipped(), [[small], [large]]);
  expect(operatorsOf(bytes)).toContain("If");
});

test("attention is the operator from operator set 23 on", async () => {
  const make = (): nn.Module => new nn.MultiHeadAttention(8, 2, { causal: true });
  const sample = (n: number): readonly Tensor[] => [normal([n, 5, 8])];
  const bytes = await expectSame(make(), [sample(2), sample(3)], { opset: 23 });
  expect(operatorsOf(bytes)).toContain("Attention");
  expect(operatorsOf(await saveModel(make(), { sample: sample(2), opset: 22 }))).not.toContain("Attention");
  const layer = make().eval();
  const loaded = loadModel(await saveModel(layer, { sample: sample(2), opset: 23 }));
  const x = normal([4, 5, 8]);
  const [y, expected] = [loaded.forward(x) as Tensor, (layer as nn.MultiHeadAttention).forward(x)];
  expect(Math.max(...Array.from(sub(y, expected).dataSync(), Math.abs))).toBeLessThan(1e-6);
});

test("an output of the model is seen in a loop by the output's name", async () => {
  class Seen extends nn.Module {
    layer = new nn.Linear(3, 3);
    forward(x: Tensor): readonly Tensor[] {
      const y = this.layer.forward(x);
      const [last] = scan((carry: Tensor) => [tanh(mul(carry, y)), undefined] as const, x, undefined, { length: 3 });
      return [y, last];
    }
  }
  await expectSame(new Seen(), [[normal([2, 3])], [normal([5, 3])]]);
});
