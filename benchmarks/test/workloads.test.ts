/** Every workload once, at the smallest size: it runs, and what it computes is what tfjs-node computes. */
import { expect, test } from "vitest";
import type { Entry } from "../src/contest.js";
import { isMeasured } from "../src/contest.js";
import { trainings } from "../src/workloads/training.js";
import { workloadGroups, workloads } from "../src/workloads/index.js";
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
        losses.push(entry.value!);
        expect(entry.differs ?? "").not.toContain("another first value");
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

test.each(workloadGroups["networks"]!)(
  "%s: ermine's backends and tfjs-node have the same loss at the first step and the same first output",
  async (name) => {
    const { sections } = await named(name).run(setting);
    const [trained, predicted, cost] = sections;
    for (const section of [trained!, predicted!]) {
      const entries = section.data as readonly Entry[];
      expect(entries.map((entry) => entry.name)).toEqual(["cpu", "cpu-flags", "cpu-portable", "tfjs", "tfjs-node"]);
      const values: number[] = [];
      for (const entry of entries) {
        if (isMeasured(entry)) {
          expect(entry.time.median).toBeGreaterThan(0);
          expect(entry.firstStep).toBeGreaterThan(0);
          values.push(entry.value!);
          expect(entry.differs ?? "").not.toContain("another first value");
        } else {
          expect(entry.reason).toMatch(/^not run \(needs .*: .*\)$/);
          expect(["tfjs", "tfjs-node"]).toContain(entry.name);
        }
      }
      expect(values.length).toBeGreaterThanOrEqual(3);
      for (const value of values) expect(Math.abs(value - values[0]!)).toBeLessThan(1e-4);
    }
    const own = (trained!.data as readonly Entry[]).filter((entry) => entry.own && isMeasured(entry));
    const costs = cost!.data as readonly { name: string; fit?: number; program?: { held: number; live: number } }[];
    expect(costs.filter(({ fit }) => fit !== undefined).map(({ name: backend }) => backend)).toEqual(
      own.map((entry) => entry.name),
    );
    for (const { name: backend, program } of costs) {
      if (backend.startsWith("cpu")) expect(program!.held).toBeGreaterThan(0);
    }
    for (const { head, rows } of sections) for (const row of rows) expect(row.length).toBe(head.length);
  },
  120_000,
);

test.each(["predict", "gan", "kernels", "optimizers", "startup", "memory", "loader"])(
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
