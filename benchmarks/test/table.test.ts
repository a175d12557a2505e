import { hostname } from "node:os";
import { expect, test } from "vitest";
import type { Entry } from "../src/contest.js";
import { describeMachine, machineText } from "../src/machine.js";
import { networksOverview, overview, resultsPage } from "../src/results.js";
import { contestSection, digits, markdownTable, textTable } from "../src/table.js";

const measured = (name: string, own: boolean, median: number, differs?: string): Entry => ({
  name,
  own,
  threads: 1,
  engine: `${name}'s engine`,
  time: { min: median / 2, median, rounds: 3 },
  ...(differs === undefined ? {} : { differs }),
});
const entries: readonly Entry[] = [
  measured("cpu", true, 2),
  measured("tfjs", true, 0.5),
  measured("pytorch", false, 3, "Adam"),
  { name: "brain", own: false, reason: "not run (needs brain.js: install it)" },
];

test("ratios say how many times ermine's median a peer takes", () => {
  const { head, rows } = contestSection("Steps", entries);
  expect(head).toEqual(["", "median ms", "min ms", "/ cpu", "/ tfjs", "runs on", "differs"]);
  expect(rows[0]).toEqual(["cpu", "2.00", "1.00", "1", "4.00 ×", "cpu's engine", ""]);
  expect(rows[2]).toEqual(["pytorch", "3.00", "1.50", "1.50 ×", "6.00 ×", "pytorch's engine", "Adam"]);
  expect(rows[3]).toEqual(["brain", "–", "–", "–", "–", "not run (needs brain.js: install it)", ""]);
});

test("a rate is the amount over the median", () => {
  const { head, rows } = contestSection("Steps", entries, { amount: 6, unit: "GFLOPS" });
  expect(head[3]).toBe("GFLOPS");
  expect(rows.map((row) => row[3])).toEqual(["3.00", "12.0", "2.00", "–"]);
});

test("numbers have three digits that count", () => {
  expect([0.003714, 0.12345, 1.2345, 12.345, 123.45, 1234.5, 0].map(digits)).toEqual([
    "0.00371",
    "0.123",
    "1.23",
    "12.3",
    "123",
    "1,235",
    "0",
  ]);
});

test("a text table lines up, without columns that are empty", () => {
  const lines = textTable({
    head: ["", "ms", "differs"],
    rows: [
      ["cpu", "1.00", ""],
      ["pytorch", "12.0", ""],
    ],
  }).split("\n");
  expect(lines).toEqual(["           ms", "─────────────", "cpu      1.00", "pytorch  12.0"]);
});

test("a Markdown table escapes what would end a cell", () => {
  expect(markdownTable({ head: ["", "what"], rows: [["a", "x|y"]] })).toContain("x\\|y");
});

test("the results' page has the machine and every table, and nothing that names who ran it", () => {
  const machine = describeMachine();
  const page = resultsPage({
    machine,
    threads: 2,
    rounds: 9,
    milliseconds: 250,
    reports: [{ workload: "iris", title: "4-16-3", sections: [contestSection("Steps", entries)] }],
  });
  expect(page).toContain(machineText(machine));
  expect(page).toContain("## iris");
  expect(page).toContain("| pytorch | 3.00 | 1.50 | 1.50 × | 6.00 × |");
  expect(page).not.toContain(process.cwd());
  if (hostname() !== "localhost") expect(page).not.toContain(hostname());
});

test("at a glance: each backend beside each peer, a model a column", () => {
  const report = (workload: string, all: readonly Entry[]) => ({
    workload,
    title: workload,
    sections: [contestSection("Steps", all)],
  });
  const alone = [measured("cpu", true, 1)];
  const section = overview([report("iris", entries), report("cnn", alone), report("startup", entries)])!;
  expect(section.head).toEqual(["ermine on", "beside", "iris", "cnn"]);
  expect(section.rows).toEqual([
    ["cpu", "pytorch", "1.50 ×", "–"],
    ["tfjs", "pytorch", "6.00 ×", "–"],
  ]);
  expect(overview([report("cnn", alone)])).toBeUndefined();
});

test("networks at a glance: a table a peer, a size a row, a backend a column", () => {
  const report = (workload: string, title: string, all: readonly Entry[]) => ({
    workload,
    title: workload,
    sections: [
      { ...contestSection(`${title}: training steps`, all), glance: `${workload}, ${title}` },
      contestSection("Others", all),
    ],
  });
  const reports = [
    report("resnet", "32×32", entries),
    report("gpt", "64 tokens", [measured("cpu", true, 4), measured("tensorflow", false, 2)]),
  ];
  const [pytorch, tensorflow] = networksOverview(reports);
  expect(pytorch!.title).toBe("How many times as long as ermine pytorch takes for a training step of a network.");
  expect(pytorch!.head).toEqual(["", "cpu", "tfjs"]);
  expect(pytorch!.rows).toEqual([
    ["resnet, 32×32", "1.50 ×", "6.00 ×"],
    ["gpt, 64 tokens", "–", "–"],
  ]);
  expect(tensorflow!.rows).toEqual([
    ["resnet, 32×32", "–", "–"],
    ["gpt, 64 tokens", "0.500 ×", "–"],
  ]);
  expect(networksOverview([{ workload: "cnn", title: "cnn", sections: [contestSection("Steps", entries)] }])).toEqual([]);
});
