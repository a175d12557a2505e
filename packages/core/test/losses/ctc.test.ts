/** ctc is a loop: its value and gradient are two nodes whatever the number of steps, and long sequences have one of few steps' meaning. */
import { beforeEach, expect, it } from "vitest";
import {
  compile,
  ctc,
  logSoftmax,
  manualSeed,
  normal,
  slice,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import { isLoop, traceEntry } from "../../src/entries/backend.js";
import { reference } from "../../src/reference/index.js";

beforeEach(() => {
  useBackend(reference());
  manualSeed(2);
});

const int32 = (values: readonly number[] | readonly number[][]): Tensor => tensor(values, { dtype: "int32" });
const targets = int32([
  [1, 2, 1],
  [2, 2, 0],
]);
const targetLengths = int32([3, 2]);

it("a program of it is as long at 1,000 steps as at four", () => {
  const count = (steps: number): number => {
    const logits = zeros([steps, 2, 3]);
    const { graph } = traceEntry("ctc", () => {
      const { value, grads } = valueAndGrad(() => ctc(logSoftmax(logits), targets, int32([steps, steps]), targetLengths), logits);
      return [value, grads];
    });
    expect(graph.nodes.filter(isLoop)).toHaveLength(2);
    return graph.nodes.length;
  };
  expect(count(1000)).toBe(count(4));
});

it("steps after an input's length change neither value nor gradient, eagerly and compiled", () => {
  const logits = normal([300, 2, 3]);
  const both = (x: Tensor): Tensor[] => {
    const { value, grads } = valueAndGrad(() => ctc(logSoftmax(x), targets, int32([7, 5]), targetLengths), x);
    return [value, grads];
  };
  const [short, long] = [both(slice(logits, [0, 0, 0], [7, 2, 3])), both(logits)];
  const compiled = compile(both);
  const program = compiled(logits);
  for (const found of [long, program]) {
    expect(found[0]!.item()).toBeCloseTo(short[0]!.item(), 12);
    const gradient = Array.from(found[1]!.dataSync());
    const expected = Array.from(short[1]!.dataSync());
    gradient.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? 0, 12));
  }
  compiled.dispose();
});
