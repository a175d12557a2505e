/** Where a linear model is as good as it gets, it is what answers. */
import { describe, expect, it } from "vitest";
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
