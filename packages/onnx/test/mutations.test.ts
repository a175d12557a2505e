/** Damaged files: no error but ermine's own. `pnpm faults onnx` tries 100,000. */
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { tryMutated, type Outcome } from "./mutations.js";

beforeAll(async () => {
  useBackend(await reference());
});

describe("5,000 damaged files are loaded and run, or refused", () => {
  const outcomes: Outcome[] = [];

  test.each([0, 1000, 2000, 3000, 4000])(
    "the 1,000 from file %i on",
    (first) => {
      const outcome = tryMutated(first, 1000, 500);
      expect(outcome.wrong).toEqual([]);
      outcomes.push(outcome);
    },
    60_000,
  );

  test("and there are many of each", () => {
    expect(outcomes).toHaveLength(5);
    const total = (of: (outcome: Outcome) => number): number => outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
    const [loaded, ran, refused] = [total((o) => o.loaded), total((o) => o.ran), total((o) => o.refused)];
    expect(ran).toBeGreaterThan(500);
    expect(loaded).toBeGreaterThan(ran);
    expect(refused).toBeGreaterThan(1250);
  });
});
