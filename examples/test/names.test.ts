import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { comparisonsOfNames, guardedFiles } from "../../scripts/names.mjs";
import { root } from "../../scripts/run.mjs";

const head = `import { type Backend, type Loss, type Variable } from "@ermine/core";
import { type Op } from "@ermine/core/define";
import { type FeedNode, type OpNode } from "@ermine/core/backend";
import { type Module } from "@ermine/core/nn";
declare const op: Op, node: OpNode, backend: Backend, variable: Variable, feed: FeedNode, module: Module, loss: Loss;
declare const table: Record<string, number>, map: Map<string, number>;
`;

/** Sources of the trainer's that are not on the disk. */
const texts: Record<string, string> = {};
let places: readonly { readonly file: string; readonly text: string }[] = [];

/** Plants a source. @returns what is found in it, when all are planted */
function plant(code: string): () => string[] {
  const file = join(root, "packages", "trainer", "src", "plan", `planted${Object.keys(texts).length}.ts`);
  texts[file] = head + code;
  return () => places.filter((place) => place.file === file).map(({ text }) => text);
}

const asking = [
  'export const is = op.name === "matmul";',
  'export const is = "matmul" !== node.op.name;',
  "export const depth = table[op.name];",
  "export const depth = table[`${op.name}Gradient`];",
  "export const has = op.name in table;",
  "export const depth = map.get(op!.name);",
  "export const has = Object.hasOwn(table, loss.lossName);",
  'export const is = variable.name.startsWith("optimizer.");',
  'export const is = ["cpu", "tfjs"].includes(backend.name);',
  'export const is = /Update$/.test(op["name"]);',
  'export const is = ({ name }: Op): boolean => name.endsWith("Update");',
  'export const is = ({ op: { name: called } }: OpNode): boolean => called.toLowerCase() === "relu";',
  'export const is = module.constructor.name === "Linear";',
  'export const has = "numEmbeddings" in module;',
  "export function f(): void {\n  switch (op.name) {\n  }\n}",
  'const called = op.name;\nexport const is = called === "relu";',
].map((code) => [code, plant(code)] as const);

const fair = [
  "export const message = `${op.name} has no kernel.`;",
  'export const names = [op, op].map(({ name }) => name).join(", ");',
  "export const has = op.name !== undefined;",
  "export const value = table[feed.name];",
  "export const same = op === node.op;",
  'export const is = variable.role === "slot";',
  '// A key: backends are registered by their names.\nexport const is = backend.name === "cpu";',
  "export const is = (name: string): boolean => name in table;",
].map((code) => [code, plant(code)] as const);

describe("the check of names", () => {
  beforeAll(() => {
    places = comparisonsOfNames(Object.keys(texts), texts);
  });

  it.each(asking)("finds %s", (_, found) => {
    expect(found()).toHaveLength(1);
  });

  it.each(fair)("lets pass %s", (_, found) => {
    expect(found()).toEqual([]);
  });

  it("reads steps, plans, objectives, lowerings and compiled programs, and finds nothing there", () => {
    const files = guardedFiles();
    for (const folder of [
      "trainer/src/step",
      "trainer/src/plan",
      "trainer/src/risk",
      "backend-cpu/src/lower",
      "backend-tfjs/src/lowering",
    ])
      expect(files.some((file: string) => file.startsWith(join(root, "packages", folder)))).toBe(true);
    expect(comparisonsOfNames(files)).toEqual([]);
  });
});
