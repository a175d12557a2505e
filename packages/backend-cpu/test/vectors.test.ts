import { describe, expect, it } from "vitest";
import { linear, matmul, scaledDotProductAttention, scope, tensor, withBackend, type Tensor } from "@ermine/core";
import { cpu } from "../src/index.js";
import { loadEngine } from "../src/engine.js";
import { tryWide } from "../src/vectors.js";

const noisy = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 0.7548776662 + 0.1) % 1) - 0.5),
    { shape },
  );

/** Node 24's V8 is the first that can be asked. */
const expected = process.arch === "x64" && Number.parseInt(process.versions.node) >= 24 ? 256 : 128;

describe.each(["fast", "portable"] as const)("vectors of 256 bits, %s", async (numerics) => {
  const [auto, narrow] = [await cpu({ numerics, threads: 1 }), await cpu({ numerics, threads: 1, vectors: 128 })];

  it("are used where the engine has them and nobody said no", () => {
    expect(auto.details).toMatchObject({ vectors: expected });
    expect(auto.engine.includes("256-bit vectors")).toBe(expected === 256);
    expect(narrow.details).toMatchObject({ vectors: 128 });
    expect(narrow.engine).not.toContain("256");
  });

  const layouts = [
    ["a · b", false, false],
    ["a · bᵀ", false, true],
    ["aᵀ · b", true, false],
    ["aᵀ · bᵀ", true, true],
  ] as const;
  const edges = [3, 4, 6, 15, 16, 17, 24, 33];
  const shapes = [
    ...edges.flatMap((m) => edges.flatMap((n) => [1, 7, 64].map((k) => [m, n, k] as const))),
    [64, 48, 300],
    [67, 91, 600],
    [131, 257, 300],
  ] as const;

  it.each(layouts)("give the bits of narrow ones: %s", (_, transposeA, transposeB) => {
    for (const [m, n, k] of shapes) {
      const run = (): Float32Array =>
        scope(
          () =>
            matmul(transposeA ? noisy(k, m) : noisy(m, k), transposeB ? noisy(n, k) : noisy(k, n), {
              transposeA,
              transposeB,
            }).dataSync() as Float32Array,
        );
      expect(withBackend(auto, run), `${m} × ${n} × ${k}`).toEqual(withBackend(narrow, run));
    }
  });

  it("give the bits of narrow ones with a bias, and in attention", () => {
    const runs = [
      ...shapes.map(
        ([m, n, k]) =>
          () =>
            linear(noisy(m, k), noisy(n, k), noisy(n)),
      ),
      () => scaledDotProductAttention(noisy(2, 67, 16), noisy(2, 70, 16), noisy(2, 70, 24)),
    ];
    for (const run of runs) {
      const numbers = (): Float32Array => scope(() => run().dataSync() as Float32Array);
      expect(withBackend(auto, numbers)).toEqual(withBackend(narrow, numbers));
    }
  });
});

describe("the trial", async () => {
  const { exports, memory } = await loadEngine("fast", 1, 128);

  /** An engine whose products take some time by a clock of its own, and are `other` when wide. */
  const engine = (milliseconds: { narrow: number; wide: number }, other = false) => {
    let wide = false;
    let time = 0;
    return {
      now: () => time,
      memory,
      isWide: () => wide,
      exports: {
        ...exports,
        useWide: (on: boolean) => (wide = on),
        run(program: number, words: number) {
          exports.run(program, words);
          time += wide ? milliseconds.wide : milliseconds.narrow;
          const c = new Int32Array(memory.buffer)[(program >>> 2) + 1]!;
          if (wide && other) new Int32Array(memory.buffer)[c >>> 2]! ^= 1;
        },
      },
    };
  };

  it("takes what is faster", () => {
    const tried = engine({ narrow: 2, wide: 1.5 });
    expect(tryWide(tried, tried.now)).toBeUndefined();
    expect(tried.isWide()).toBe(true);
  });

  it("leaves what is not", () => {
    const tried = engine({ narrow: 1, wide: 0.9 });
    expect(tryWide(tried, tried.now)).toBe("256-bit vectors are not faster");
    expect(tried.isWide()).toBe(false);
  });

  it("leaves what gives other bits, however fast", () => {
    const tried = engine({ narrow: 2, wide: 0.5 }, true);
    expect(tryWide(tried, tried.now)).toBe("256-bit vectors gave other numbers");
    expect(tried.isWide()).toBe(false);
  });
});
