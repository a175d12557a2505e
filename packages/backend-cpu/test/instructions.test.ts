/** The table of instructions: what is generated from it, and how little a new op needs. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Emitter } from "../src/emitter.js";
import { loadEngine } from "../src/engine.js";
import { kinds, opcode, stepForms, stepRows, type Family } from "../src/generated/instructions.js";
import { Heap } from "../src/heap.js";
// @ts-expect-error: the build's own module, without types
import { families, instructions } from "../instructions/table.mjs";

type Table = Readonly<Record<string, { readonly args: Readonly<Record<string, string>> }>>;

const packages = fileURLToPath(new URL("../..", import.meta.url));

describe("what is generated from the table", () => {
  it("numbers every instruction by its place, without a hole", () => {
    expect(Object.entries(opcode)).toEqual(Object.keys(instructions as Table).map((name, i) => [name, i]));
  });

  it("gives each family's kinds the numbers that its rows use", () => {
    for (const [op, { family, kind, integers }] of Object.entries(stepRows)) {
      const count = Object.keys(kinds[family]).length;
      expect(
        [kind, integers ?? 0].every((n) => Number.isInteger(n) && n >= 0 && n < count),
        op,
      ).toBe(true);
    }
    const codes = Object.values(stepForms).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("ends a program that has an instruction or a kind which the interpreter does not know", async () => {
    const engine = await loadEngine({ numerics: "portable", threads: 1 });
    const heap = new Heap(engine.memory, engine.exports.heapBase());
    const [program, data] = [heap.allocate(64), heap.allocate(64)];
    const run = (words: readonly number[]) => () => {
      heap.i32.set(words, program >>> 2);
      engine.exports.run(program, words.length);
    };
    expect(run([Object.keys(opcode).length | (1 << 8)])).toThrow(WebAssembly.RuntimeError);
    for (const family of ["unary", "activation", "gradient", "binary"] as const) {
      const unknown = Object.keys(families[family].kinds as object).length;
      expect(run(step(family, unknown, data)), family).toThrow(WebAssembly.RuntimeError);
      expect(run(step(family, unknown - 1, data)), family).not.toThrow();
    }
  });
});

/** One step of that kind over four elements. */
function step(family: Family, kind: number, data: number): readonly number[] {
  const e = new Emitter(0);
  if (family === "unary") e.emit("unary", kind, data, data, 4);
  else if (family === "activation") e.emit("activation", kind, data, data, 4, 0, 0);
  else if (family === "gradient") e.emit("activationGradient", kind, data, data, data, 4, 0, 0);
  else e.emit("binary", kind, data, data, data, 1, 4, 1, 1);
  return e.words;
}

/** The files of a folder's sources, made ones left out. */
function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "generated" || entry.name === "wasm" ? [] : sourcesOf(path);
    return /\.(ts|mjs)$/.test(entry.name) ? [path] : [];
  });
}

it("an op with a gradient and kernels for both is three files: its definition, its rows of the table, its kernels", () => {
  const folders = [
    "core/src",
    "trainer/src",
    "backend-cpu/src",
    "backend-cpu/instructions",
    "backend-cpu/assembly",
    "backend-tfjs/src",
  ];
  const naming = folders
    .flatMap((folder) => sourcesOf(join(packages, folder)))
    .filter((path) => /asinh/i.test(readFileSync(path, "utf8")))
    .map((path) => relative(packages, path));
  expect(naming).toEqual(["core/src/ops/unary.ts", "backend-cpu/instructions/table.mjs", "backend-cpu/assembly/activation.ts"]);
});
