/** What a training process holds: at most, and after it has trained for a while; with --long also whether that grows. */
import { notRun } from "../contest.js";
import { slope } from "../statistics.js";
import { digits, type Section } from "../table.js";
import { trainings } from "./training.js";
import { withContestants, withData, type ModelData, type Setting, type Workload } from "./workload.js";

const mebibytes = (bytes: number): string => digits(bytes / 2 ** 20);

async function use(setting: Setting, data: ModelData): Promise<Section> {
  return withContestants(setting, async (all) => {
    const rows: string[][] = [];
    const found: unknown[] = [];
    for (const contestant of all) {
      const { name } = contestant.spec;
      const ready = await contestant.prepare({ kind: "train", ...data });
      if (!("engine" in ready)) {
        rows.push([name, "–", "–", "–", notRun(ready)]);
        found.push({ name, reason: notRun(ready) });
        continue;
      }
      await contestant.turn(setting.small ? 1 : 2000);
      const memory = await contestant.memory();
      rows.push([
        name,
        mebibytes(memory.peak),
        mebibytes(memory.resident),
        memory.held === undefined ? "–" : mebibytes(memory.held),
        ready.engine,
      ]);
      found.push({ name, engine: ready.engine, ...memory });
    }
    const head = ["", "peak resident MiB", "resident after MiB", "held by the backend MiB", "runs on"];
    return { title: "Resident set of the whole process, two seconds of steps", head, rows, data: found };
  });
}

/** KB a step by which the resident set grows over the second half. */
async function growth(setting: Setting, data: ModelData): Promise<Section> {
  const [samples, each] = setting.small ? [8, 5] : [200, 1000];
  return withContestants({ ...setting, peers: [] }, async (all) => {
    const found: { name: string; kilobytesAStep: number; residentMiB: readonly number[] }[] = [];
    for (const contestant of all) {
      const ready = await contestant.prepare({ kind: "train", ...data });
      if (!("engine" in ready)) continue;
      const points: [number, number][] = [];
      for (let i = 1; i <= samples; i++) {
        await contestant.steps(each);
        points.push([i * each, (await contestant.memory()).resident]);
      }
      const half = points.slice(points.length >> 1);
      found.push({
        name: contestant.spec.name,
        kilobytesAStep: slope(half) / 1024,
        residentMiB: [points[0]!, half[0]!, half.at(-1)!].map(([, bytes]) => bytes / 2 ** 20),
      });
    }
    return {
      title: `Growth over ${(samples * each).toLocaleString("en-US")} steps`,
      head: ["", "KB a step over the second half", "resident MiB: at first", "at half", "at the end"],
      rows: found.map(({ name, kilobytesAStep, residentMiB }) => [name, kilobytesAStep.toFixed(4), ...residentMiB.map(digits)]),
      data: found,
    };
  });
}

export const memory: Workload = {
  name: "memory",
  async run(setting) {
    const { model, batch } = setting.small ? trainings[1]!.small : trainings[1]!;
    return withData({ model, batch, batches: 8 }, async (data) => {
      const sections = [await use(setting, data)];
      if (setting.long) sections.push(await growth(setting, data));
      return { workload: "memory", title: "Memory while digits train", sections };
    });
  },
};
