/** Calls that were ignored or ended in a raw TypeError: each is refused with the call that is meant. */
import { beforeAll, expect, test } from "vitest";
import * as define from "../src/entries/define.js";
import * as e from "../src/index.js";
import { BatchNorm1d, Conv2d, Dropout, Embedding, LayerNorm, Linear, LSTM, MaxPool2d } from "../src/nn/index.js";
import { reference } from "../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));
const x = () =>
  e.tensor([
    [1, 2],
    [3, 4],
  ]);

/** The error of a refused call. */
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
test.each<[string, () => unknown, RegExp]>([
  ["clamp(x, { min: 0 })", () => call(e.clamp, x(), { min: 0 }), /min is a number, got \{ min: 0 \}\. Write clamp\(x, 0, max\)/],
  ["clamp(x, [0, 1])", () => call(e.clamp, x(), [0, 1]), /min is a number, got \[0, 1\]\. Write clamp\(x, 0, 1\)/],
  ["diagonal(x, { offset: 1 })", () => call(e.diagonal, x(), { offset: 1 }), /would be ignored\. Write diagonal\(x\)/],
  ["add(x, y, { alpha: 2 })", () => call(e.add, x(), x(), { alpha: 2 }), /would be ignored\. Write add\(x, x\)/],
  ["uniform([2], { min: 0 })", () => call(e.uniform, [2], { low: 1 }), /low is a number.*Write uniform\(shape, 1, high\)/],
  ["normal([2], { mean: 3 })", () => call(e.normal, [2], { mean: 3 }), /Write normal\(shape, 3, standardDeviation\)/],
  ["squeeze(x, { axis: 0 })", () => call(e.squeeze, x(), { axis: 0 }), /axis is a whole number or a list.*Write squeeze\(x, 0\)/],
  ["flip(x, { axis: 0 })", () => call(e.flip, x(), { axis: 0 }), /Write flip\(x, 0\)/],
  ["split(x, { size: 1 })", () => call(e.split, x(), { size: 1 }), /sizes is a whole number.*Write split\(x, sizes, axis\)/],
  [
    "slice(x, [0, 0])",
    () => call(e.slice, x(), [0, 0]),
    /sizes is a list, got undefined\. Write slice\(x, starts, sizes, steps\)/,
  ],
  ['einsum(x, "ij->i")', () => call(e.einsum, x(), "ij->i"), /the equation first\. Write einsum\("ij->i", x\)/],
  [
    "concat([x, x], { axis: 1 })",
    () => call(e.concat, [x(), x()], { axis: 1 }),
    /got \{ axis: 1 \}\. Write concat\(tensors, 1\)/,
  ],
  ["concat(x, x)", () => call(e.concat, x(), x()), /tensors is a list, got a tensor/],
  ["cumsum(x, { axis: 0 })", () => call(e.cumsum, x(), { axis: 0 }), /Write cumsum\(x, 0\)/],
  ["a promise", () => call(e.clamp, x(), Promise.resolve(0)), /got a promise \(await it first\)/],
  ["maxPool of a matrix", () => call(e.maxPool, x(), 2), /\[N, C, \.\.\.size\] with at least one spatial axis/],
  [
    "defineLoss({})",
    () => call(define.defineLoss, {}),
    /defineLoss needs name\. Write defineLoss\(\{ name: …, link: …, inputs: …, elements: … \}\)/,
  ],
  ["defineOp({ name })", () => call(define.defineOp, { name: "own" }), /defineOp of "own" needs inputs/],
  ["defineActivation({ nme })", () => call(define.defineActivation, { nme: "own" }), /no option "nme"\. Did you mean "name"/],
  ['useBackend("cpu")', () => call(e.useBackend, "cpu"), /Write useBackend\(await createBackend\("cpu"\)\)/],
  [
    "useBackend(cpu())",
    () => call(e.useBackend, Promise.resolve(1)),
    /got a promise \(await it first\)\. Write useBackend\(await cpu\(\)\)/,
  ],
  ["useBackend(cpu)", () => call(e.useBackend, async function cpu() {}), /Write useBackend\(await cpu\(\)\)/],
  ['withBackend("cpu", fn)', () => call(e.withBackend, "cpu", () => 1), /Write withBackend\(await createBackend\("cpu"\), fn\)/],
])("%s is refused with the right spelling", (_, fn, message) => {
  expect(refusal(fn)).toMatch(message);
});

test("what is refused as a backend leaves the one in use", () => {
  const before = e.currentBackend();
  refusal(() => call(e.useBackend, "cpu"));
  expect(e.currentBackend()).toBe(before);
});

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
