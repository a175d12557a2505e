import { describe, expect, it } from "vitest";
import { argMax, compile, max, ones, softmax, topK, withBackend, zeros, type Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

const open = (fn: (x: Tensor) => Tensor) => {
  const on = reference();
  const program = compile(fn, { backend: on, symbolicBatch: true, name: "own" });
  return (rows: number, value = ones([rows, 2])): number[] => withBackend(on, () => Array.from(program(value).dataSync()));
};

describe("sizes that were open when a graph was traced", () => {
  it.each<[string, (x: Tensor) => Tensor]>([
    ["max", (x) => max(x, { axis: 0 })],
    ["argMax", (x) => argMax(x, { axis: 0 })],
    ["slice", (x) => topK(x, 2, { axis: 0 }).values],
    ["slice", (x) => x.at(1)],
    ["slice", (x) => x.at({ start: 1 })],
  ])("%s is refused for a batch that has too little, and goes on afterwards", (name, fn) => {
    const run = open(fn);
    const before = run(3);
    expect(() => run(0)).toThrow(
      expect.objectContaining({ code: "ERMINE_SHAPE", message: expect.stringContaining(`: ${name}`) }),
    );
    expect(run(3)).toEqual(before);
  });

  it("what an op is made of is its own affair: a softmax over no rows has no elements", () => {
    expect(open((x) => softmax(x, { axis: 0 }))(0, zeros([0, 2]))).toEqual([]);
  });
});
