/** The public API of every entry stands in packages/<name>/api, so that a change of it shows in review. */
import { expect, it } from "vitest";
import { outdated, reports } from "../../scripts/api.mjs";

const made: Record<string, string> = reports();

it("is current (otherwise: npx --yes pnpm@12 api, and look at what has changed)", () => {
  expect(outdated(made)).toEqual([]);
});

it("has every entry, with what it exports", () => {
  expect(Object.keys(made)).toContain("packages/core/api/nn.api.md");
  expect(made["packages/core/api/index.api.md"]).toMatch(/export const relu: Activation</);
  expect(made["packages/trainer/api/index.api.md"]).toMatch(/export class Trainer</);
});

it("says what is changed, missing, or of an entry that is gone", () => {
  const [first, ...others] = Object.keys(made);
  expect(outdated({ ...made, [first!]: "export const other: 1;" })).toEqual([`${first} is not current`]);
  expect(outdated({ ...made, "packages/core/api/more.api.md": "" })).toEqual(["packages/core/api/more.api.md is not there"]);
  const left = Object.fromEntries(others.map((path) => [path, made[path]!]));
  expect(outdated(left)).toEqual([`${first} is of an entry that is gone`]);
});
