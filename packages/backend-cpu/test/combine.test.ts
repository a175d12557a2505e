/** Products that are one step of a chain with what is done with them: fewer passes over a block, and the bits of the single ops. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { add, compile, div, mul, neg, scope, sub, tensor, withBackend, type Tensor } from "@ermine/core";
import { combine } from "../src/compiled/combine.js";
import { kinds } from "../src/generated/instructions.js";
import { cpu, type CpuBackend } from "../src/index.js";
import type { Chain, ChainStep, Source } from "../src/lower/chain.js";

const count = 16;
const whole = { offset: 0, shape: [count], strides: [1] };
const single = { offset: 0, shape: [count], strides: [0] };
const input = (i: number): Source => ({ input: i, view: whole });
const scalar = (i: number): Source => ({ input: i, view: single });
const step = (i: number): Source => ({ step: i });
const binary = (kind: "add" | "mul" | "sub", a: Source, b: Source): ChainStep => ({
  step: { family: "binary", kind: kinds.binary[kind], reads: [0, 1] },
  sources: [a, b],
});
const chainOf = (...steps: ChainStep[]): Chain => ({ count, steps, outputs: [steps.length - 1] });

/** Each step and its operands: "productPlus 0 1 →0" reads the inputs 0 and 1 and the first step. */
const written = ({ steps }: Chain): string[] =>
  steps.map(({ step: { family, kind }, sources }) => {
    const [name] = Object.entries<number>(kinds[family]).find(([, number]) => number === kind)!;
    return [name, ...sources.map((source) => ("step" in source ? `→${source.step}` : source.input))].join(" ");
  });

describe("steps", () => {
  it.each<readonly [string, Chain, readonly string[]]>([
    ["(a · b) · c", chainOf(binary("mul", input(0), input(1)), binary("mul", step(0), input(2))), ["productTimes 0 1 2"]],
    [
      "v · β + (g · g) · t",
      chainOf(
        binary("mul", input(0), scalar(1)),
        binary("mul", input(2), input(2)),
        binary("mul", step(1), scalar(3)),
        binary("add", step(0), step(2)),
      ),
      ["productTimes 2 2 3", "productPlus 0 1 →0"],
    ],
    [
      "((a · b) · c) · d",
      chainOf(binary("mul", input(0), input(1)), binary("mul", step(0), input(2)), binary("mul", step(1), input(3))),
      ["productTimes 0 1 2", "mul →0 3"],
    ],
    [
      "(a · b) · c + d",
      chainOf(binary("mul", input(0), input(1)), binary("mul", step(0), input(2)), binary("add", step(1), input(3))),
      ["productTimes 0 1 2", "add →0 3"],
    ],
    ["(a · b) · (a · b)", chainOf(binary("mul", input(0), input(1)), binary("mul", step(0), step(0))), ["mul 0 1", "mul →0 →0"]],
    [
      "two scalars' product",
      chainOf(binary("mul", scalar(0), scalar(1)), binary("mul", step(0), input(2))),
      ["mul 0 1", "mul →0 2"],
    ],
  ])("%s", (_, chain, steps) => {
    expect(written(combine(chain))).toEqual(steps);
  });
});

describe("bits", () => {
  let backend: CpuBackend;
  beforeAll(async () => void (backend = await cpu({ threads: 1 })));
  afterAll(() => backend.dispose());

  const functions: Readonly<Record<string, (a: Tensor, b: Tensor, s: Tensor) => Tensor>> = {
    "(a · b) · s": (a, b, s) => mul(mul(a, b), s),
    "s · (a · b)": (a, b, s) => mul(s, mul(a, b)),
    "(a · s) · b": (a, b, s) => mul(mul(a, s), b),
    "(a · s) · s": (a, _, s) => mul(mul(a, s), s),
    "a · s + (b · b) · s": (a, b, s) => add(mul(a, s), mul(mul(b, b), s)),
    "(a · b) · a + b": (a, b) => add(mul(mul(a, b), a), b),
    "b − (a · b) · s": (a, b, s) => sub(b, mul(mul(a, b), s)),
    "−((a · b) · s) + a": (a, b, s) => add(neg(mul(mul(a, b), s)), a),
    "((a · b) · a) / b": (a, b) => div(mul(mul(a, b), a), b),
  };
  const special = [0, -0, Infinity, -Infinity, NaN, 1e38, -1e38, 1e-38, 1e-45];

  it.each(Object.entries(functions))("%s are op by op's", (_, fn) => {
    const compiled = compile(fn);
    for (const n of [1, 2, 4, 7, 8, 11, 515]) {
      const values = (phase: number): Float32Array =>
        Float32Array.from({ length: n }, (__, i) =>
          (i + phase) % 5 === 0 ? special[(i * phase) % 9]! : Math.sin(i + phase) * 3,
        );
      scope(() =>
        withBackend(backend, () => {
          const given = [tensor(values(1)), tensor(values(2)), tensor(0.3)] as const;
          expect(compiled(...given).dataSync()).toEqual(fn(...given).dataSync());
        }),
      );
    }
  });
});
