/** Plots as SVG. */
import { axisOf, short, type Axis } from "./axis.js";
import type { Series } from "./terminal.js";

const size = { width: 640, height: 400, left: 70, right: 20, top: 40, bottom: 50 };
const colours = ["#4c78a8", "#f58518"];
const text = 'font-family="system-ui, sans-serif" fill="#333"';

const escaped = (content: string): string =>
  content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    // What XML does not allow at all.
    .replaceAll(/\p{Cc}|\p{Cn}|\p{Cs}/gu, " ");

const rounded = (value: number): string => String(Math.round(value * 10) / 10);

interface Frame {
  x(value: number): number;
  y(value: number): number;
  readonly lines: string[];
}

/** Axes with their numbers and names. */
function frameOf(x: Axis, y: Axis, xName: string, yName: string): Frame {
  const { width, height, left, right, top, bottom } = size;
  const toX = (value: number): number => left + ((value - x.low) / (x.high - x.low)) * (width - left - right);
  const toY = (value: number): number => height - bottom - ((value - y.low) / (y.high - y.low)) * (height - top - bottom);
  const lines = [
    ...y.ticks.flatMap((tick) => [
      `<line x1="${left}" x2="${width - right}" y1="${rounded(toY(tick))}" y2="${rounded(toY(tick))}" stroke="#ddd"/>`,
      `<text x="${left - 8}" y="${rounded(toY(tick) + 4)}" text-anchor="end" font-size="11" ${text}>${short(tick)}</text>`,
    ]),
    ...x.ticks.map(
      (tick) =>
        `<text x="${rounded(toX(tick))}" y="${height - bottom + 18}" text-anchor="middle" font-size="11" ${text}>${short(tick)}</text>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle" font-size="12" ${text}>${escaped(xName)}</text>`,
    `<text transform="translate(16 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle" font-size="12" ${text}>${escaped(yName)}</text>`,
  ];
  return { x: toX, y: toY, lines };
}

const document = (title: string, lines: readonly string[], { width, height } = size): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${size.left}" y="24" font-size="14" ${text}>${escaped(title)}</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");

/** Lines over 1, 2, … */
export function lineChart(title: string, series: readonly Series[], xName: string, yName: string): string {
  const count = Math.max(...series.map(({ values }) => values.length));
  const x = axisOf([1, Math.max(2, count)]);
  const frame = frameOf(
    { ...x, ticks: x.ticks.filter(Number.isInteger) },
    axisOf(series.flatMap(({ values }) => values)),
    xName,
    yName,
  );
  const drawn = series.flatMap(({ name, values }, s) => {
    const points = values
      .map((value, i) => (Number.isFinite(value) ? `${rounded(frame.x(i + 1))},${rounded(frame.y(value))}` : ""))
      .filter((point) => point !== "");
    const y = size.top + 8 + 18 * s;
    return [
      `<polyline fill="none" stroke="${colours[s % colours.length]}" stroke-width="2" points="${points.join(" ")}"/>`,
      `<rect x="${size.width - 160}" y="${y - 9}" width="12" height="12" fill="${colours[s % colours.length]}"/>`,
      `<text x="${size.width - 142}" y="${y + 1}" font-size="12" ${text}>${escaped(name)}</text>`,
    ];
  });
  return document(title, [...frame.lines, ...drawn]);
}

/** Most points of a scatter plot: a browser draws them at once. */
const mostPoints = 5000;

/** True values and predicted ones, next to the line on which they agree. */
export function scatterChart(title: string, truth: ArrayLike<number>, predicted: ArrayLike<number>): string {
  const step = Math.max(1, Math.ceil(truth.length / mostPoints));
  const rows = Array.from({ length: Math.ceil(truth.length / step) }, (_, i) => i * step);
  const axis = axisOf(rows.flatMap((row) => [truth[row]!, predicted[row]!]));
  const frame = frameOf(axis, axis, "true", "predicted");
  const corner = (value: number): string => `${rounded(frame.x(value))},${rounded(frame.y(value))}`;
  const points = rows.map(
    (row) =>
      `<circle cx="${rounded(frame.x(truth[row]!))}" cy="${rounded(frame.y(predicted[row]!))}" r="3" fill="${colours[0]}" fill-opacity="0.5"/>`,
  );
  return document(title, [
    ...frame.lines,
    `<polyline fill="none" stroke="#999" stroke-dasharray="4 4" points="${corner(axis.low)} ${corner(axis.high)}"/>`,
    ...points,
  ]);
}

/** How many of each true class were taken for each class. */
export function confusionChart(title: string, matrix: readonly (readonly number[])[], classes: readonly string[]): string {
  const cell = classes.length > 20 ? 22 : 48;
  const label = 10 + 7 * Math.min(24, Math.max(...classes.map(({ length }) => length)));
  const [left, top] = [label + 30, 70];
  const most = Math.max(1, ...matrix.flat());
  const shown = (name: string): string => escaped(name.length > 24 ? `${name.slice(0, 23)}…` : name);
  const lines = classes.flatMap((name, truth) => {
    const y = top + truth * cell;
    return [
      `<text x="${left - 8}" y="${y + cell / 2 + 4}" text-anchor="end" font-size="12" ${text}>${shown(name)}</text>`,
      `<text transform="translate(${left + truth * cell + cell / 2 + 4} ${top + classes.length * cell + 8}) rotate(90)" font-size="12" ${text}>${shown(name)}</text>`,
      ...matrix[truth]!.flatMap((count, predicted) => {
        const x = left + predicted * cell;
        const share = count / most;
        return [
          `<rect x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}" fill="${colours[0]}" fill-opacity="${rounded(0.05 + 0.9 * share)}"/>`,
          `<text x="${x + cell / 2}" y="${y + cell / 2 + 4}" text-anchor="middle" font-size="${cell > 30 ? 12 : 9}" font-family="system-ui, sans-serif" fill="${share > 0.5 ? "white" : "#333"}">${count}</text>`,
        ];
      }),
    ];
  });
  const width = Math.max(320, left + classes.length * cell + 30);
  const height = top + classes.length * cell + label + 40;
  const names = [
    `<text x="${left}" y="${top - 12}" font-size="12" ${text}>predicted</text>`,
    `<text transform="translate(16 ${top + (classes.length * cell) / 2}) rotate(-90)" text-anchor="middle" font-size="12" ${text}>true</text>`,
  ];
  return document(title, [...names, ...lines], { ...size, width, height });
}
