/** Operators as they were in earlier operator sets. */
import { beforeAll, describe, expect, test } from "vitest";
import { manualSeed, sum, tensor, useBackend, type Tensor } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { node, value } from "./graphs.js";
import { dense, model, one } from "./loading.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

describe("versions of operators", () => {
  const x = tensor([
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  const softmax = (opset: number): Tensor =>
    one(
      model({
        opset,
        input: [value("x", "float32")],
        output: [value("y", "float32")],
        node: [node("Softmax", ["x"], ["y"])],
      }).forward(x),
    );

  test("softmax was over all axes from the first on, and is over the last", () => {
    expect(sum(softmax(12)).item()).toBeCloseTo(1, 6);
    expect(sum(softmax(13)).item()).toBeCloseTo(2, 6);
  });

  test("axes, sizes and bounds as attributes", () => {
    const old = model({
      opset: 7,
      input: [value("x", "float32")],
      output: [value("y", "float32")],
      node: [
        node("Unsqueeze", ["x"], ["a"], { axes: [0n] }),
        node("Slice", ["a"], ["b"], { starts: [1n], ends: [2n], axes: [2n] }),
        node("Squeeze", ["b"], ["c"], { axes: [0n] }),
        node("Clip", ["c"], ["d"], { min: 3.5 }),
        node("Pad", ["d"], ["e"], { pads: [0n, 0n, 0n, 0n, 0n, 1n], value: 9 }),
        node("ReduceSum", ["e"], ["f"], { axes: [1n], keepdims: 0n }),
        node("Upsample", ["f"], ["g"], { scales: [1, 2] }),
        node("TopK", ["g"], ["y", "i"], { k: 2n }),
      ],
    });
    expect(one(old.forward(x)).toArray()).toEqual([[9, 9]]);
  });

  test.each([6, 28])("the operator set %i is refused", (opset) => {
    expect(() => model({ ...dense, opset })).toThrow(new RegExp(`operator set ${opset}, and 7 … 27 are read`));
  });
});
