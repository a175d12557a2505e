import v8 from "node:v8";
import { describe, expect, it } from "vitest";
import {
  convolution,
  linear,
  matmul,
  mul,
  scaledDotProductAttention,
  scope,
  sum,
  tensor,
  valueAndGrad,
  withBackend,
  type ConvolutionOptions,
  type Tensor,
} from "@ermine/core";
import { cpu, type CpuBackend, type Numerics } from "../src/index.js";
import { loadEngine } from "../src/engine.js";
import { whyNot, wideVectors } from "../src/v8Flags.js";
import { agreeWide } from "../src/vectors.js";
import { pretending } from "./pretended.js";

const noisy = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 0.7548776662 + 0.1) % 1) - 0.5),
    { shape },
  );

/** V8 joins vectors in Node ≥ 24 on x64. Elsewhere the same kernels run as they are, two narrow vectors for a wide one. */
const joins = whyNot(wideVectors) === undefined;
async function wideBackend(numerics: Numerics): Promise<CpuBackend> {
  if (joins) return cpu({ numerics, threads: 1, vectors: 256 });
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  return (await pretending({}, () => cpu({ numerics, threads: 1, vectors: 256 }))).value;
}

describe.each(["fast", "portable"] as const)("vectors of 256 bits, %s", async (numerics) => {
  const narrow = await cpu({ numerics, threads: 1, vectors: 128 });
  const wide = await wideBackend(numerics);

  it("are used where they were asked for", () => {
    expect(wide.details).toMatchObject({ vectors: 256 });
    expect(wide.engine).toMatch(/256-bit vectors, 1 thread$/);
    expect(narrow.details).toMatchObject({ vectors: 128 });
    expect(narrow.engine).not.toContain("256");
    expect(wide.numerics).toBe(narrow.numerics);
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
      expect(withBackend(wide, run), `${m} × ${n} × ${k}`).toEqual(withBackend(narrow, run));
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
      expect(withBackend(wide, numbers)).toEqual(withBackend(narrow, numbers));
    }
  });

  const signs = (y: Tensor): Tensor => sum(mul(y, noisy(...(y.shape as number[]))));
  it.each<[string, readonly number[], readonly number[], ConvolutionOptions]>([
    ["4 × 4 in steps of 2", [3, 13, 19, 18], [27, 13, 4, 4], { stride: 2, padding: 1 }],
    ["1 × 1", [3, 33, 9, 9], [14, 33, 1, 1], {}],
    ["a signal", [2, 5, 701], [8, 5, 7], { padding: 3, dilation: 2 }],
    ["groups", [2, 12, 17, 9], [24, 4, 3, 3], { groups: 3 }],
    ["depthwise", [2, 9, 21, 20], [9, 1, 3, 3], { groups: 9, stride: 2, padding: 1 }],
    ["depthwise, steps of 1", [2, 9, 21, 20], [9, 1, 5, 5], { groups: 9, padding: 2 }],
  ])("give the bits of narrow ones in a convolution and its gradients: %s", (_, x, w, options) => {
    const run = (): Float32Array[] =>
      scope(() => {
        const inputs = [noisy(...x), noisy(...w), noisy(w[0]!)];
        const { value, grads } = valueAndGrad(() => signs(convolution(inputs[0]!, inputs[1]!, inputs[2], options)), inputs);
        return [value, ...grads].map((t) => t.dataSync() as Float32Array);
      });
    expect(withBackend(wide, run)).toEqual(withBackend(narrow, run));
  });
});

describe("the check", async () => {
  const { exports, memory } = await loadEngine({ numerics: "fast", threads: 1, vectors: 128 });

  /** An engine whose products are `other` when wide. */
  const engine = (other: boolean) => {
    let wide = false;
    return {
      memory,
      isWide: () => wide,
      exports: {
        ...exports,
        useWide: (on: boolean) => (wide = on),
        run(program: number, words: number) {
          exports.run(program, words);
          const c = new Int32Array(memory.buffer)[(program >>> 2) + 1]!;
          if (wide && other) new Int32Array(memory.buffer)[c >>> 2]! ^= 1;
        },
      },
    };
  };

  it("takes what has the same bits, and leaves no trace in memory", () => {
    const checked = engine(false);
    expect(agreeWide(checked)).toBe(true);
    expect(checked.isWide()).toBe(true);
    expect(new Uint8Array(memory.buffer, exports.heapBase()).some((byte) => byte !== 0)).toBe(false);
  });

  it("leaves what has others", () => {
    const checked = engine(true);
    expect(agreeWide(checked)).toBe(false);
    expect(checked.isWide()).toBe(false);
  });
});
