#!/usr/bin/env node
/**
 * Streams flights-3m.parquet through a network, one epoch over all row groups but the last, on which it is tested:
 * `node benchmarks/dist/flights/main.js [--groups 10] [--threads N]`. Prints rows a second, the largest resident set, and the Huber loss (in hours) next to that of predicting the median. Exits with 1 where a
 * goal is missed: 200,000 rows/s, 600 MB, and a loss below the median's.
 */
import { parseArgs } from "node:util";
import { cpu } from "@ermine/backend-cpu";
import { manualSeed } from "@ermine/core";
import { describeMachine, machineText } from "../machine.js";
import { textTable } from "../table.js";
import { batchSize, FlightFeatures, lossOfOne, medianOf, openFlights } from "./flights.js";

const goals = { rowsPerSecond: 200_000, megabytes: 600 } as const;

const { values } = parseArgs({ options: { groups: { type: "string", default: "10" }, threads: { type: "string" } } });
const groups = Number(values.groups);

manualSeed(0);
const flights = await openFlights();
const training = Array.from({ length: groups }, (_, group) => group);
const test = flights.rowGroups.length - 1;
const first = await flights.table({ rowGroups: [0] });
const features = new FlightFeatures(first);
const median = medianOf(first.values("delay") as Float64Array);
const trainer = features.trainer(await cpu(values.threads === undefined ? {} : { threads: Number(values.threads) }));

const started = performance.now();
const processor = process.cpuUsage();
await trainer.fit(features.source(flights, training), { epochs: 1, batchSize });
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(processor);
const rows = training.reduce((sum, group) => sum + flights.rowGroups[group]!, 0);
const rowsPerSecond = rows / seconds;
const megabytes = (process.resourceUsage().maxRSS * 1024) / 1e6;

const { loss } = await trainer.evaluate(features.source(flights, [test]), { batchSize });
const delays = (await flights.table({ columns: ["delay"], rowGroups: [test] })).values("delay") as Float64Array;
const medianLoss = lossOfOne(median, delays);

const count = (value: number): string => Math.round(value).toLocaleString("en");
console.log(
  `${machineText(describeMachine())}. ${count(flights.length)} rows in ${flights.rowGroups.length} row groups; batch ${batchSize}.\n`,
);
console.log(
  textTable({
    head: ["", "measured", "goal"],
    rows: [
      ["rows a second", count(rowsPerSecond), `≥ ${count(goals.rowsPerSecond)}`],
      ["rows a second of processor time", count((rows * 1e6) / (user + system)), ""],
      ["largest resident set, MB", count(megabytes), `≤ ${goals.megabytes}`],
      ["Huber loss of the last row group", loss!.toFixed(4), `< ${medianLoss.toFixed(4)}, the median's`],
    ],
  }),
);
const isReached = rowsPerSecond >= goals.rowsPerSecond && megabytes <= goals.megabytes && loss! < medianLoss;
process.exitCode = isReached ? 0 : 1;
