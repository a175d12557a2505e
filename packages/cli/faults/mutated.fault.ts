/** 100,000 mutated CSV files, JSON lines and configurations: read, or refused with a reason within a second. */
import { expect, test } from "vitest";
import { kinds, tryMutated } from "../test/mutations.js";

test.for(kinds)("%s", async (kind, { task }) => {
  await expect(tryMutated(kind, 34_000)).resolves.toBeUndefined();
  Object.assign(task.meta, { counts: { [`mutated ${kind}`]: 34_000 } });
});
