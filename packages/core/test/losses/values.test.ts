/** Checks of the values of losses' inputs: refused, with a remedy, before anything is computed. */
import { beforeAll, describe, expect, it } from "vitest";
import * as core from "../../src/index.js";
import { Trace } from "../../src/entries/backend.js";
import { defineLoss, valueRule, type Elements } from "../../src/entries/define.js";
import { at, compile, grad, sum, tensor, useBackend, type Tensor, asLogProbabilities, asProbabilities } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => useBackend(reference()));

const indices = (...values: number[]): Tensor => tensor(Int32Array.from(values));
const p = asProbabilities(tensor([0.5, 0.5]));
const z = tensor([1, 2]);
const rows = tensor([
  [1, 2],
  [3, 4],
]);
type Of = (target: Tensor) => Tensor;

const unit: readonly (readonly [string, Of])[] = [
  ["bceWithLogits", (y) => core.bceWithLogits(z, y)],
  ["bce", (y) => core.bce(p, y)],
  ["focal", (y) => core.focal(z, y)],
  ["multiLabelSoftMargin", (y) => core.multiLabelSoftMargin(z, y)],
  ["dice", (y) => core.dice(p, y)],
];
const signs: readonly (readonly [string, Of])[] = [
  ["softMargin", (y) => core.softMargin(z, y)],
  ["hingeEmbedding", (y) => core.hingeEmbedding(z, y)],
  ["marginRanking", (y) => core.marginRanking(z, z, y)],
  ["cosineEmbedding", (y) => core.cosineEmbedding(rows, rows, y)],
];

describe.each(unit)("%s", (name, loss) => {
  it.each([
    [
      [1, -1],
      `${name}: target 1 is -1, and labels and probabilities are in [0, 1]. These are labels of ±1: write them as div(add(y, 1), 2)`,
    ],
    [
      [0, 255],
      `${name}: target 1 is 255, and labels and probabilities are in [0, 1]. These look like bytes: divide them by 255.`,
    ],
    [[0.5, 1.5], `${name}: target 1 is 1.5`],
    [[-Infinity, 0], `${name}: target 0 is -Infinity`],
  ])("refuses the targets %j", (values, message) => {
    expect(() => loss(tensor(values))).toThrow(message);
    const compiled = compile(loss);
    expect(() => compiled(tensor(values))).toThrow(message);
    expect(compiled(tensor([0, 1])).item()).toBeCloseTo(loss(tensor([0, 1])).item(), 5);
    expect(() => compiled(tensor(values))).toThrow(message);
  });

  it("takes probabilities, rounding errors among them, and what is computed as it comes", () => {
    expect(Number.isFinite(loss(tensor([0, 1])).item())).toBe(true);
    loss(tensor([0.25, 1 + 1e-7]));
    loss(core.sub(tensor([0, 1]), 1));
    expect(compile((y: Tensor) => loss(core.mul(y, 2)))(tensor([0, 1])).dtype).toBe("float32");
  });
});

describe.each(signs)("%s", (name, loss) => {
  it("takes ±1 alone", () => {
    loss(tensor([1, -1]));
    expect(() => loss(tensor([0, 1]))).toThrow(
      `${name}: target 0 is 0, and targets are 1 or -1. These are labels of 0 and 1: write them as sub(mul(y, 2), 1).`,
    );
    expect(() => loss(tensor([-1, 0]))).toThrow("To leave a sample out, give it the sampleWeight 0.");
    expect(() => loss(tensor([1, 0.5]))).toThrow(`${name}: target 1 is 0.5`);
  });
});

describe("other rules", () => {
  const logP = asLogProbabilities(tensor([-1, -2]));
  it.each([
    [
      "crossEntropy: target 1 is 2, and class probabilities are in [0, 1]. Divide each row",
      () => core.crossEntropy(z, tensor([0, 2])),
    ],
    ["crossEntropy: target 0 is -1", () => core.crossEntropy(z, tensor([-1, 2]))],
    ["crossEntropy: target 1 is 2, and classes are whole numbers from 0 to 1", () => core.crossEntropy(rows, indices(0, 2))],
    ["poissonNll: target 1 is -1, and counts are not below 0.", () => core.poissonNll(z, tensor([0, -1]))],
    [
      "klDiv: target 0 is -0.5, and probabilities are not below 0. Of their logarithms say { logTarget: true }.",
      () => core.klDiv(logP, tensor([-0.5, 0])),
    ],
    ["gaussianNll: predictionVariance 1 is -1, and variances are not below 0.", () => core.gaussianNll(z, z, tensor([1, -1]))],
    [
      "multiLabelMargin: target 1 is 2, and class indices are whole numbers from -1 to 1. -1 ends a list.",
      () => core.multiLabelMargin(z, indices(0, 2)),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });

  it("follow options and dtypes", () => {
    core.klDiv(logP, tensor([-0.5, 0]), { logTarget: true });
    core.crossEntropy(rows, indices(7, 1), { ignoreIndex: 7 });
    expect(Number.isNaN(core.bceWithLogits(z, tensor([NaN, 0])).item())).toBe(true);
  });
});

describe("a loss of one's own", () => {
  const squared = defineLoss({
    name: "squared",
    link: "identity",
    inputs: [{ name: "prediction" }, { name: "target", values: valueRule("targets are even", (value) => value % 2 === 0) }],
    elements: ([prediction, target]: readonly [Tensor, Tensor]) => ({ value: core.square(core.sub(prediction, target)) }),
  });
  const column = tensor([[0], [2], [4]]);

  it("does not broadcast (N, 1) against (N): eager, compiled and with a batch that is a symbol", () => {
    const message =
      /squared: sub broadcasts \[3, 1\] and \[3\] to \[3, 3\].*reshape\(prediction, \[-1\]\).*reshape \[3\] to \[1, 3\]/;
    expect(() => squared(column, tensor([0, 2, 4]))).toThrow(message);
    expect(() => compile(squared)(column, tensor([0, 2, 4]))).toThrow(message);
    const trace = new Trace();
    const n = core.Dim.symbol("N");
    const feed = (shape: core.Shape): Tensor => trace.feed("x" + shape.length, { shape, dtype: "float32", domain: "real" });
    expect(() => trace.run(() => squared(feed([n, 1]), feed([n])))).toThrow(/sub broadcasts \[N, 1\] and \[N\] to \[N, N\]/);
    const row = core.reshape(tensor([0, 2, 4]), [1, 3]);
    expect(() => squared(column, row)).toThrow(
      /squared: the value is \[3, 3\], with more elements than any of \[3, 1\], \[1, 3\]/,
    );
    expect(squared(tensor([1, 2]), tensor([0, 2])).item()).toBe(0.5);
    expect(squared(tensor([1, 2]), tensor(2)).item()).toBe(0.5);
  });

  it("has rules for its values", () => {
    expect(() => squared(tensor([1, 2]), tensor([2, 3]))).toThrow("squared: target 1 is 3, and targets are even.");
  });

  it.each([
    ["a tensor", (x: Tensor) => x as unknown as Elements, /returns? \{ value: it \}|got a tensor/],
    ["nothing", () => undefined as unknown as Elements, /elements gives \{ value, normalizer \}, value a tensor/],
    ["int32", (x: Tensor) => ({ value: core.cast(x, "int32") }), /the value is float32, got int32/],
    [
      "a normalizer of another shape",
      (x: Tensor) => ({ value: x, normalizer: core.reshape(x, [2, 1]) }),
      /has the value's shape \[2\]; got \[2, 1\]/,
    ],
  ] as const)("whose elements give %s is refused", (_, elements, message) => {
    const loss = defineLoss({
      name: "own",
      link: "identity",
      inputs: [{ name: "prediction" }],
      elements: ([x]: readonly [Tensor]) => elements(x),
    });
    expect(() => loss(tensor([1, 2]))).toThrow(message);
    expect(() => loss(tensor([1, 2]))).toThrow(core.ErmineError);
  });

  it("may give a value for each sample of nothing", () => {
    expect(core.dice(asProbabilities(core.zeros([3, 0])), core.zeros([3, 0]), { reduction: "none" }).toArray()).toEqual([
      0, 0, 0,
    ]);
  });
});

describe("ctc", () => {
  const steps = (t: number, n: number): Tensor<"logProbabilities"> => core.logSoftmax(core.zeros([t, n, 3]));
  const call = (inputs: Tensor, targets: Tensor, labels = tensor(Int32Array.of(1, 2, 1, 2), { shape: [2, 2] })): Tensor =>
    core.ctc(steps(3, 2), labels, inputs, targets, { reduction: "none" });

  it.each([
    ["ctc: inputLengths 1 is 4, and input lengths are whole numbers from 0 to 3.", indices(3, 4), indices(1, 1)],
    ["ctc: inputLengths 0 is -1", indices(-1, 3), indices(1, 1)],
    ["ctc: targetLengths 0 is 3, and target lengths are whole numbers from 0 to 2.", indices(3, 3), indices(3, 1)],
  ])("%s", (message, inputs, targets) => {
    expect(() => call(inputs, targets)).toThrow(message);
    // Computed, it is NaN there, in value and gradient, and touches no other sample.
    const computed = (t: Tensor): Tensor => core.add(t, indices(0, 0));
    const value = Array.from(call(computed(inputs), computed(targets)).dataSync(), Number.isNaN);
    expect(value.filter(Boolean).length).toBe(1);
    const slope = at(
      grad((x: Tensor) =>
        sum(
          core.ctc(
            core.logSoftmax(x),
            tensor(Int32Array.of(1, 2, 1, 2), { shape: [2, 2] }),
            computed(inputs),
            computed(targets),
            {
              reduction: "none",
            },
          ),
        ),
      )(core.zeros([3, 2, 3])),
      0,
    );
    expect(Array.from(slope.dataSync(), Number.isNaN)).toEqual(value.flatMap((isNaN) => [isNaN, isNaN, isNaN]));
  });

  it("of no steps is 0 for no labels, and Infinity for some", () => {
    expect(call(indices(0, 0), indices(0, 1)).toArray()).toEqual([0, Infinity]);
    expect(
      core
        .ctc(steps(3, 2), tensor(new Int32Array(0), { shape: [2, 0] }), indices(3, 0), indices(0, 0), { reduction: "none" })
        .toArray(),
    ).toEqual([expect.closeTo(3 * Math.log(3), 6), 0]);
  });

  it("refuses a label that is no class, or the blank, within its length", () => {
    const labels = (...values: number[]): Tensor => tensor(Int32Array.from(values), { shape: [2, 2] });
    expect(() => call(indices(3, 3), indices(2, 1), labels(1, 3, 1, 0))).toThrow(
      "ctc: target 1 is 3, and targets are classes from 0 to 2 other than the blank, 0.",
    );
    expect(() => call(indices(3, 3), indices(2, 2), labels(1, 2, 1, 0))).toThrow("ctc: target 3 is 0");
    call(indices(3, 3), indices(2, 1), labels(1, 2, 1, -1));
    expect(() => call(indices(3, 3), indices(1, 1), indices(1, 2, 1))).toThrow(
      "ctc: the target lengths add up to 2, and there are 3 targets.",
    );
  });
});
