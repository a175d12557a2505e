/** Inputs and constants that operators read as sizes, axes or bounds. */
import { beforeAll, describe, expect, test } from "vitest";
import { compile, Dim, ErmineError, manualSeed, tensor, useBackend, type Tensor } from "@ermine/core";
import { Trace } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { ints, node, value, type FileParts } from "./graphs.js";
import { model, one } from "./loading.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

describe("inputs that say shapes", () => {
  const reshaping: FileParts = {
    input: [value("x", "float32"), value("to", "int64", [2])],
    output: [value("y", "float32")],
    node: [node("Reshape", ["x", "to"], ["y"])],
  };

  test("are numbers or tensors of the host, in a compiled function numbers", () => {
    const loaded = model(reshaping);
    const x = tensor([1, 2, 3, 4]);
    const expected = [
      [1, 2],
      [3, 4],
    ];
    expect(one(loaded.forward(x, [2, -1])).toArray()).toEqual(expected);
    expect(one(loaded.forward(x, BigInt64Array.of(2n, 2n))).toArray()).toEqual(expected);
    expect(one(loaded.forward(x, tensor([2, 2], { dtype: "int32" }))).toArray()).toEqual(expected);
    const program = compile((t: Tensor, to: number[]) => loaded.forward(t, to) as Tensor);
    expect(program(x, [2, 2]).toArray()).toEqual(expected);
    expect(program(x, [4, 1]).toArray()).toEqual([[1], [2], [3], [4]]);
    program.dispose();
    const wrong = compile((t: Tensor, to: Tensor) => loaded.forward(t, to) as Tensor);
    expect(() => wrong(x, tensor([2, 2], { dtype: "int32" }))).toThrow(/"to" says sizes, axes or counts.*pass it as numbers/);
  });

  test("a shape that is computed from tensors is refused by name", () => {
    const loaded = model({
      input: [value("x", "float32", [4]), value("k", "int64", [1])],
      output: [value("y", "float32")],
      node: [node("ArgMax", ["x"], ["at"], { keepdims: 1n }), node("Expand", ["x", "at"], ["y"], {}, { name: "grow" })],
    });
    const trace = new Trace();
    expect(() =>
      trace.run(() =>
        loaded.forward(
          trace.feed("x", { shape: [Dim.symbol("N")], dtype: "float32", domain: "real" }),
          trace.feed("k", { shape: [1], dtype: "int32", domain: "real" }),
        ),
      ),
    ).toThrow(ErmineError);
    const fed = new Trace();
    expect(() =>
      fed.run(() =>
        loaded.forward(
          fed.feed("x", { shape: [4], dtype: "float32", domain: "real" }),
          fed.feed("k", { shape: [1], dtype: "int32", domain: "real" }),
        ),
      ),
    ).toThrow(/Expand "grow": It takes "at" for sizes, axes or counts, and that is computed from tensors/);
  });

  test("ends of slices beyond every axis, and axes counted from the end", () => {
    const loaded = model({
      input: [value("x", "float32", ["N", 4])],
      output: [value("y", "float32")],
      initializer: [ints("from", [1, -3]), ints("to", [2n ** 63n - 1n, 2n ** 63n - 1n]), ints("axes", [0, -1])],
      node: [node("Slice", ["x", "from", "to", "axes"], ["y"])],
    });
    const x = tensor([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ]);
    expect(one(loaded.forward(x)).toArray()).toEqual([
      [6, 7, 8],
      [10, 11, 12],
    ]);
    const program = compile((t: Tensor) => loaded.forward(t) as Tensor, { symbolicBatch: true });
    expect(program(x).toArray()).toEqual([
      [6, 7, 8],
      [10, 11, 12],
    ]);
    program.dispose();
  });

  test("integers beyond int32 are refused where they are computed with", () => {
    const loaded = model({
      input: [value("x", "int64", [1])],
      output: [value("y", "int64")],
      initializer: [ints("big", [2n ** 40n])],
      node: [node("Add", ["x", "big"], ["y"])],
    });
    expect(() => loaded.forward(tensor([1], { dtype: "int32" }))).toThrow(
      /The int64 1099511627776 is beyond what ermine's integers hold/,
    );
  });
});
