/** Functions of a file. */
import { beforeAll, describe, expect, test } from "vitest";
import { manualSeed, tensor, useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { node, value, type FileParts } from "./graphs.js";
import { model, one } from "./loading.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(11);
});

describe("functions of a file", () => {
  const half = {
    name: "scaled",
    domain: "mine",
    input: ["a"],
    output: ["b"],
    attribute: ["alpha"],
    node: [{ opType: "LeakyRelu", input: ["a"], output: ["b"], attribute: [{ name: "alpha", refAttrName: "alpha", type: 1 }] }],
    opsetImport: [{ version: 18n }],
  };

  test("have the attributes of their call, or the operator's defaults", () => {
    const parts = (attributes: Record<string, number>): FileParts => ({
      input: [value("x", "float32")],
      output: [value("y", "float32")],
      node: [node("scaled", ["x"], ["y"], attributes, { domain: "mine" })],
      functions: [half],
      domains: ["mine"],
    });
    expect(one(model(parts({ alpha: 0.5 })).forward(tensor([-2, 4]))).toArray()).toEqual([-1, 4]);
    expect(one(model(parts({})).forward(tensor([-200, 4]))).toArray()).toEqual([-2, 4]);
  });

  test("that call themselves, or each other without an end of work, are refused", () => {
    const calls = (name: string, others: readonly string[]) => ({
      name,
      domain: "mine",
      input: ["a"],
      output: ["b"],
      node: others.map((other, i) =>
        node(
          other,
          [i === 0 ? "a" : `t${i - 1}`],
          [i === others.length - 1 ? "b" : `t${i}`],
          {},
          { domain: other === "Neg" ? "" : "mine" },
        ),
      ),
      opsetImport: [{ version: 18n }, { domain: "mine", version: 1n }],
    });
    const parts = (functions: FileParts["functions"] & object): FileParts => ({
      input: [value("x", "float32")],
      output: [value("y", "float32")],
      node: [node("f0", ["x"], ["y"], {}, { domain: "mine" })],
      functions,
      domains: ["mine"],
    });
    expect(() => model(parts([calls("f0", ["f1"]), calls("f1", ["f0"])]))).toThrow(/"f0" calls itself/);
    const laughs = Array.from({ length: 60 }, (_, i) => calls(`f${i}`, i === 59 ? ["Neg"] : [`f${i + 1}`, `f${i + 1}`]));
    expect(() => model(parts(laughs))).toThrow(/more than 1000000 operators/);
    const deep = Array.from({ length: 10_000 }, (_, i) => calls(`f${i}`, i === 9999 ? ["Neg"] : [`f${i + 1}`]));
    expect(() => model(parts(deep))).toThrow(/more than 100 deep/);
  });
});
