/** RESULTS.md: what a run said, with what it ran on. */
import { isMeasured, type Entry } from "./contest.js";
import { machineText, type Machine } from "./machine.js";
import { markdownTable, ratioText, type Section } from "./table.js";
import { trainings } from "./workloads/training.js";
import type { Report } from "./workloads/workload.js";

export interface Run {
  readonly machine: Machine;
  readonly threads: number;
  readonly rounds: number;
  readonly milliseconds: number;
  readonly reports: readonly Report[];
}

export function resultsPage({ machine, threads, rounds, milliseconds, reports }: Run): string {
  const parts = [
    "# Benchmark results",
    "",
    `Made by \`pnpm bench\`. ${machineText(machine)}. ${threads} thread${threads === 1 ? "" : "s"} for everybody.`,
    "",
    `Every contestant is a process of its own; they take turns of ${milliseconds} ms, ${rounds} rounds, so that what disturbs the machine disturbs all.`,
    "Times are milliseconds a step: the median and the least over the rounds. Under `/ cpu` and the like stands how many times the time of that backend of",
    "ermine's a contestant takes: above 1, ermine is faster. Before anything is timed each computes the loss of the first step from the same parameters and",
    "batch; where that is another, or something else is computed, the last column says so.",
    "",
    "`cpu` is the backend as it comes. `cpu-flags` is the same with what Node has behind flags of V8, where the program asks for it: 256-bit vectors",
    "(Node 24 to 26 on x64, `vectors: 256`), relaxed SIMD (Node 20, `relaxedSimd: true`). `runs on` says which.",
  ];
  const whole = overview(reports);
  if (whole !== undefined) parts.push("", "## At a glance", "", whole.title, "", markdownTable(whole));
  for (const { workload, title, sections } of reports) {
    parts.push("", `## ${workload}`, "", `${title}.`);
    for (const section of sections) parts.push("", `**${section.title}**`, "", markdownTable(section));
  }
  return `${parts.join("\n")}\n`;
}

/** Each of ermine's backends beside each peer, over all models; undefined where no model was trained beside a peer. */
export function overview(reports: readonly Report[]): Section | undefined {
  const trained = reports.filter(({ workload }) => trainings.some(({ name }) => name === workload));
  const entries = trained.map(({ sections }) => sections[0]!.data as readonly Entry[]);
  const named = (own: boolean): string[] => [
    ...new Set(entries.flatMap((all) => all.filter((entry) => entry.own === own && isMeasured(entry)).map(({ name }) => name))),
  ];
  const ratios = named(true).flatMap((own) =>
    named(false).map((peer) => ({
      own,
      peer,
      ratios: entries.map((all) => {
        const [a, b] = [own, peer].map((name) => all.find((entry) => entry.name === name));
        return a !== undefined && b !== undefined && isMeasured(a) && isMeasured(b) ? b.time.median / a.time.median : undefined;
      }),
    })),
  );
  if (ratios.length === 0) return undefined;
  return {
    title: "How many times as long as ermine a peer takes for a bare training step.",
    head: ["ermine on", "beside", ...trained.map(({ workload }) => workload)],
    rows: ratios.map(({ own, peer, ratios: all }) => [
      own,
      peer,
      ...all.map((ratio) => (ratio === undefined ? "–" : ratioText(ratio))),
    ]),
    data: ratios,
  };
}
