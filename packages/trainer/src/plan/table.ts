/** Plans and profiles as tables for people. */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, show } from "@ermine/core/define";
import type { CandidateReport } from "./choice.js";

/** Lines of a table: columns whose cells are numbers to the right, the others to the left. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const numeric = header.map(
    (_, i) => rows.some((row) => /^[\d.,]+/.test(row[i]!)) && rows.every((row) => /^[\d.,]+( \S+)?$|^–?$/.test(row[i]!)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric[i]! ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)].join("\n");
}

export const milliseconds = (ms: number | null): string => (ms === null ? "–" : `${ms.toPrecision(3)} ms`);

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KB`;
  return count < 1024 ** 3 ? `${(count / 1024 ** 2).toFixed(1)} MB` : `${(count / 1024 ** 3).toFixed(2)} GB`;
}

/** The backends, chosen one first, with what each says of itself. */
export function backendTable(candidates: readonly CandidateReport[]): string {
  if (arguments.length > 1) checkArguments("backendTable", arguments, 1);
  checkArgument("backendTable(candidates)", "candidates", candidates, "list");
  for (const candidate of candidates as readonly unknown[]) {
    if (typeof (candidate as Partial<CandidateReport> | null | undefined)?.engine === "string") continue;
    throw new ErmineError(
      "ERMINE_USAGE",
      `backendTable takes the candidates of a plan, got ${show(candidate)}. Write backendTable((await trainer.plan(data)).candidates).`,
    );
  }
  const keys = [...new Set(candidates.flatMap(({ details }) => Object.keys(details)))];
  const title = (key: string): string => (key === "simd" ? "SIMD" : key[0]!.toUpperCase() + key.slice(1));
  return table(
    ["Backend", "Available", ...keys.map(title), "A step", "Engine", "Why"],
    candidates.map(({ name, available, engine, details, millisecondsPerStep, why }) => [
      name,
      available ? "yes" : "no",
      ...keys.map((key) => String(details[key] ?? "–")),
      milliseconds(millisecondsPerStep),
      engine.replaceAll("\n", " "),
      why.replaceAll("\n", " "),
    ]),
  );
}
