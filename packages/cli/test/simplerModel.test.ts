/** Where a linear model is as good as it gets, it is what answers. */
import { describe, expect, it } from "vitest";
import { rocAuc } from "@ermine/trainer";
import { misplacements } from "../src/training/simplerModel.js";
import { asCsv, run, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();

/** Rows with a little noise, whose target is a function of two numbers. */
const rows = (target: (x: number, z: number, noise: number) => unknown): Record<string, unknown>[] =>
  Array.from({ length: 300 }, (_, i) => {
    const [x, z, noise] = [Math.sin(7.3 * i), Math.cos(3.1 * i * i), Math.sin(11.7 * i * i + 3)];
    return { x, z, y: target(x, z, noise) };
  });

describe("a table", { timeout: 120_000 }, () => {
  it.each<[string, Record<string, unknown>[]]>([
    ["of amounts", rows((x, z, noise) => 3 * x - 2 * z + noise)],
    ["of classes", rows((x, z, noise) => (3 * x - 2 * z + 2 * noise > 0 ? "yes" : "no"))],
    ["of three classes", rows((x, z, noise) => `class ${Math.round(Math.tanh(2 * x - z + noise))}`)],
  ])("that is linear is answered as the linear model does: %s", async (name, table) => {
    const path = written(folder, `${name}.csv`, asCsv(table));
    const { status, events } = await run("train", path, "--target", "y", "--backend", "cpu", "--json", "--out", `${path}-run`);
    expect(status).toBe(0);
    const end = events.at(-1)! as unknown as { metrics: Record<string, number>; baseline: { linear: Record<string, number> } };
    for (const [score, value] of Object.entries(end.metrics)) expect(value).toBeCloseTo(end.baseline.linear[score]!, 5);
    expect(events.map(({ message }) => message)).toContainEqual(expect.stringMatching(/no better than the linear model/));
  });
  it("that is not is answered by the networks", async () => {
    const path = written(folder, "curved.csv", asCsv(rows((x, z, noise) => 3 * x * z + 0.3 * noise)));
    const { events } = await run("train", path, "--target", "y", "--backend", "cpu", "--json", "--out", `${path}-run`);
    const end = events.at(-1)! as unknown as { metrics: Record<string, number>; baseline: { linear: Record<string, number> } };
    expect(end.metrics["r2"]).toBeGreaterThan(end.baseline.linear["r2"]! + 0.5);
    expect(events.map(({ message }) => message)).not.toContainEqual(expect.stringMatching(/linear model/));
  });
});

describe("misplacements", () => {
  it.each([7, 100])("of %i rows are 1 − AUC in the mean of either class, equal scores as halves", (count) => {
    const truth = Float64Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const scores = Float64Array.from({ length: count }, (_, i) => Math.round(4 * Math.sin(7.1 * i)) + truth[i]!);
    const logits = Float64Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 1 : 1 + scores[i >> 1]!));
    const metric = rocAuc();
    const area = metric.compute(
      metric.update(
        metric.init(),
        { data: Float32Array.from(scores), shape: [count] },
        { data: Int32Array.from(truth), shape: [count] },
      ),
    );
    const groups = misplacements(logits, truth, 2);
    expect(groups.map(({ length }) => length)).toEqual([
      truth.filter((label) => label === 1).length,
      truth.filter((label) => label === 0).length,
    ]);
    for (const group of groups) expect(1 - group.reduce((a, b) => a + b) / group.length).toBeCloseTo(area, 10);
  });
});
