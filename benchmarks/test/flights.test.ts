/** What the benchmark of flights measures goes on in mid-file with the same bits; `docs/streams.md` shows that it learns. */
import { cpu } from "@ermine/backend-cpu";
import { manualSeed } from "@ermine/core";
import { verifyResume } from "@ermine/trainer/checkpoint";
import { expect, test } from "vitest";
import { batchSize, FlightFeatures, openFlights } from "../src/flights/flights.js";

test("flights stream through a network, which is resumed within a row group and has the same bits", async () => {
  manualSeed(0);
  const flights = await openFlights();
  const features = new FlightFeatures(await flights.table({ rowGroups: [0] }));
  const trainer = features.trainer(await cpu());
  // 150 updates end within a row group, 300 in the next one.
  expect(150 * batchSize).toBeLessThan(flights.rowGroups[1]!);
  expect(300 * batchSize).toBeGreaterThan(flights.rowGroups[1]!);
  const { updates, variables } = await verifyResume(trainer, features.source(flights, [1, 2]), 150, { batchSize });
  expect(updates).toBe(300);
  // 8 parameters, each with the two slots of AdamW.
  expect(variables).toBeGreaterThanOrEqual(24);
}, 120_000);
