/** The user's own points: read from a CSV, and as text of a link. Coordinates are whole thousandths, so that a link has exactly the points that were trained on. */
import { ErmineError } from "@ermine/core";
import type { OwnPoint } from "../../../src/experiments/dataSets.js";

/** As many points as a link may hold. */
export const mostPoints = 400;

/** Classes are 0, 1 and 2. */
export const mostClasses = 3;

const limit = 1.25;
const scale = 1000;
const digits = 36;
const width = 3;

/** A point on the grid of thousandths, within the picture; never −0, which a link does not have. */
export function pointAt(x: number, y: number, label: number): OwnPoint {
  const held = (value: number): number => Math.round(Math.min(limit, Math.max(-limit, value)) * scale) / scale + 0;
  return { x: held(x), y: held(y), label };
}

/** Seven characters a point: x and y from 0 to 2500 in base 36, and the class. */
export function encodePoints(points: readonly OwnPoint[]): string {
  const coordinate = (value: number): string =>
    Math.round((value + limit) * scale)
      .toString(digits)
      .padStart(width, "0");
  return points.map(({ x, y, label }) => `${coordinate(x)}${coordinate(y)}${label}`).join("");
}

/** The points of such a text; undefined where it is none. */
export function decodePoints(text: string): OwnPoint[] | undefined {
  const length = 2 * width + 1;
  if (text.length % length !== 0 || text.length > length * mostPoints || !/^[0-9a-z]*$/.test(text)) return undefined;
  const points: OwnPoint[] = [];
  for (let at = 0; at < text.length; at += length) {
    const coordinate = (from: number): number => Number.parseInt(text.slice(from, from + width), digits) / scale - limit;
    const [x, y, label] = [coordinate(at), coordinate(at + width), Number(text[at + 2 * width])];
    if (!(x <= limit && y <= limit && label < mostClasses)) return undefined;
    points.push(pointAt(x, y, label));
  }
  return points;
}

const refuse = (message: string): never => {
  throw new ErmineError("ERMINE_DATA", message);
};

/**
 * Points of a CSV of three columns: two numbers and a class, whatever the classes are called; a first line of names is left out. They are scaled into the picture.
 *
 * @throws ErmineError ERMINE_DATA with the line, and what is wrong with it
 */
export function parseCsv(text: string): OwnPoint[] {
  const lines = text
    .split(/\r?\n/)
    .flatMap((line, i) =>
      line.trim() === "" ? [] : [{ number: i + 1, cells: line.split(/[,;\t]/).map((cell) => cell.trim()) }],
    );
  const isNumber = (cell: string | undefined): boolean => cell !== undefined && cell !== "" && Number.isFinite(Number(cell));
  const rows = lines.length > 0 && !isNumber(lines[0]!.cells[0]) && !isNumber(lines[0]!.cells[1]) ? lines.slice(1) : lines;
  if (rows.length < 2) refuse("There are no rows. A CSV of points has lines such as 0.4, -1.2, red: two numbers and a class.");
  if (rows.length > mostPoints) refuse(`There are ${rows.length} rows; a link holds at most ${mostPoints}. Take a part of them.`);
  const names: string[] = [];
  const read = rows.map(({ number, cells }) => {
    if (cells.length !== 3)
      refuse(
        `Line ${number} has ${cells.length} ${cells.length === 1 ? "column" : "columns"}; there must be 3: x, y and a class.`,
      );
    const [x, y, name] = cells as [string, string, string];
    for (const cell of [x, y]) if (!isNumber(cell)) refuse(`Line ${number}: "${cell}" is no number.`);
    if (name === "") refuse(`Line ${number} has no class.`);
    if (!names.includes(name)) names.push(name);
    if (names.length > mostClasses)
      refuse(
        `Line ${number}: "${name}" is the ${mostClasses + 1}th class (${names.slice(0, mostClasses).join(", ")}); there can be ${mostClasses}. Is the third column the class?`,
      );
    return { x: Number(x), y: Number(y), name };
  });
  if (names.length < 2) refuse(`All rows are of the class "${names[0]}". A classifier needs two classes at least.`);
  const fit = (values: readonly number[]): ((value: number) => number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => (high === low ? 0 : ((value - low) / (high - low)) * 2 - 1);
  };
  const [toX, toY] = [fit(read.map(({ x }) => x)), fit(read.map(({ y }) => y))];
  return read.map(({ x, y, name }) => pointAt(toX(x), toY(y), names.indexOf(name)));
}
