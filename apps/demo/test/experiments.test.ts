/** The experiments: every claim holds for a seed, which has the same figures each time. */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { experiments } from "../src/experiments/index.js";
import { runExperiments } from "../src/experiments/runExperiments.js";
import { shownValue } from "../src/experiments/shownValue.js";

let backend: CpuBackend;
beforeAll(async () => {
  backend = await cpu({ numerics: "portable", threads: 1 });
  useBackend(backend);
});
afterAll(() => backend.dispose());

describe("experiments", () => {
  it("are 16, of different names, each with a claim and a method", () => {
    expect(new Set(experiments.map(({ name }) => name)).size).toBe(16);
    for (const { claim, method } of experiments) for (const text of [claim, method]) expect(text).toMatch(/^[A-Zeâ].*\.$/su);
  });

  it.each(experiments.map((experiment) => [experiment.name, experiment] as const))("%s holds", async (_, { run }) => {
    const { figures, holds, plot } = await run(1);
    expect(holds, JSON.stringify(figures)).toBe(true);
    expect(new Set(figures.map(({ name }) => name)).size).toBe(figures.length);
    for (const { values } of plot?.lines ?? []) expect(values).toHaveLength(plot!.x.length);
  });

  it("have the same figures for the same seed, and others for another", async () => {
    for (const { name, run } of experiments.filter((each) => ["dead-relus", "outliers", "empirical-risk"].includes(each.name))) {
      const first = await run(2);
      expect((await run(2)).figures, name).toEqual(first.figures);
      expect((await run(3)).figures, name).not.toEqual(first.figures);
    }
  });
});

describe("demo experiments", () => {
  it("prints an object a line, with what is no number as text, and says whether all hold", async () => {
    const lines: string[] = [];
    expect(await runExperiments({ seed: 1, seeds: 1, json: true }, (line) => lines.push(line))).toBe(true);
    const read = lines.map((line) => JSON.parse(line) as { name?: string; figures?: Record<string, unknown>; holds: unknown });
    expect(read).toHaveLength(17);
    expect(read.find(({ name }) => name === "softmax-overflow")!.figures!["naive at 1000"]).toBe("NaN");
    expect(read.at(-1)).toEqual({ event: "end", runs: 16, holds: 16 });
    useBackend(backend);
  });

  it("shows values as people read them", () => {
    expect([1, 0.5, 0.123456, 1e-7, Number.NaN, 12_345.678].map(shownValue)).toEqual([
      "1",
      "0.5",
      "0.1235",
      "1.00e-7",
      "NaN",
      "12350",
    ]);
  });
});
