import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { pages } from "../../scripts/reference.mjs";

const folder = new URL("../../docs/reference/", import.meta.url);
const made: Readonly<Record<string, string>> = await pages();

it.each(Object.keys(made))("docs/reference/%s is what the definitions say (otherwise: pnpm reference)", (name) => {
  expect(readFileSync(new URL(name, folder), "utf8")).toBe(made[name]);
});

it("has the schedules that are made of others, the links of a chain and what is no single number", () => {
  expect(made["schedules.md"]).toMatch(/`sequence` [^]*`warmup` /);
  expect(made["metrics.md"]).toMatch(/`confusionMatrix` [^]*`bestThreshold` /);
  expect(made["transforms.md"]).toContain("| `addDecayedWeights` |");
  expect(made["callbacks.md"]).toMatch(/`earlyStopping` [^]*`elasticNet` /);
});

it("has no page of something that is gone, and no entry without its prose", () => {
  expect(readdirSync(folder).sort()).toEqual(Object.keys(made).sort());
  for (const name of ["activations.md", "losses.md"]) {
    const rows = made[name]!.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows.length).toBeGreaterThan(20);
    // name, formula, derivative, range or expects, saturates or targets, role or use: none is empty.
    for (const row of rows)
      expect(
        row
          .split(" | ")
          .slice(0, 6)
          .every((cell) => cell.trim() !== "" && cell.trim() !== "|"),
      ).toBe(true);
  }
  for (const name of ["optimizers.md", "schedules.md", "transforms.md", "callbacks.md", "metrics.md", "layers.md"])
    expect(made[name]).not.toMatch(/\| *\|/);
});
