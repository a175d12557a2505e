import { describe, expect, it } from "vitest";
import * as core from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

const { ones, withBackend } = core;
const names = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const;

describe.each(names)("%s", (name) => {
  const run = (a: unknown, b: unknown): unknown => withBackend(reference(), () => core[name](a as never, b as never));

  it.each([
    [undefined, 1],
    [1, null],
    ["a", ones([2])],
    [ones([2]), [1, 2]],
  ])("says what is wrong with its operands, and that it is one of its own (%s, %s)", (a, b) => {
    expect(() => run(a, b)).toThrow(new RegExp(`^${name} expects a tensor|^${name}\\(`));
  });

  it("says which shapes do not meet", () => {
    expect(() => run(ones([2, 3]), ones([4]))).toThrow(new RegExp(`^${name}: .*\\[2, 3\\].*\\[4\\]`));
  });
});
