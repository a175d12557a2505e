/** Files at random: read and checked, or refused with a reason, and never a bug's error. */
import fc from "fast-check";
import { expect } from "vitest";
import { ErmineError } from "@ermine/core";
import { loadConfiguration } from "../src/config/load.js";
import { fitFeatures, inputsOfTable } from "../src/table/features.js";
import { readTable } from "../src/table/readTable.js";
import { rolesOf, withTarget } from "../src/table/roles.js";
import { shippedRows, asCsv, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();
const rows = shippedRows("penguins.json").slice(0, 40);
const csv = asCsv(rows);
const jsonLines = rows.map((row) => JSON.stringify(row)).join("\n");
const yaml = [
  "data: penguins.csv",
  "target: Species",
  "columns: { exclude: [Island], kinds: { Sex: category } }",
  "split: { test: 0.25, folds: 5 }",
  "network: { hidden: [8, 8], dropout: 0.1 }",
  "optimizer: { learningRate: 0.01 }",
  "training: { epochs: 5, timeLimit: 60 }",
].join("\n");

/** What is put into a file. */
const pieces = fc.oneof(
  fc.constantFrom(
    '"',
    ",",
    "\n",
    "\r\n",
    "\r",
    "\t",
    ";",
    "\0",
    "\ufeff",
    "NaN",
    "1e999",
    "-",
    "{",
    "}",
    "[",
    "]",
    ":",
    "&a",
    "*a",
    "null",
    "true",
    "'",
    "\\",
    "__proto__",
    "constructor",
    "2024-02-30",
    "😀",
  ),
  fc.string({ maxLength: 8 }),
  fc.double().map(String),
);

/** Some bytes are left out, doubled or replaced. */
const mutated = (text: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.record({ at: fc.nat({ max: text.length }), drop: fc.nat({ max: 40 }), piece: fc.option(pieces), again: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    )
    .map((changes) => {
      let result = text;
      for (const { at, drop, piece, again } of changes) {
        const cut = result.slice(at, at + drop);
        result = result.slice(0, at) + (piece ?? "") + (again ? cut + cut : "") + result.slice(at + drop);
      }
      return result;
    });

/** Milliseconds of the processor; what takes more hangs. */
const most = 1000;

async function checkedOnly(act: () => Promise<unknown>): Promise<void> {
  const started = process.cpuUsage();
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ErmineError)) throw error;
    expect(error.message).toMatch(/^\S.*\S$/s);
  }
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1000).toBeLessThan(most);
}

/** All that is done with a file before training. */
async function prepared(path: string, badRows: "error" | "skip"): Promise<void> {
  const table = await readTable(path, { badRows, encoding: "utf-8" });
  const options = { target: "Species", task: "auto", include: undefined, exclude: [], kinds: {}, time: undefined } as const;
  const roles = rolesOf(table, options, () => undefined);
  const kept = withTarget(table, roles.target);
  for (const { data } of inputsOfTable(fitFeatures(kept, roles), kept)) expect(data.every(Number.isFinite)).toBe(true);
}

/** Kinds of files, and what is tried with a mutated one. */
export const kinds = ["penguins.csv", "penguins.jsonl", "run.yaml"] as const;

/** Tries so many mutated files of a kind. @throws what a file should not lead to, with the file as small as it still does */
export async function tryMutated(kind: (typeof kinds)[number], files: number): Promise<void> {
  const text = { "penguins.csv": csv, "penguins.jsonl": jsonLines, "run.yaml": yaml }[kind];
  const act = async (content: string, badRows: "error" | "skip"): Promise<unknown> => {
    const path = written(folder, kind, content);
    return kind === "run.yaml" ? loadConfiguration({ file: path, options: {}, set: [] }) : prepared(path, badRows);
  };
  await fc.assert(
    fc.asyncProperty(mutated(text), fc.constantFrom("error" as const, "skip" as const), async (content, badRows) =>
      checkedOnly(() => act(content, badRows)),
    ),
    { numRuns: files },
  );
}
