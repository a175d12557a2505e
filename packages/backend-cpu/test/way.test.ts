/** A mini-batch's way from the data to new parameters: the functions that ARCHITECTURE.md names, read from a stack trace. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { manualSeed, mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { sgd, Trainer, type Batch, type DataSource } from "@ermine/trainer";
import { cpu } from "../src/index.js";

/** The functions of a trace from the innermost on, without objects and classes before their names. */
const functionsOf = (stack: string): string[] =>
  stack
    .split("\n")
    .slice(1)
    .map((line) => /at (?:async )?(?:.*[. ])?#?(\w+)\]? \(/.exec(line)?.[1] ?? "");

it("goes through the functions that ARCHITECTURE.md names, in that order, and no others", async () => {
  const page = readFileSync(new URL("../../../ARCHITECTURE.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf("## A mini-batch's way"));
  const named = [...section.slice(0, section.indexOf("\n## ", 1)).matchAll(/^\d\. `(?:\w+\.)?(\w+)`/gm)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(3);
  expect(named.length).toBeLessThanOrEqual(7);

  const traces: string[] = [];
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const column = {
    shape: [2],
    dtype: "float32",
    copyInto(target: { fill(value: number): unknown }) {
      traces.push(new Error("here").stack!);
      target.fill(1);
    },
  } as const;
  const batch: Batch = { size: 4, index: 0, cursor: 1, columns: { inputs: column, targets: column } };
  const source: DataSource = {
    resume: "seek",
    columns: { inputs: column, targets: column },
    *batches() {
      for (let i = 0; i < 3; i++) yield batch;
    },
  };
  manualSeed(0);
  const trainer = new Trainer({
    model: new Linear(2, 2),
    loss: mse,
    optimizer: sgd({ learningRate: 0.1 }),
    backend: await cpu({ threads: 1 }),
  });
  try {
    await trainer.fit(source, { epochs: 1, batchSize: 4 });
  } finally {
    Error.stackTraceLimit = limit;
  }
  // Inputs and targets of each of the three steps.
  expect(traces).toHaveLength(6);
  for (const trace of traces) {
    const way = functionsOf(trace).slice(0, functionsOf(trace).indexOf(named[0]!) + 1);
    expect(way.reverse()).toEqual(named);
  }
});
