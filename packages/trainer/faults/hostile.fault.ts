/** 10,000 checkpoints whose state was changed on purpose, with a digest that fits: each is read or refused by name; and 100,000 of arbitrary JSON. */
import { expect, it } from "vitest";
import { checkArbitraryJson, checkMutants } from "../test/hostileStates.js";

it.for([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])("of seed %i", async (seed, { task }) => {
  expect(await checkMutants(1000, seed)).toBeGreaterThan(50);
  Object.assign(task.meta, { counts: { "mutated checkpoints": 1000 } });
});

it.for([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])("10,000 states of arbitrary JSON (%i of 10)", async (seed, { task }) => {
  expect(await checkArbitraryJson(10_000, seed)).toBeGreaterThan(250);
  Object.assign(task.meta, { counts: { "states of arbitrary JSON": 10_000 } });
});
