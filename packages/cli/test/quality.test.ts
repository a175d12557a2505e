/** What comes of real tables, next to a linear model. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { asCsv, run, shipped, shippedRows, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();

interface End {
  readonly metrics: Readonly<Record<string, number>>;
  readonly baseline: { readonly linear: Readonly<Record<string, number>> };
}

async function trained(...args: readonly string[]): Promise<End> {
  const { status, events, err } = await run("train", ...args, "--backend", "cpu", "--json");
  expect(status, err).toBe(0);
  return events.at(-1) as unknown as End;
}

const trainedTo = (name: string, ...args: readonly string[]): Promise<End> => trained(...args, "--out", join(folder, name));

// Trainings take as long as the machine is busy.
describe("mean of five folds", { timeout: 300_000 }, () => {
  it("penguins' species are told with an accuracy of at least 0.97", async () => {
    const path = written(folder, "penguins.csv", asCsv(shippedRows("penguins.json")));
    const { metrics, baseline } = await trainedTo("penguins", path, "--target", "Species", "--folds", "5");
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(0.97);
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(baseline.linear["accuracy"]!);
  });

  it("cars' fuel economy is told with an R² of at least 0.85", async () => {
    const { metrics, baseline } = await trainedTo("cars", shipped("cars.json"), "--target", "Miles_per_Gallon", "--folds", "5");
    expect(metrics["r2"]).toBeGreaterThanOrEqual(0.85);
    expect(metrics["r2"]).toBeGreaterThan(baseline.linear["r2"]! + 0.03);
  });

  it("Seattle's weather is told at least as well as by a linear model", async () => {
    const { metrics, baseline } = await trainedTo(
      "weather",
      shipped("seattle-weather.csv"),
      "--target",
      "weather",
      "--folds",
      "5",
    );
    expect(metrics["accuracy"]).toBeGreaterThan(baseline.linear["accuracy"]! - 1e-9);
    expect(metrics["logLoss"]).toBeLessThan(baseline.linear["logLoss"]!);
  });
});

describe("held-out rows", { timeout: 300_000 }, () => {
  it("movies' ratings, from texts, dates and amounts with many missing", async () => {
    const { metrics, baseline } = await trainedTo(
      "movies",
      shipped("movies.json"),
      "--target",
      "IMDB Rating",
      "--time-limit",
      "20s",
    );
    expect(metrics["r2"]).toBeGreaterThan(baseline.linear["r2"]!);
  });

  it("delays of flights, from airports", async () => {
    const { metrics, baseline } = await trainedTo(
      "flights",
      shipped("flights-2k.json"),
      "--target",
      "delay",
      "--time-limit",
      "20s",
    );
    expect(metrics["rmse"]).toBeLessThanOrEqual(baseline.linear["rmse"]! * 1.01);
  });

  it("digits, a column for each pixel", async () => {
    const digits = join(dirname(createRequire(import.meta.url).resolve("mnist/package.json")), "src", "digits");
    const rows = Array.from({ length: 10 }, (_, digit) => {
      const { data } = JSON.parse(readFileSync(join(digits, `${digit}.json`), "utf8")) as { readonly data: readonly number[] };
      // Means of 2 × 2 pixels of the first 250 of each digit.
      return Array.from({ length: 250 }, (_, i) => {
        const at = (row: number, column: number): number => data[i * 784 + row * 28 + column]!;
        const pixels = Array.from({ length: 196 }, (_, p) => {
          const [row, column] = [2 * Math.floor(p / 14), 2 * (p % 14)];
          return Math.round(255 * ((at(row, column) + at(row, column + 1) + at(row + 1, column) + at(row + 1, column + 1)) / 4));
        });
        return Object.fromEntries([["digit", `digit ${digit}`], ...pixels.map((value, p) => [`pixel ${p}`, value] as const)]);
      });
    }).flat();
    const path = written(folder, "digits.csv", asCsv(rows));
    const { metrics, baseline } = await trainedTo("digits", path, "--target", "digit", "--set", "network.bins=0");
    expect(metrics["accuracy"]).toBeGreaterThan(0.9);
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(baseline.linear["accuracy"]!);
  });
});
