import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asCsv, run, shippedRows, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();

describe("backends", { timeout: 120_000 }, () => {
  it("are told with what they run on", async () => {
    const { events, status } = await run("backends", "--json");
    expect(status).toBe(0);
    expect(events.map(({ name }) => name)).toEqual(["cpu", "tfjs"]);
    expect(events[0]).toMatchObject({ available: true, engine: expect.stringMatching(/WebAssembly/) });
  });

  it("are tried by doctor", async () => {
    const { out, status } = await run("doctor");
    expect(status).toBe(0);
    expect(out).toMatch(/✓ backend cpu: .*a line was learned on it/);
    expect(out).toMatch(/Trainings can run here/);
  });

  it("train to nearly the same", async () => {
    const penguins = written(folder, "penguins.csv", asCsv(shippedRows("penguins.json")));
    const losses: number[][] = [];
    for (const backend of ["cpu", "tfjs"]) {
      const out = join(folder, backend);
      const args = ["--backend", backend, "--epochs", "2", "--set", "network.dropout=0", "--out", out, "--json"];
      const { events, err } = await run("train", penguins, "--target", "Species", ...args);
      expect(err).toBe("");
      losses.push(events.filter(({ event }) => event === "epoch").map(({ valLoss }) => valLoss as number));
    }
    losses[0]!.forEach((loss, epoch) => expect(losses[1]![epoch]).toBeCloseTo(loss, 3));
  });
});
