/** Plots and tables of characters. */
import { axisOf, short } from "./axis.js";

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

const marks = ["·", "•"];

/** Lines over their index, 1, 2, …, which `xName` names; the last series is drawn over the others. */
export function linePlot(series: readonly Series[], xName: string, width = 60, height = 10): string {
  const { low, high } = axisOf(series.flatMap(({ values }) => values));
  const count = Math.max(...series.map(({ values }) => values.length));
  const columns = Math.min(width, Math.max(2, count));
  const grid = Array.from({ length: height }, () => Array.from({ length: columns }, () => " "));
  series.forEach(({ values }, s) => {
    for (let column = 0; column < columns; column++) {
      const value = values[count === 1 ? 0 : Math.round((column / (columns - 1)) * (count - 1))];
      if (value === undefined || !Number.isFinite(value)) continue;
      const row = Math.round((1 - (value - low) / (high - low)) * (height - 1));
      grid[row]![column] = marks[s % marks.length]!;
    }
  });
  const labels = grid.map((_, row) => (row === 0 ? short(high) : row === height - 1 ? short(low) : ""));
  const margin = Math.max(...labels.map(({ length }) => length));
  const lines = grid.map((cells, row) => `${labels[row]!.padStart(margin)} ┤${cells.join("").trimEnd()}`);
  const axis = `${" ".repeat(margin)} └${"─".repeat(columns)}`;
  const end = `${" ".repeat(margin + 2)}1${`${xName} ${count}`.padStart(columns - 1)}`;
  const legend = series.map(({ name }, s) => `${marks[s % marks.length]} ${name}`).join("   ");
  return [...lines, axis, end, `${" ".repeat(margin + 2)}${legend}`].join("\n");
}

/**
 * Rows of cells under a header.
 *
 * @param align where columns stand; of the first it is always the left
 */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align: "left" | "right" = "right",
): string {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 || align === "left" ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)].join("\n");
}

/** How many of each true class were taken for each class. */
export function confusionTable(matrix: readonly (readonly number[])[], classes: readonly string[]): string {
  return textTable(
    ["true ↓  predicted →", ...classes],
    classes.map((name, truth) => [name, ...matrix[truth]!.map(String)]),
  );
}

/** How many values there are in each part of a range, as bars. */
export function histogram(values: ArrayLike<number>, name: string, bars = 9, width = 40): string {
  const sorted = Float64Array.from(values).sort();
  // Few values far out would leave the others one bar.
  const at = (q: number): number => sorted[Math.round(q * (sorted.length - 1))]!;
  const { low, high } = axisOf([at(0.01), at(0.99)]);
  const counts = Array.from({ length: bars }, () => 0);
  for (const value of sorted) {
    const bar = Math.floor(((value - low) / (high - low)) * bars);
    counts[Math.min(bars - 1, Math.max(0, bar))]!++;
  }
  const most = Math.max(...counts);
  const labels = counts.map((_, i) => short(low + ((i + 0.5) / bars) * (high - low)));
  const margin = Math.max(...labels.map(({ length }) => length));
  const lines = counts.map(
    (count, i) => `${labels[i]!.padStart(margin)} ┤${"█".repeat(Math.round((count / most) * width))} ${count}`,
  );
  return [name, ...lines].join("\n");
}
