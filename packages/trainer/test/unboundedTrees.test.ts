/** Columns in trees without an end. */
import { ErmineError } from "@ermine/core";
import { expect, it } from "vitest";
import { dataset } from "../src/index.js";

const cyclic = (): object => {
  const tree: Record<string, unknown> = { x: new Float32Array(2) };
  tree["again"] = [tree];
  return tree;
};
const deep = (): unknown => {
  let tree: unknown = new Float32Array(2);
  for (let i = 0; i < 1e5; i++) tree = { a: tree };
  return tree;
};
const deepArrays = (): unknown => {
  let tree: unknown = [1];
  for (let i = 0; i < 1e5; i++) tree = [tree];
  return tree;
};

it.each(Object.entries({ cyclic, deep, deepArrays }))("%s: a data set refuses them in each of its parts", (_, make) => {
  const inputs = new Float32Array(2);
  expect(() => dataset({ inputs: make() as never })).toThrow(ErmineError);
  expect(() => dataset({ inputs, targets: make() as never })).toThrow(ErmineError);
  expect(() => dataset({ inputs, sampleWeights: make() as never })).toThrow(ErmineError);
});
