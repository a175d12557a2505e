/** From the start of the process to the end of the first training step, against Node doing nothing. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "../place.js";
import { summarize, type Summary } from "../statistics.js";
import { digits } from "../table.js";
import type { Workload } from "./workload.js";

/** Milliseconds from the start to the first line on standard output, or to the end where there is none. */
function timed(args: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [line, complaint] = [undefined as number | undefined, ""];
    child.stdout.once("data", () => (line = performance.now() - started));
    child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 3) resolve(undefined);
      else if (code === 0) resolve(line ?? performance.now() - started);
      else reject(new Error(`${args.join(" ")} ended with ${code}.\n${complaint}`));
    });
  });
}

export const startup: Workload = {
  name: "startup",
  async run({ backends, small }) {
    const count = small ? 2 : 20;
    const script = join(root, "dist", "contestants", "firstStep.js");
    const runs: { name: string; args: string[]; times: (number | undefined)[] }[] = [
      { name: "node -e 0", args: ["-e", "0"], times: [] },
      ...backends.map((name) => ({ name: name as string, args: [script, name], times: [] })),
    ];
    // Once before it counts: the files come from the disk.
    for (const { args } of runs) await timed(args);
    for (let i = 0; i < count; i++) for (const run of runs) run.times.push(await timed(run.args));
    const results = runs.map(({ name, times }) => {
      const known = times.filter((time) => time !== undefined);
      return { name, time: known.length === 0 ? undefined : summarize(known) };
    });
    const bare = results[0]!.time as Summary;
    return {
      workload: "startup",
      title: `Process start to the end of the first digits step, median of ${count}`,
      sections: [
        {
          title: "Start",
          head: ["", "median ms", "min ms", "beyond bare Node, ms"],
          rows: results.map(({ name, time }) =>
            time === undefined
              ? [name, "–", "–", "not run (needs TensorFlow's native library: node packages/backend-tfjs/scripts/prepare.mjs)"]
              : [name, digits(time.median), digits(time.min), digits(time.median - bare.median)],
          ),
          data: results,
        },
      ],
    };
  },
};
