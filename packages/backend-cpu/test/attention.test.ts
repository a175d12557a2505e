import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile, scaledDotProductAttention, withBackend } from "@ermine/core";
import { cpu } from "../src/index.js";
import { expectSame, numbers, tensorOf, withGradients, type Numbers } from "./oracle.js";

interface Case {
  readonly lead: readonly number[];
  readonly length: number;
  readonly source: number;
  readonly width: number;
  readonly features: number;
  readonly mask: "none" | "causal" | "float" | "bool";
  /** Which of the mask's axes are 1. */
  readonly flat: readonly boolean[];
}

const truth = ({ shape, data }: Numbers): Numbers & { dtype: "bool" } => ({
  shape,
  data: data.map((n) => (n > -0.2 ? 1 : 0)),
  dtype: "bool",
});

async function check({ lead, length, source, width, features, mask, flat }: Case): Promise<void> {
  const full = [...lead, length, source];
  const shape = full.map((n, i) => (flat[i] === true ? 1 : n));
  const bias = numbers(shape, 4);
  const inputs: Numbers[] = [
    numbers([...lead, length, width], 1),
    numbers([...lead, source, width], 2),
    numbers([...lead, source, features], 3),
  ];
  if (mask === "bool") inputs.push(truth(bias));
  // A float mask is read where it gets no gradient: as a constant.
  const constant = { shape, data: bias.data.map((n) => (n > 0.7 ? -Infinity : n)) };
  await expectSame(
    withGradients(
      (q, k, v, m) =>
        scaledDotProductAttention(q!, k!, v!, {
          causal: mask === "causal",
          ...(m === undefined ? {} : { mask: m }),
          ...(mask === "float" ? { mask: tensorOf(constant) } : {}),
        }),
      (s) => numbers(s, 5),
    ),
    inputs,
  );
}

const upTo = (most: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: most });

describe("attention and its gradients are the reference's", { timeout: 60_000 }, () => {
  it("with any sizes and masks", async () => {
    const cases = fc.record({
      lead: fc.array(upTo(3), { maxLength: 3 }),
      length: upTo(9),
      source: upTo(11),
      width: upTo(9),
      features: upTo(9),
      mask: fc.constantFrom("none" as const, "causal" as const, "float" as const, "bool" as const),
      flat: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    });
    await fc.assert(fc.asyncProperty(cases, check), { numRuns: 60 });
  });

  it.each(["none", "causal", "float", "bool"] as const)("over more than a block of queries, mask: %s", async (mask) => {
    await check({ lead: [2, 3], length: 130, source: 131, width: 16, features: 20, mask, flat: [] });
    await check({ lead: [9, 4], length: 64, source: 64, width: 16, features: 16, mask, flat: [false, true] });
    await check({ lead: [2], length: 70, source: 5, width: 3, features: 1, mask, flat: [true, true] });
    expect(mask).toBeTypeOf("string");
  });

  it("without a key a query gives 0, and so do gradients", async () => {
    for (const causal of [false, true]) {
      const slopes = withGradients(
        (q, k, v) => scaledDotProductAttention(q!, k!, v!, { causal }),
        (shape) => numbers(shape, 9),
      );
      await expectSame(slopes, [numbers([2, 3, 4], 1), numbers([2, 0, 4], 2), numbers([2, 0, 5], 3)]);
    }
    const masked = withGradients(
      (q, k, v, mask) => scaledDotProductAttention(q!, k!, v!, { mask: mask! }),
      (shape) => numbers(shape, 9),
    );
    await expectSame(masked, [numbers([3, 4], 1), numbers([0, 4], 2), numbers([0, 5], 3), truth(numbers([3, 0], 4))]);
  });

  it("a score that is NaN or infinite spoils its own query only", async () => {
    const q = numbers([2, 9, 4], 1);
    q.data[5] = NaN;
    q.data[22] = 3e38;
    const [k, v] = [numbers([2, 10, 4], 2), numbers([2, 10, 3], 3)];
    k.data[3] = 1;
    await expectSame((a, b, c) => [scaledDotProductAttention(a!, b!, c!)], [q, k, v]);
    await expectSame((a, b, c) => [scaledDotProductAttention(a!, b!, c!, { causal: true, scale: -0.7 })], [q, k, v]);
  });

  it.each([1, 6])("a key that has all the weight leaves queries and keys no gradient at all: of %d keys", async (source) => {
    const scores = [numbers([4, 3, 5, 4], 1), numbers([4, 3, source, 4], 2)];
    // The first key is far ahead of the others for every query.
    for (const t of scores) t.data.forEach((x, i) => (t.data[i] = 1 + 0.1 * x));
    scores[1]!.data.forEach((x, i) => (scores[1]!.data[i] = i % (source * 4) < 4 ? 100 * x : x));
    for (const options of [{}, { threads: 2 }, { numerics: "portable" }] as const) {
      const backend = await cpu(options);
      const slopes = withGradients(
        (q, k, v) => scaledDotProductAttention(q!, k!, v!),
        (shape) => numbers(shape, 9),
      );
      withBackend(backend, () => {
        for (const fn of [slopes, compile(slopes, { backend })]) {
          const [, toQ, toK] = fn(...[...scores, numbers([4, 3, source, 7], 3)].map(tensorOf));
          expect(Math.max(...toQ!.dataSync().map(Math.abs), ...toK!.dataSync().map(Math.abs))).toBe(0);
        }
      });
    }
  });
});
