import { expect, test } from "vitest";
import { differsFrom, lossTolerance } from "../src/contest.js";
import { slope, summarize } from "../src/statistics.js";

test("a summary is the least and the median, of an even number the mean of the middle two", () => {
  expect(summarize([3, 1, 2])).toEqual({ min: 1, median: 2, rounds: 3 });
  expect(summarize([10, 2, 4, 100])).toEqual({ min: 2, median: 7, rounds: 4 });
  expect(() => summarize([])).toThrow(RangeError);
});

test("one disturbed round does not move the median", () => {
  expect(summarize([1, 1, 1, 1, 900]).median).toBe(1);
});

test("the slope is that of the line that the points lie around", () => {
  expect(slope([0, 1, 2, 3].map((x) => [x, 5 + 2 * x]))).toBeCloseTo(2, 12);
  expect(
    slope([
      [0, 1],
      [1, 3],
      [2, 2],
    ]),
  ).toBeCloseTo(0.5, 12);
  expect(
    slope([
      [4, 1],
      [4, 9],
    ]),
  ).toBe(0);
});

test("a first loss is another one beyond float32's rounding", () => {
  expect(differsFrom(2.3, 2.3 * (1 + lossTolerance / 2))).toBeUndefined();
  expect(differsFrom(2.3, 2.31)).toContain("2.31000");
  expect(differsFrom(Number.NaN, 2.3)).toBeDefined();
  expect(differsFrom(undefined, 2.3)).toBeUndefined();
});
