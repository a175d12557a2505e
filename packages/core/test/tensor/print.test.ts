import { beforeAll, describe, expect, it } from "vitest";
import { inspect } from "node:util";
import * as e from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));

describe("printing", () => {
  it("shows dtype, shape and numbers", () => {
    expect(
      String(
        e.tensor([
          [1, 2.5],
          [-3, 4],
        ]),
      ),
    ).toBe("Tensor(float32[2, 2]\n  [[1, 2.5],\n   [-3, 4]])");
    expect(String(e.tensor([true, false]))).toBe("Tensor(bool[2]\n  [true, false])");
    expect(String(e.tensor(3))).toBe("Tensor(float32[]\n  3)");
    expect(String(e.tensor(0.1))).toContain("0.1)");
  });

  it("cuts the middle of long tensors", () => {
    const text = String(e.arange(10_000));
    expect(text).toContain("[0, 1, 2, …, 9997, 9998, 9999]");
    expect(String(e.zeros([100, 100])).split("\n").length).toBeLessThan(12);
  });

  it("is what a console shows", () => expect(inspect(e.tensor([1]))).toContain("float32[1]"));

  it("gives nested arrays, booleans for bool, a number for a scalar", () => {
    expect(e.tensor([[true], [false]]).toArray()).toEqual([[true], [false]]);
    expect(e.tensor(2).toArray()).toBe(2);
    expect(e.zeros([2, 0]).toArray()).toEqual([[], []]);
    expect(() => e.tensor([1, 2]).item()).toThrow(/item\(\) needs one element, got \[2\]/);
  });
});
