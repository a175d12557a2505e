import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { drawUniform } from "../../src/entries/define.js";
import type { Tensor } from "../../src/index.js";
import { erf } from "../../src/reference/erf.js";
import { reference } from "../../src/reference/index.js";

const poor = reference({ precision: "float32", dtypes: ["float32"], late: true, without: ["randomUniform"] });
const rich = reference();
const indices = (values: number[]) => e.tensor(values, { dtype: "int32" });

/** Things that need int32, bool or random bits. */
const programs: [string, () => Tensor][] = [
  ["logic", () => e.where(e.logicalAnd(e.less(e.arange(5), 3), e.logicalNot(e.equal(e.arange(5), 1))), 1, 0)],
  [
    "logicalOr, xor",
    () =>
      e.logicalXor(e.logicalOr(e.tensor([true, false, false]), e.tensor([false, false, true])), e.tensor([true, true, false])),
  ],
  ["casts", () => e.cast(e.tensor([-1.7, 0, 2.9]), "int32")],
  ["casts to bool and back", () => e.cast(e.cast(e.tensor([-1.7, 0, 2.9]), "bool"), "float32")],
  ["integer arithmetic", () => e.remainder(e.mul(indices([7, -7]), 3), 4)],
  ["counting", () => e.sum(e.greater(e.tensor([1, 2, 3]), 1))],
  ["any, all", () => e.stack([e.cast(e.any(e.tensor([0, 1])), "int32"), e.cast(e.all(e.tensor([0, 1])), "int32")])],
  ["gather, scatterAdd", () => e.scatterAdd(e.zeros([3]), 0, indices([2, 2]), e.gather(e.tensor([1, 5]), 0, indices([1, 0])))],
  [
    "argMax and oneHot",
    () =>
      e.oneHot(
        e.argMax(
          e.tensor([
            [1, 3, 2],
            [9, 3, 2],
          ]),
          { axis: 1 },
        ),
        3,
      ),
  ],
  ["sort", () => e.argSort(e.tensor([3, 1, 2]))],
  ["indexing", () => e.at(e.reshape(e.arange(12), [3, 4]), [-1, 0], { step: -2 })],
  ["random", () => e.withRandom({ seed: 4, counters: indices([1, 0, 0]) }, () => drawUniform([5], "test"))],
  ["isFinite", () => e.isFinite(e.tensor([1, Infinity, Number.NaN]))],
  [
    "a gradient",
    () =>
      e.grad((x: Tensor) => e.sum(e.max(x, { axis: 0 })))(
        e.tensor([
          [1, 5],
          [3, 5],
        ]),
      ),
  ],
];

describe("a backend with float32 only, that answers late", () => {
  it.each(programs)("%s: the numbers and dtype of the full one", async (_, program) => {
    const expected = e.withBackend(rich, program);
    const got = e.withBackend(poor, program);
    expect(got.dtype).toBe(expected.dtype);
    expect(got.shape).toEqual(expected.shape);
    const data = await got.data();
    expect(Array.from(data)).toEqual(Array.from(expected.dataSync()));
    if (got.dtype !== "float32") expect(data.constructor).toBe(expected.dataSync().constructor);
  });

  it.each(programs)("%s, compiled", async (name, program) => {
    // Numbers from outside the trace are constants; counters must be fed.
    const fn =
      name === "random" ? (c: Tensor) => e.withRandom({ seed: 4, counters: c }, () => drawUniform([5], "test")) : program;
    const f = e.compile(fn as (...args: Tensor[]) => Tensor, { backend: poor });
    const got = f(...(name === "random" ? [indices([1, 0, 0])] : []));
    expect(Array.from(await got.data())).toEqual(Array.from(e.withBackend(rich, program).dataSync()));
    f.dispose();
  });

  it("answers in a later macrotask, never at once", async () => {
    const x = e.withBackend(poor, () => e.neg(e.tensor([1])));
    expect(() => x.dataSync()).toThrow(/answers only later: use await/);
    const order: string[] = [];
    const reading = x.data().then(() => order.push("read"));
    await Promise.resolve();
    order.push("microtask");
    await reading;
    expect(order).toEqual(["microtask", "read"]);
    expect(String(x)).toBe("Tensor(float32[1] on reference)");
  });

  it("hands its variables' numbers back", async () => {
    const v = new e.Variable(indices([1, 2]), { name: "counter" });
    const f = e.compile((x: Tensor) => ((v.value = e.add(v.value, x)), v.value), { backend: poor });
    f(indices([10, 10]));
    f.dispose();
    expect(Array.from(await v.data())).toEqual([11, 12]);
  });
});

describe("reference arithmetic", () => {
  beforeAll(() => e.useBackend(rich));

  it("is in double precision", () => {
    expect(e.add(e.tensor(new Float64Array([0.1])), 0.2).item()).toBe(0.1 + 0.2);
    expect(e.mul(e.tensor([1], { dtype: "int32" }), 2 ** 30).item()).toBe(2 ** 30);
  });

  it("erf agrees with tables to 1e-15", () => {
    // Abramowitz & Stegun, table 7.1, and Wolfram's Erf.
    const table: [number, number][] = [
      [0, 0],
      [0.1, 0.1124629160182849],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [2.5, 0.999593047982555],
      [3, 0.9999779095030014],
      [4, 0.9999999845827421],
      [-1, -0.8427007929497149],
      [30, 1],
      [-Infinity, -1],
    ];
    for (const [x, y] of table) expect(Math.abs(erf(x) - y)).toBeLessThan(2e-15);
    expect(erf(Number.NaN)).toBeNaN();
  });
});
