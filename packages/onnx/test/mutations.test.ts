/** Damaged files: no error but ermine's own. `pnpm faults onnx` tries 100,000. */
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { tryMutated } from "./mutations.js";

beforeAll(async () => {
  useBackend(await reference());
});

test("5,000 damaged files are loaded and run, or refused", () => {
  const { loaded, ran, refused, wrong } = tryMutated(0, 5000, 500);
  expect(wrong).toEqual([]);
  expect(ran).toBeGreaterThan(500);
  expect(loaded).toBeGreaterThan(ran);
  expect(refused).toBeGreaterThan(1250);
}, 60_000);
