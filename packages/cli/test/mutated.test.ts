/** 5,000 mutated files; `pnpm faults cli` tries 100,000. */
import { expect, it } from "vitest";
import { kinds, tryMutated } from "./mutations.js";

it.each(kinds)("mutated: %s", { timeout: 300_000 }, async (kind) => {
  await expect(tryMutated(kind, 1700)).resolves.toBeUndefined();
});
