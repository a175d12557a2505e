import { describe, expect, it } from "vitest";
import { arange, full, less, tensor, withBackend, zeros } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

const coded = (code: string) => expect.objectContaining({ code });

describe("what no tensor can hold is refused where it is made", () => {
  it.each([
    ["a dtype that does not exist", () => tensor([1, 2], { dtype: "int64" as "int32" }), "ERMINE_DTYPE"],
    ["full of such a dtype", () => full([2], 1, { dtype: "float64" as "float32" }), "ERMINE_DTYPE"],
    ["int32 of 3e9", () => full([1], 3e9, { dtype: "int32" }), "ERMINE_DTYPE"],
    ["a range beyond int32", () => arange(3e9, 3e9 + 2), "ERMINE_DTYPE"],
    ["2³¹ elements", () => zeros([2 ** 31]), "ERMINE_MEMORY"],
  ] as const)("%s", (_, make, code) => expect(make).toThrow(coded(code)));
});

it("int32 and a fraction are compared exactly", () =>
  withBackend(reference(), () => {
    expect(less(tensor([16777217], { dtype: "int32" }), 16777216.5).toArray()).toEqual([false]);
  }));
