/** RESULTS.md: what a run said, with what it ran on. */
import { machineText, type Machine } from "./machine.js";
import { markdownTable } from "./table.js";
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
  ];
  for (const { workload, title, sections } of reports) {
    parts.push("", `## ${workload}`, "", `${title}.`);
    for (const section of sections) parts.push("", `**${section.title}**`, "", markdownTable(section));
  }
  return `${parts.join("\n")}\n`;
}
