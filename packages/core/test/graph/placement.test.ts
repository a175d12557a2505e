import { describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import {
  traceEntry,
  graphModule,
  compileDetached,
  placements,
  specialize,
  peakBytes,
  type Graph,
  type OpNode,
  type TensorType,
} from "../../src/entries/backend.js";
import type { Tensor } from "../../src/index.js";
import { Dropout, Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

const N = e.Dim.symbol("N");
const float = (shape: e.Shape): TensorType => ({ shape, dtype: "float32", domain: "real" });
const traced = (fn: (x: Tensor) => unknown, shape: e.Shape = [N, 3]): Graph =>
  traceEntry("test", (trace) => fn(trace.feed("x", float(shape)))).graph;

describe("a program apart", () => {
  it("has numbers of its own, on two backends at once, and leaves the variable where it is", async () => {
    const w = new e.Variable(e.tensor([1, 2, 3]), { name: "w" });
    const graph = traced((x) => {
      w.value = e.add(w.value, e.sum(x, { axis: 0 }));
      return [w.value];
    });
    const module = graphModule({ step: graph });
    const [a, b] = [reference(), reference({ precision: "float32" })].map((backend) => compileDetached(backend, module));
    a!.write(0, Float32Array.of(10, 20, 30));
    b!.write(0, Float32Array.of(0, 0, 1));
    const feeds = { x: { shape: [2, 3], value: Float32Array.of(1, 1, 1, 1, 1, 1) } };
    for (const program of [a!, b!]) program.run("step", feeds);
    expect([...(await a!.read(0))]).toEqual([12, 22, 32]);
    expect([...(await b!.read(0))]).toEqual([2, 2, 3]);
    expect(w.placedOn).toBeUndefined();
    expect([...(await w.data())]).toEqual([1, 2, 3]);
    a!.dispose();
    b!.dispose();
  });

  it("takes constants that live on another backend", () => {
    const [one, other] = [reference(), reference()];
    const scale = e.withBackend(one, () => e.keep(e.mul(e.tensor([1, 2, 3]), 2)));
    const program = compileDetached(other, graphModule({ f: traced((x) => [e.mul(x, scale)]) }));
    const [out] = program.run("f", { x: { shape: [1, 3], value: Float32Array.of(1, 1, 1) } });
    expect([...other.readSync!(out!)]).toEqual([2, 4, 6]);
    const late = reference({ late: true });
    const kept = e.withBackend(late, () => e.keep(e.mul(e.tensor([1, 2, 3]), 2)));
    expect(() => compileDetached(other, graphModule({ f: traced((x) => [e.mul(x, kept)]) }))).toThrow(/another|Copy it/);
  });

  it("says what each node took, and runs the step as it does", async () => {
    const w = new e.Variable(e.tensor([0, 0, 0]), { name: "w" });
    const graph = traced((x) => {
      w.value = e.add(w.value, e.sum(e.tanh(x), { axis: 0 }));
      return [];
    });
    const program = compileDetached(reference(), graphModule({ step: graph }));
    program.write(0, new Float32Array(3));
    const parts = await program.profile!("step", { x: { shape: [1, 3], value: Float32Array.of(100, 100, 100) } });
    const names = parts.flatMap(({ nodes }) => nodes.map(({ op }) => op.name));
    for (const name of ["sum", "add"]) expect(names).toContain(name);
    for (const { seconds } of parts) expect(seconds).toBeGreaterThanOrEqual(0);
    expect([...(await program.read(0))]).toEqual([1, 1, 1]);
  });
});

describe("placements", () => {
  const graph = traced((x) => [e.gelu(x), e.matmul(x, e.zeros([3, 2]))]);
  it("name what a backend has, and what the rest becomes there", () => {
    const poor = reference({ without: ["gelu"] });
    const gelu = placements(graph, poor).find(({ node }) => node.op.name === "gelu")!;
    expect(gelu.as).toBe("decomposed");
    expect(gelu.into).toContain("mul");
    const matmul = placements(graph, poor).find(({ node }) => node.op.name === "matmul")!;
    expect(matmul).toMatchObject({ as: "kernel", into: ["matmul"] });
  });

  it("say where the host makes numbers, and refuse where a primitive is missing", () => {
    const noise = traceEntry("noise", (trace) => {
      const counters = trace.feed("counters", { shape: [3], dtype: "int32", domain: "real" });
      return e.withRandom({ seed: 1, counters }, () => [
        e.add(trace.feed("x", float([4])), new Dropout(0.5).forward(e.ones([4]))),
      ]);
    }).graph;
    expect(placements(noise, reference({ without: ["randomUniform"] })).map(({ as }) => as)).toContain("host");
    expect(() => placements(graph, reference({ without: ["matmul"] }))).toThrow(/primitive matmul/);
  });
});

it("a gradient belongs to the layer that its op is of", () => {
  const model = new Sequential(new Linear(3, 4), new ReLU(), new Linear(4, 1));
  const graph = traced((x) => {
    const { grads } = e.valueAndGrad(() => e.sum(model.forward(x)), model.parameters());
    return [...grads];
  });
  const ops = graph.nodes.filter((node): node is OpNode => node.kind === "op");
  expect(ops.find(({ op }) => op.name === "reluGradient")?.path).toBe("1");
});

it("peakBytes counts what is alive at once", () => {
  const chain = specialize(
    traced((x) => [e.exp(e.exp(e.exp(x)))]),
    { N: 10 },
  );
  expect(peakBytes(chain)).toBe(2 * 10 * 3 * 4);
  const wide = specialize(
    traced((x) => [e.exp(x), e.sin(x), e.cos(x)]),
    { N: 10 },
  );
  expect(peakBytes(wide)).toBe(3 * 10 * 3 * 4);
});
