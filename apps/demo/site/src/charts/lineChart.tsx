/** Lines over a common x, by uPlot, in the theme's colours. */
import "./language.js";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { themeColour, useThemeVersion } from "../design/colours.js";

/** One line. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** A custom property of the theme: "class-0". */
  readonly colour: string;
  readonly dashed?: boolean;
}

export interface LineChartProps {
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  readonly height: number;
  readonly logarithmic?: boolean;
  /** For those who do not see it. */
  readonly label: string;
  /** Lines go on over values that are missing. Default false. */
  readonly spanGaps?: boolean;
  /** The least and largest y that are shown; default: those that there are. */
  readonly range?: readonly [number, number];
}

const font = "12px 'Instrument Sans Variable', system-ui, sans-serif";

/** With the sign that is as wide as a plus. */
const short = (value: number): string => (value < 0 ? `−${shortSize(-value)}` : shortSize(value));

const shortSize = (value: number): string => {
  if (value === 0) return "0";
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return value < 1e-3 ? value.toExponential(0).replace("-", "−") : String(Number(value.toPrecision(3)));
};

/** Of a logarithmic axis the lines that have names. */
const powersOfTen = (_: uPlot, splits: number[]): (number | null)[] =>
  splits.map((value) => (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9 ? value : null));

function optionsOf(
  { lines, height, logarithmic = false, spanGaps = false, range }: LineChartProps,
  width: number,
): uPlot.Options {
  const axis = {
    stroke: themeColour("muted"),
    font,
    grid: { stroke: themeColour("line"), width: 1 },
    ticks: { show: false },
    // On a logarithmic axis uPlot leaves labels out by null.
    values: (_: uPlot, splits: (number | null)[]) => splits.map((value) => (value === null ? "" : short(value))),
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: false },
      y: { distr: logarithmic ? 3 : 1, ...(range === undefined ? {} : { range: [range[0], range[1]] as [number, number] }) },
    },
    axes: [
      { ...axis, size: 28 },
      { ...axis, size: 48, ...(logarithmic ? { filter: powersOfTen } : {}) },
    ],
    series: [
      {},
      ...lines.map(({ name, colour, dashed }) => ({
        label: name,
        stroke: themeColour(colour),
        width: 2,
        spanGaps,
        points: { show: false },
        ...(dashed === true ? { dash: [5, 4] } : {}),
      })),
    ],
  };
}

export function LineChart(props: LineChartProps) {
  const { x, lines, height, logarithmic = false, label, range } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const theme = useThemeVersion();
  const latest = useRef(props);
  latest.current = props;
  const form = `${lines.map(({ name, colour, dashed }) => `${name} ${colour} ${String(dashed)}`).join()} ${height} ${String(logarithmic)} ${theme} ${String(range)}`;

  useEffect(() => {
    const element = place.current!;
    const plot = new uPlot(optionsOf(latest.current, Math.max(80, element.clientWidth)), dataOf(latest.current), element);
    chart.current = plot;
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: Math.max(80, element.clientWidth), height: latest.current.height }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [form]);

  useEffect(() => chart.current?.setData(dataOf(latest.current)), [x, lines]);

  return <div class="chart" ref={place} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />;
}

/** A logarithmic axis has no place for what is not above 0. */
function dataOf({ x, lines, logarithmic = false }: LineChartProps): uPlot.AlignedData {
  const shown = (value: number | null): number | null =>
    value === null || !Number.isFinite(value) || (logarithmic && value <= 0) ? null : value;
  return [[...x], ...lines.map(({ values }) => values.map(shown))];
}
