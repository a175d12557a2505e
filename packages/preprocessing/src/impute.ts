/** Missing values, filled. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { isMissing, numbersOf, type Cell, type Cells } from "./cells.js";
import { quantile } from "./scale.js";
import { fitted, type Step, type StepKind } from "./step.js";

/** The options of `impute`. */
export interface ImputeOptions {
  /**
   * What is put in place of a missing value: of the training part the "mean", the "median" or the value that is there most often ("mostFrequent"; of several,
   * the first in order), or a "constant". Default: "median" for numbers, "mostFrequent" for texts and truth values.
   */
  readonly strategy?: "mean" | "median" | "mostFrequent" | "constant";
  /** The constant. Default: none; it goes with strategy "constant", which it implies. */
  readonly value?: string | number | boolean;
}

interface ImputeState {
  readonly value: Exclude<Cell, null>;
}

export const imputeKind: StepKind<ImputeState> = {
  kind: "impute",
  fields: { value: "cell" },
  behaviour: ({ value }) => ({
    allowsNext: true,
    names: (column) => [column],
    apply: (cells) => ({ values: Array.from(cells, (cell) => (isMissing(cell) ? value : cell)), width: 1, dtype: "float32" }),
    invert: (values) => Array.from(values),
  }),
};

/**
 * Fills what is missing with a value that the training part says.
 *
 * @example
 * impute().fit([1, null, 3, 8]).apply([null, 5]).values; // => [3, 5]
 * @throws ErmineError ERMINE_OPTION where options do not go together
 */
export function impute(options: ImputeOptions = {}): Step {
  if (arguments.length > 1) checkArguments("impute", arguments, 1);
  checkOptions<ImputeOptions>("impute", options, { strategy: "string", value: "any" });
  const { value } = options;
  const strategy = options.strategy ?? (value === undefined ? undefined : "constant");
  if (strategy !== undefined && !["mean", "median", "mostFrequent", "constant"].includes(strategy))
    throw new ErmineError(
      "ERMINE_OPTION",
      `impute: strategy is "mean", "median", "mostFrequent" or "constant", got ${show(strategy)}.`,
    );
  if ((strategy === "constant") !== (value !== undefined))
    throw new ErmineError(
      "ERMINE_OPTION",
      `impute: a value goes with strategy "constant" and no other, got ${show(strategy)} and ${show(value)}.`,
    );
  if (value !== undefined && (isMissing(value) || !["string", "number", "boolean"].includes(typeof value)))
    throw new ErmineError("ERMINE_OPTION", `impute: value is a number, a text, true or false, got ${show(value)}.`);
  return {
    kind: "impute",
    fit: (cells) => fitted(imputeKind, { value: value ?? learned(cells, strategy) }),
  };
}

function learned(cells: Cells, strategy: ImputeOptions["strategy"]): Exclude<Cell, null> {
  const present = Array.from(cells).filter((cell) => !isMissing(cell)) as Exclude<Cell, null>[];
  if (present.length === 0)
    throw new ErmineError(
      "ERMINE_DATA",
      `impute: all ${cells.length} values of the training part are missing. Leave the column out, or state { value }.`,
    );
  if (strategy === "mostFrequent" || (strategy === undefined && typeof present[0] !== "number")) return mostFrequent(present);
  const numbers = numbersOf("impute", present);
  return strategy === "mean" ? numbers.reduce((a, b) => a + b, 0) / numbers.length : quantile(numbers.sort(), 0.5);
}

function mostFrequent(present: readonly Exclude<Cell, null>[]): Exclude<Cell, null> {
  const counts = new Map<Exclude<Cell, null>, number>();
  for (const cell of present) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]![0];
}
