import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { withDomain } from "../../src/entries/define.js";
import type { Index } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));
const cube = () => e.reshape(e.arange(24), [2, 3, 4]);

describe("x.at", () => {
  it.each<[string, Index[], unknown]>([
    ["a number drops its axis", [1, 2, 3], 23],
    ["a negative number counts from the end", [-1, -3, -1], 15],
    ["a range keeps it", [0, { start: 1 }, 0], [4, 8]],
    ["a step", [0, 0, { step: 2 }], [0, 2]],
    ["a negative step runs backwards", [0, 0, { step: -1 }], [3, 2, 1, 0]],
    ["negative bounds", [0, 0, { start: -3, stop: -1 }], [1, 2]],
    ["bounds beyond the end are cut", [0, 0, { start: 2, stop: 99 }], [2, 3]],
    ["an empty range", [0, 0, { start: 3, stop: 1 }], []],
    ["an ellipsis stands for the axes between", [1, "...", 0], [12, 16, 20]],
    ["null is a new axis", [0, 0, null, { stop: 2 }], [[0, 1]]],
    ["an array picks", [0, 0, [3, 0, -1]], [3, 0, 3]],
    ["two arrays pick pairs", [[0, 1], [2, 0], 1], [9, 13]],
    [
      "arrays of two axes",
      [
        0,
        [
          [0, 1],
          [2, 2],
        ],
        0,
      ],
      [
        [0, 4],
        [8, 8],
      ],
    ],
    [
      "arrays with a range between come first",
      [[0, 1], { stop: 2 }, [3, 0]],
      [
        [3, 7],
        [12, 16],
      ],
    ],
    ["a mask of one axis", [0, [true, false, true], 0], [0, 8]],
  ])("%s", (_, indices, expected) => expect(e.at(cube(), ...indices).toArray()).toEqual(expected));

  it("puts the picked axes first where a range lies between two arrays, as NumPy and PyTorch", () => {
    const x = e.reshape(e.arange(24), [1, 2, 3, 4]);
    expect(e.at(x, {}, [0, 1], { stop: 2 }, [3, 0]).toArray()).toEqual([[[3, 7]], [[12, 16]]]);
    expect(e.at(x, {}, [0, 1], [2, 0]).shape).toEqual([1, 2, 4]);
  });

  it("takes masks of several axes, and tensors", () => {
    expect(e.at(cube(), e.greater(cube(), 20)).toArray()).toEqual([21, 22, 23]);
    expect(e.at(cube(), 0, e.tensor([2], { dtype: "int32" }), 1).toArray()).toEqual([9]);
    expect(e.at(e.at(cube(), "...", e.add(e.tensor([-1], { dtype: "int32" }), 0)), 0, 0).toArray()).toEqual([3]);
  });

  it("says what is out of bounds", () => {
    expect(() => e.at(cube(), 2)).toThrow(/2 is outside of axis 0, whose size is 2/);
    expect(() => e.at(cube(), 0, 0, 0, 0)).toThrow(/4 indices for \[2, 3, 4\]/);
    expect(() => e.at(cube(), 0, [7])).toThrow(/index 7 is not in -3 … 2/);
    expect(() => e.at(cube(), [true, false, true])).toThrow(/mask \[3\] does not fit/);
    expect(() => e.at(cube(), 0.5)).toThrow(/whole number/);
    expect(() => e.at(cube(), { step: 0 })).toThrow(/step/);
    expect(() => e.at(cube(), e.tensor([0.5]))).toThrow(/int32/);
  });

  it("does to one axis what Array.slice does, for any bounds", () => {
    const bound = fc.option(fc.integer({ min: -9, max: 9 }), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), bound, bound, (size, start, stop) => {
        const values = Array.from({ length: size }, (_, i) => i);
        const range = { ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) };
        expect(e.at(e.arange(size), range).toArray()).toEqual(values.slice(start, stop));
      }),
    );
  });

  it("keeps the domain", () => {
    expect(e.at(withDomain(e.ones([2]), "probabilities"), 0).domain).toBe("probabilities");
  });
});
