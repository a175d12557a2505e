/** Tables, for a terminal and for Markdown. */
import { isMeasured, type Entry } from "./contest.js";

export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The numbers behind the table, for `--json`. */
  readonly data: unknown;
  /** Of a network's training steps: what its row is called where all networks are at a glance. */
  readonly glance?: string;
}

/** Three digits that count: 0.00371, 12.3, 1,234. */
export function digits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude >= 3) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.max(0, 2 - magnitude));
}

export const ratioText = (ratio: number): string => `${ratio >= 99.5 ? Math.round(ratio) : ratio.toPrecision(3)} ×`;

/** What one step is worth, for a column of rates. */
export interface Worth {
  readonly amount: number;
  readonly unit: string;
}

/** One task's contestants: milliseconds, and for each of ermine's backends how many times its time the others take. */
export function contestSection(title: string, entries: readonly Entry[], worth?: Worth): Section {
  const own = entries.filter((entry) => entry.own).filter(isMeasured);
  const head = [
    "",
    "median ms",
    "min ms",
    ...(worth === undefined ? [] : [worth.unit]),
    ...own.map(({ name }) => `/ ${name}`),
    "runs on",
    "differs",
  ];
  const rows = entries.map((entry) => {
    if (!isMeasured(entry)) return [entry.name, ...head.slice(1, -2).map(() => "–"), entry.reason, ""];
    const { name, time, engine, differs } = entry;
    return [
      name,
      digits(time.median),
      digits(time.min),
      ...(worth === undefined ? [] : [digits(worth.amount / time.median)]),
      ...own.map((reference) => (reference === entry ? "1" : ratioText(time.median / reference.time.median))),
      engine,
      differs ?? "",
    ];
  });
  return { title, head, rows, data: entries.map((entry) => ({ ...entry, ratios: ratios(entry, entries) })) };
}

/** Median over that of each of ermine's backends. */
export function ratios(entry: Entry, entries: readonly Entry[]): Record<string, number> {
  if (!isMeasured(entry)) return {};
  return Object.fromEntries(
    entries.filter(isMeasured).flatMap(({ own, name, time }) => (own ? [[name, entry.time.median / time.median]] : [])),
  );
}

/** For a terminal: the first column and the last two to the left, numbers to the right; an empty last column is left out. */
export function textTable({ head, rows }: Pick<Section, "head" | "rows">): string {
  const columns = head.map((_, i) => i).filter((i) => head[i] === "" || rows.some((row) => row[i] !== ""));
  const widths = columns.map((i) => Math.max(head[i]!.length, ...rows.map((row) => row[i]!.length)));
  const isText = (i: number): boolean => i === 0 || rows.some((row) => /[a-z]{3}/i.test(row[i]!.replace(/^–$/, "")));
  const line = (cells: readonly string[]): string =>
    columns
      .map((i, k) => (isText(i) ? cells[i]!.padEnd(widths[k]!) : cells[i]!.padStart(widths[k]!)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)].join("\n");
}

export function markdownTable({ head, rows }: Pick<Section, "head" | "rows">): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  const align = head.map((_, i) => (i > 0 && rows.every((row) => !/[a-z]{3}/i.test(row[i]!)) ? "---:" : "---"));
  return [line(head), line(align), ...rows.map(line)].join("\n");
}
