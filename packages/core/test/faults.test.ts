/** Calls that were ignored or ended in a raw TypeError: each is refused with the call that is meant. */
import { beforeAll, expect, test } from "vitest";
import * as e from "../src/index.js";
import { BatchNorm1d, Conv2d, Dropout, Embedding, LayerNorm, Linear, LSTM, MaxPool2d } from "../src/nn/index.js";
import { reference } from "../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));
const x = () =>
  e.tensor([
    [1, 2],
    [3, 4],
  ]);

/** What was refused and how. */
function refusal(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof e.ErmineError) return error.message;
    return `a raw ${(error as Error).name}: ${(error as Error).message}`;
  }
  return "nothing was refused";
}
/** As somebody writes it who uses no types. */
type Loose = (...args: unknown[]) => unknown;
const call = (fn: unknown, ...args: unknown[]): unknown => (fn as Loose)(...args);
const construct = (type: unknown, ...args: unknown[]): unknown => new (type as new (...args: unknown[]) => unknown)(...args);

const misplaced: [string, () => unknown, RegExp][] = [
  ["sum(x, 1)", () => call(e.sum, x(), 1), /sum.*\{ axis: 1 \}/],
  ["mean(x, [0])", () => call(e.mean, x(), [0]), /mean.*\{ axis: \[0\] \}/],
  ["max(x, 0)", () => call(e.max, x(), 0), /max.*\{ axis: 0 \}/],
  ["softmax(x, 0)", () => call(e.softmax, x(), 0), /softmax.*\{ axis: 0 \}/],
  ["elu(x, 2)", () => call(e.elu, x(), 2), /elu.*\{ alpha: 2 \}/],
  [
    "crossEntropy(z, y, 0.1)",
    () => call(e.crossEntropy, x(), e.tensor(Int32Array.of(0, 1)), 0.1),
    /crossEntropy.*\{ labelSmoothing: 0\.1 \}/,
  ],
  ["new Conv2d(1, 2, 3, 2)", () => construct(Conv2d, 1, 2, 3, 2), /Conv2d.*\{ stride: 2 \}/],
  ["new Linear(2, 1, false)", () => construct(Linear, 2, 1, false), /Linear.*\{ bias: false \}/],
  ["new LSTM(2, 3, 2)", () => construct(LSTM, 2, 3, 2), /LSTM.*\{ numLayers: 2 \}/],
  ["new MaxPool2d(2, 2)", () => construct(MaxPool2d, 2, 2), /MaxPool2d.*\{ stride: 2 \}/],
  ["new Embedding(3, 2, 0)", () => construct(Embedding, 3, 2, 0), /Embedding.*\{ paddingIdx: 0 \}/],
  ["new BatchNorm1d(3, 1e-3)", () => construct(BatchNorm1d, 3, 1e-3), /BatchNorm1d.*\{ eps: 0\.001 \}/],
  ["new LayerNorm(3, 1e-3)", () => construct(LayerNorm, 3, 1e-3), /LayerNorm.*\{ eps: 0\.001 \}/],
  ["new Dropout({ rate: 0.5 })", () => construct(Dropout, { rate: 0.5 }), /Dropout.*Dropout\(0\.5\)/],
];
test.each(misplaced)("A15: %s is refused with the right spelling", (_, fn, message) => {
  expect(refusal(fn)).toMatch(message);
});

test.each<[string, () => unknown, RegExp]>([
  ["reshape(x, 4)", () => call(e.reshape, x(), 4), /reshape.*\[4\]/],
  ["permute(x, 1, 0)", () => call(e.permute, x(), 1, 0), /permute.*\[1, 0\]/],
  ["tile(x, 2)", () => call(e.tile, x(), 2), /tile.*\[/],
  ["zeros(3)", () => call(e.zeros, 3), /zeros.*\[3\]/],
  [
    "LSTM.run(x, h)",
    () => call((h: unknown) => new LSTM(2, 3).run(e.ones([1, 4, 2]), h as never), e.zeros([1, 1, 3])),
    /\[h, c\]|two tensors/,
  ],
  ["arange(64, { dtype })", () => call(e.arange, 64, { dtype: "int32" }), /arange\(0, 64, 1, \{ dtype/],
  ["valueAndGrad(fn(), p)", () => call(e.valueAndGrad, x(), x()), /valueAndGrad.*function/],
  ["scope(value)", () => call(e.scope, x()), /scope.*function/],
])("B6: %s is refused with the right spelling", (_, fn, message) => {
  const text = refusal(fn);
  expect(text).not.toMatch(/^a raw/);
  expect(text).toMatch(message);
});
