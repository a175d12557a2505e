import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isInternal, isValue, load, ts } from "../../scripts/declarations.mjs";
import { files, pages, said } from "../../scripts/reference.mjs";

const root = new URL("../../", import.meta.url);
const made: Readonly<Record<string, string>> = pages();

it.each(Object.entries(files() as Record<string, string>))(
  "%s is what docstrings say (otherwise: pnpm reference)",
  (path, text) => {
    expect(readFileSync(new URL(path, root), "utf8")).toBe(text);
  },
);

it("has the schedules that are made of others, the links of a chain and what is no single value", () => {
  expect(made["schedules.md"]).toMatch(/`schedules.sequence` [^]*`schedules.warmup` /);
  expect(made["metrics.md"]).toMatch(/`confusionMatrix` [^]*`bestThreshold` /);
  expect(made["transforms.md"]).toContain("| `addDecayedWeights` |");
  expect(made["callbacks.md"]).toMatch(/`earlyStopping` [^]*`elasticNet` /);
  expect(made["ops.md"]).toContain('| `sum` | `sum(x: Tensor, options?: ReduceOptions): Tensor<"real">` | ');
});

it("has no page of something that is gone, and no entry that says nothing", () => {
  expect(readdirSync(new URL("docs/reference/", root)).sort()).toEqual(Object.keys(made).sort());
  for (const [name, text] of Object.entries(made)) {
    const rows = text.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows.length, name).toBeGreaterThan(5);
    // A source may be absent.
    const empty = rows.filter((row) => /\| {2}\|/.test(row.slice(0, row.lastIndexOf("|", row.length - 2) + 1)));
    expect(empty, name).toEqual([]);
  }
});

it("has a row for every value that core exports, from one entry each, and no op among what users import", () => {
  const { entries } = load();
  const owner = new Map<string, string>();
  const without: string[] = [];
  for (const specifier of ["@ermine/core", "@ermine/core/define", "@ermine/core/backend"]) {
    const entry = entries.find((one: { specifier: string }) => one.specifier === specifier)!;
    for (const { name, symbol } of entry.exports) {
      if (!isValue(symbol) || isInternal(symbol) || (symbol.flags & ts.SymbolFlags.ValueModule) !== 0) continue;
      expect(owner.get(name), `${name} has two entries`).toBeUndefined();
      owner.set(name, specifier);
      if (!Object.values(made).some((text) => text.includes(`\n| \`${name}\` |`))) without.push(name);
    }
  }
  expect(without).toEqual([]);
  expect(
    [...owner].filter(([name, entry]) => name.endsWith("Op") && entry !== "@ermine/core/backend" && !name.startsWith("define")),
  ).toEqual([]);
});

it("reads paragraphs and lists of a docstring", () => {
  expect(said("f(x) = |x|,\nwithout a sign.\n\n- formula: x for x > 0: else −x\n- range: [0, ∞)\n\nMore.")).toEqual({
    text: "f(x) = |x|, without a sign. More.",
    list: { formula: "x for x > 0: else −x", range: "[0, ∞)" },
  });
});
