/** Numbers, shifted and scaled: (x − center) / scale. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, portableMath } from "@ermine/core/define";
import { floats, numbersOf, type Cells } from "./cells.js";
import { fitted, type FittedStep, type Step, type StepKind } from "./step.js";

interface ScaleState {
  readonly center: number;
  readonly scale: number;
}

const scaleKind = (kind: string): StepKind<ScaleState> => ({
  kind,
  fields: { center: "number", scale: "number" },
  behaviour: ({ center, scale }) => ({
    allowsNext: true,
    names: (column) => [column],
    apply: (cells) => floats(numbersOf(kind, cells).map((x) => (x - center) / scale)),
    invert: (values) => Array.from(values, (y) => y * scale + center),
  }),
});

export const standardizeKind = scaleKind("standardize");
export const minMaxKind = scaleKind("minMax");
export const robustKind = scaleKind("robust");

/** A constant column is shifted and not scaled. */
const scaled = (kind: StepKind<ScaleState>, center: number, scale: number): FittedStep =>
  fitted(kind, { center, scale: scale === 0 ? 1 : scale });

/** @throws ErmineError ERMINE_DATA where there is none */
function trainingNumbers(kind: string, cells: Cells): Float64Array {
  if (cells.length === 0) throw new ErmineError("ERMINE_DATA", `${kind}: there is no row to learn from.`);
  return numbersOf(kind, cells);
}

/**
 * (x − mean) / standard deviation, of the training part (with n, not n − 1, as scikit-learn's StandardScaler). A constant column becomes 0.
 *
 * @example
 * standardize().fit([1, 2, 3]).apply([2, 3.5]).values; // => [0, 1.8371]
 */
export function standardize(): Step {
  if (arguments.length > 0) checkArguments("standardize", arguments, 0);
  return {
    kind: "standardize",
    fit(cells) {
      const numbers = trainingNumbers("standardize", cells);
      const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
      const variance = numbers.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / numbers.length;
      // What rounding alone left of a constant column is no spread.
      const isConstant = numbers.every((x) => x === numbers[0]);
      return isConstant ? scaled(standardizeKind, numbers[0]!, 0) : scaled(standardizeKind, mean, Math.sqrt(variance));
    },
  };
}

/** The options of `minMax`. */
export interface MinMaxOptions {
  /** What the smallest value becomes. Default 0. */
  readonly low?: number;
  /** What the largest value becomes. Default 1. */
  readonly high?: number;
}

/**
 * The training part's range becomes [low, high]; values outside of it go on in line. A constant column becomes `low`.
 *
 * @example
 * minMax().fit([10, 20]).apply([15, 30]).values; // => [0.5, 2]
 * @throws ErmineError ERMINE_OPTION where low is not below high
 */
export function minMax(options: MinMaxOptions = {}): Step {
  if (arguments.length > 1) checkArguments("minMax", arguments, 1);
  checkOptions<MinMaxOptions>("minMax", options, { low: "number", high: "number" });
  const { low = 0, high = 1 } = options;
  if (!(low < high && Number.isFinite(high - low)))
    throw new ErmineError("ERMINE_OPTION", `minMax: low is below high, got low ${low} and high ${high}.`);
  return {
    kind: "minMax",
    fit(cells) {
      const numbers = trainingNumbers("minMax", cells);
      const [least, most] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
      const scale = (most - least || 1) / (high - low);
      return scaled(minMaxKind, least - low * scale, scale);
    },
  };
}

/**
 * (x − median) / (75th − 25th percentile), of the training part: far values have no weight in it. A constant column becomes 0.
 *
 * @example
 * robust().fit([1, 2, 3, 4, 1000]).apply([3, 5]).values; // => [0, 1]
 */
export function robust(): Step {
  if (arguments.length > 0) checkArguments("robust", arguments, 0);
  return {
    kind: "robust",
    fit(cells) {
      const sorted = trainingNumbers("robust", cells).sort();
      return scaled(robustKind, quantile(sorted, 0.5), quantile(sorted, 0.75) - quantile(sorted, 0.25));
    },
  };
}

/** Between the two nearest, in line. */
export function quantile(sorted: Float64Array, q: number): number {
  const place = q * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
}

export const logKind: StepKind<Record<string, never>> = {
  kind: "log",
  fields: {},
  behaviour: () => ({
    allowsNext: true,
    names: (column) => [column],
    apply: (cells) => {
      const numbers = numbersOf("log", cells);
      const row = numbers.findIndex((x) => x <= -1);
      if (row >= 0) throw new ErmineError("ERMINE_VALUE", `log: row ${row} is ${numbers[row]!}, and log(1 + x) needs x > −1.`);
      return floats(numbers.map(log1p));
    },
    invert: (values) => Array.from(values, expm1),
  }),
};

/**
 * log(1 + x): for amounts and counts, whose large values are far apart. Before `standardize`.
 *
 * @example
 * log().fit([0]).apply([0, Math.E - 1]).values; // => [0, 1]
 */
export function log(): Step {
  if (arguments.length > 0) checkArguments("log", arguments, 0);
  return {
    kind: "log",
    fit(cells) {
      const step = fitted(logKind, {});
      step.apply(cells);
      return step;
    },
  };
}

/** log(1 + x) with the same bits in every engine (Kahan's way for x near 0). */
function log1p(x: number): number {
  const sum = 1 + x;
  return sum === 1 ? x : (portableMath.log(sum) * x) / (sum - 1);
}

/** eˣ − 1, alike. */
function expm1(x: number): number {
  const power = portableMath.exp(x);
  if (power === 1) return x;
  return power - 1 === -1 ? -1 : ((power - 1) * x) / portableMath.log(power);
}
