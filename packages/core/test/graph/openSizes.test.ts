import { describe, expect, it } from "vitest";
import { at, argMax, compile, Dim, max, ones, softmax, topK, withBackend, zeros, type Tensor } from "../../src/index.js";
import { compileModule, graphModule, traceEntry } from "../../src/entries/backend.js";
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
    ["slice", (x) => at(x, 1)],
    ["slice", (x) => at(x, { start: 1 })],
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

  it("are looked at once for feeds that a loop feeds again and again", () => {
    let reads = 0;
    const feeds = {
      get x() {
        reads++;
        return { shape: [3, 2], value: new Float32Array(6) };
      },
    };
    const { graph } = traceEntry("step", (trace) =>
      max(trace.feed("x", { shape: [Dim.symbol("N"), 2], dtype: "float32", domain: "real" }), { axis: 0 }),
    );
    const backend = { ...reference(), compile: () => ({ ...idle, run: () => [] }) };
    const program = compileModule(backend, graphModule({ step: graph, other: graph }));
    program.run("step", feeds);
    const once = reads;
    expect(once).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) program.run("step", feeds);
    expect(reads).toBe(once);
    program.run("other", feeds);
    expect(reads).toBe(2 * once);
    expect(() => program.run("step", { x: { shape: [0, 2], value: new Float32Array() } })).toThrow(/: max/);
    expect(() => program.run("step", { x: { shape: [0, 2], value: new Float32Array() } })).toThrow(/: max/);
    program.dispose();
  });
});

/** An executable that does nothing. */
const idle = {
  snapshot: () => ({}),
  read: async () => new Float32Array(),
  write: () => undefined,
  dispose: () => undefined,
};
