import { expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { judge } from "../src/fuzz/judge.js";
import { consult, widened, type Expected } from "../src/fuzz/oracle.js";
import type { Leaf, Program, Step } from "../src/fuzz/program.js";

const program = (inputs: Readonly<Record<string, Leaf>>, steps: readonly Step[]): Program => ({
  inputs,
  variables: {},
  entries: [{ steps, after: [], writes: [], outputs: [steps.at(-1)!.result] }],
  calls: [0],
});

const float = (...data: readonly number[]): Leaf => ({ shape: [data.length], dtype: "float32", data });

async function expectedOf(given: Program): Promise<Expected> {
  const oracle = await consult(given);
  if (oracle.kind !== "values") throw new ErmineError("ERMINE_USAGE", oracle.kind);
  const wider = await widened(given, oracle.values, 24);
  if (wider.kind !== "values") throw new ErmineError("ERMINE_USAGE", wider.kind);
  return wider.values[0]!;
}

const targets = [{ label: "float32", backend: reference({ precision: "float32" }) }];

it("elements that only float64 tells from each other are rounded each by itself: their difference may be a unit", async () => {
  // e¹ᵉ⁻⁹ and e²ᵉ⁻⁹ are both 1 in float32.
  const given = program({ x: float(1e-9, 2e-9) }, [
    { result: "t0", call: "exp", args: [{ ref: "x" }] },
    { result: "t1", call: "at", args: [{ ref: "t0" }, 0] },
    { result: "t2", call: "at", args: [{ ref: "t0" }, 1] },
    { result: "t3", call: "sub", args: [{ ref: "t1" }, { ref: "t2" }] },
  ]);
  expect(await judge(given, targets)).toEqual({ kind: "discarded", reason: "unstable" });
});

it("a product of exact terms that cancel may be added to a bias that is there first", async () => {
  const given = program({ a: { ...float(64, 64), shape: [1, 2] }, b: { ...float(64, -64), shape: [1, 2] }, c: float(1.0003) }, [
    { result: "t0", call: "linear", args: [{ ref: "a" }, { ref: "b" }, { ref: "c" }] },
  ]);
  const { data, allowance } = await expectedOf(given);
  // 1.0003 + 4096 keeps 2⁻¹² of it.
  expect(allowance[0]).toBeGreaterThan(2 ** -12);
  expect(Math.abs(Math.fround(data[0]! + 4096) - 4096 - data[0]!)).toBeGreaterThan(2 ** -14);
});

it("nothing is said of whether a value is 0 that float32's rounding takes to 0", async () => {
  // Of the right class the loss is log(1 + e⁻³⁰): 9e-14, and 0 in float32.
  const given = program({ x: { shape: [1, 2], dtype: "float32", data: [30, 0] }, y: { shape: [1], dtype: "int32", data: [0] } }, [
    { result: "t0", call: "crossEntropy", args: [{ ref: "x" }, { ref: "y" }, { reduction: "none" }] },
    { result: "t1", call: "all", args: [{ ref: "t0" }] },
  ]);
  expect(await judge(given, targets)).toEqual({ kind: "discarded", reason: "unstable" });
});

it("a reciprocal may be approximated: whether it is what it is compared with is not said", async () => {
  const given = program({ x: float(1, 1, 2), y: float(1, 0, 0.5) }, [
    { result: "t0", call: "reciprocal", args: [{ ref: "x" }] },
    { result: "t1", call: "sub", args: [{ ref: "t0" }, { ref: "y" }] },
    { result: "t2", call: "sign", args: [{ ref: "t1" }] },
  ]);
  await expect(expectedOf(given)).rejects.toThrow("discarded");
});

it("a quotient by one number may be a product with its reciprocal", async () => {
  // 3 is the mean exactly, and what is left of it 0; 21 · (1/7) is a unit higher.
  const given = program({ x: float(6, 3, 0.5, -2.5, 8, -2, 8) }, [
    { result: "t0", call: "mean", args: [{ ref: "x" }] },
    { result: "t1", call: "sub", args: [{ ref: "x" }, { ref: "t0" }] },
  ]);
  const { data, allowance } = await expectedOf(given);
  expect(data[1]).toBe(0);
  expect(allowance[1]).toBeGreaterThan(2 ** -22);
});

it("a product whose finite factors are beyond float32 is left out, whatever 0 and ∞ make of it", async () => {
  const tiny = Array.from({ length: 30 }, () => 0.01);
  for (const last of [Infinity, -Infinity, 0, 1]) {
    const given = program({ x: float(...tiny, last) }, [{ result: "t0", call: "prod", args: [{ ref: "x" }] }]);
    expect(await judge(given, targets)).toEqual({ kind: "discarded", reason: "out of range" });
  }
  const few = program({ x: float(0.01, 3, Infinity, 0.5) }, [{ result: "t0", call: "prod", args: [{ ref: "x" }] }]);
  expect(await judge(few, targets)).toEqual({ kind: "same" });
});

it("equal elements may be approximated differently: which of them is the largest is nobody's promise", async () => {
  const given = program({ x: { ...float(-3, 1, -3, 2), shape: [4] } }, [
    { result: "t0", call: "exp", args: [{ ref: "x" }] },
    { result: "t1", call: "argMin", args: [{ ref: "t0" }] },
  ]);
  const oracle = await consult(given);
  expect(oracle.kind).toBe("values");
  if (oracle.kind === "values")
    expect(await widened(given, oracle.values, 24)).toEqual({ kind: "discarded", reason: "unstable" });
});
