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
    "ermine's a contestant takes: above 1, ermine is faster. Before anything is timed each computes the loss of the first step (without dropout), or the first",
    "element of its output, from the same parameters and batch; where that is another, or something else is computed, the last column says so.",
    "",
    "`cpu` is the backend as it comes. `cpu-flags` is the same with what Node has behind flags of V8, where the program asks for it: 256-bit vectors",
    "(Node 24 to 26 on x64, `vectors: 256`), relaxed SIMD (Node 20, `relaxedSimd: true`). `runs on` says which.",
    "",
    "Of networks: the first step is from a model and batches that are there to the end of the first step, tracing and compiling included. What the cpu backend",
    "holds for a compiled step is next to the bytes of its variables, a batch, and the computed values that are alive at once at most, new values of variables too.",
  ];
  const glances = [overview(reports), ...networksOverview(reports)].filter((section) => section !== undefined);
  if (glances.length > 0) parts.push("", "## At a glance");
  for (const section of glances) parts.push("", section.title, "", markdownTable(section));
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

/** How many times as long as each of ermine's backends a peer takes for a training step of each network: a table a peer. */
export function networksOverview(reports: readonly Report[]): readonly Section[] {
  const sizes = reports
    .flatMap(({ sections }) => sections)
    .flatMap(({ glance, data }) =>
      glance === undefined ? [] : [{ title: glance, entries: (data as readonly Entry[]).filter(isMeasured) }],
    );
  const names = (own: boolean): string[] => [
    ...new Set(sizes.flatMap(({ entries }) => entries.flatMap((entry) => (entry.own === own ? [entry.name] : [])))),
  ];
  const backends = names(true);
  return names(false).map((peer) => {
    const rows = sizes.map(({ title, entries }) => {
      const median = (name: string): number | undefined => entries.find((entry) => entry.name === name)?.time.median;
      const time = median(peer);
      const ratios = backends.map((backend) => {
        const own = median(backend);
        return time === undefined || own === undefined ? undefined : time / own;
      });
      return { title, ratios };
    });
    return {
      title: `How many times as long as ermine ${peer} takes for a training step of a network.`,
      head: ["", ...backends],
      rows: rows.map(({ title, ratios }) => [title, ...ratios.map((ratio) => (ratio === undefined ? "–" : ratioText(ratio)))]),
      data: rows,
    };
  });
}
