import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { page } from "../../scripts/accuracy.mjs";

it("docs/accuracy.md is what was measured (otherwise: pnpm accuracy)", async () => {
  expect(readFileSync(new URL("../../docs/accuracy.md", import.meta.url), "utf8")).toBe(await page());
});
