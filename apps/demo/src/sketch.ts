/** Curves in the terminal, drawn of characters. */
import { plot } from "asciichart";

/** A line, by name. */
export interface SketchLine {
  readonly name: string;
  readonly values: readonly number[];
}

const height = 12;
const width = 60;

/** The means of as many parts as there are columns; fewer values stay what they are. */
export function condensed(values: readonly number[], columns = width): number[] {
  if (values.length <= columns) return [...values];
  return Array.from({ length: columns }, (_, column) => {
    const part = values.slice(
      Math.floor((column * values.length) / columns),
      Math.max(Math.floor(((column + 1) * values.length) / columns), Math.floor((column * values.length) / columns) + 1),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** What is infinite at the edge of what is finite, what is no number where the value before it is: the chart has no gaps. */
function withoutGaps(values: readonly number[], low: number, high: number): number[] {
  let last = values.find(Number.isFinite)!;
  return values.map((value) => (last = Number.isNaN(value) ? last : Math.min(high, Math.max(low, value))));
}

/**
 * A line over what is on its axis, with a title above. A line that is nowhere finite is said to be.
 *
 * @param axis what x is, and where it begins and ends
 */
export function sketch(
  { name, values }: SketchLine,
  axis: { readonly name: string; readonly low: number; readonly high: number },
): string {
  const means = condensed(values);
  const finite = means.filter(Number.isFinite);
  if (finite.length === 0) return `${name}: finite nowhere`;
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const shown = withoutGaps(means, low, high);
  // A constant has no height of its own.
  const range = low === high ? { min: low - 1, max: high + 1 } : { min: low, max: high };
  const label = (value: number): string => short(value).padStart(9);
  const lines = plot(shown, { height, ...range, format: label });
  const [from, to] = [short(axis.low), short(axis.high)];
  const margin = " ".repeat(11);
  return `${name}\n${lines.replaceAll(/ +$/gm, "")}\n${margin}${from}${`${axis.name} ${to}`.padStart(Math.max(shown.length - from.length, axis.name.length + to.length + 2))}`;
}
