/** Every workload once, at the smallest size: it runs, and what it computes is what tfjs-node computes. */
import { expect, test } from "vitest";
import type { Entry } from "../src/contest.js";
import { isMeasured } from "../src/contest.js";
import { trainings } from "../src/workloads/training.js";
import { workloads } from "../src/workloads/index.js";
import type { Setting } from "../src/workloads/workload.js";

const setting: Setting = {
  backends: ["cpu", "cpu-flags", "cpu-portable", "tfjs"],
  peers: ["tfjs-node"],
  python: "python3",
  threads: 2,
  pace: { rounds: 1, milliseconds: 5 },
  small: true,
  long: true,
};
const named = (name: string): (typeof workloads)[number] => workloads.find((workload) => workload.name === name)!;

test.each(trainings.map(({ name }) => name))(
  "%s: ermine's backends and tfjs-node have the same loss at the first step",
  async (name) => {
    const { sections } = await named(name).run(setting);
    const [bare, fit] = sections;
    const entries = bare!.data as readonly Entry[];
    expect(entries.map((entry) => entry.name)).toEqual(["cpu", "cpu-flags", "cpu-portable", "tfjs", "tfjs-node"]);
    const losses: number[] = [];
    for (const entry of entries) {
      if (isMeasured(entry)) {
        expect(entry.time.median).toBeGreaterThan(0);
        losses.push(entry.loss!);
        expect(entry.differs ?? "").not.toContain("another first loss");
      } else {
        // Without TensorFlow's library the others are measured all the same.
        expect(entry.reason).toMatch(/^not run \(needs .*: .*\)$/);
        expect(["tfjs", "tfjs-node"]).toContain(entry.name);
      }
    }
    expect(losses.length).toBeGreaterThanOrEqual(2);
    for (const loss of losses) expect(Math.abs(loss - losses[0]!)).toBeLessThan(1e-4 * losses[0]!);
    expect(fit!.rows.length).toBe(entries.filter((entry) => entry.own && isMeasured(entry)).length);
  },
  120_000,
);

test.each(["predict", "gan", "kernels", "startup", "memory", "loader"])(
  "%s runs",
  async (name) => {
    const { workload, sections } = await named(name).run({ ...setting, backends: ["cpu"], peers: [] });
    expect(workload).toBe(name);
    for (const { head, rows } of sections) {
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) {
        expect(row.length).toBe(head.length);
        expect(row.join(" ")).not.toMatch(/NaN|undefined|Infinity|not run/);
      }
    }
  },
  120_000,
);

test("a peer that is not installed is not run, and it is said how it could be", async () => {
  const { sections } = await named("iris").run({
    ...setting,
    backends: ["cpu"],
    peers: ["pytorch"],
    python: "/nonexistent/python",
  });
  const [, pytorch] = sections[0]!.data as readonly Entry[];
  expect(pytorch).toMatchObject({
    name: "pytorch",
    reason: expect.stringMatching(/^not run \(needs .*: .*--python PATH/) as string,
  });
}, 120_000);
