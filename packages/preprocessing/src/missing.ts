/** Whether a value is missing. */
import { checkArguments } from "@ermine/core/define";
import { floats, isMissing } from "./cells.js";
import { fitted, type Step, type StepKind } from "./step.js";

export const missingKind: StepKind<Record<string, never>> = {
  kind: "missing",
  fields: {},
  behaviour: () => ({
    allowsNext: false,
    names: (column) => [column],
    apply: (cells) => floats(Float64Array.from({ length: cells.length }, (_, row) => (isMissing(cells[row]) ? 1 : 0))),
    invert: (values) => Array.from(values, () => null),
  }),
};

/**
 * 1 where the value is missing, else 0: next to a column that `impute` fills, so that the model can tell. It cannot be inverted.
 *
 * @example
 * missing().fit([]).apply([3, null, "a"]).values; // => [0, 1, 0]
 */
export function missing(): Step {
  if (arguments.length > 0) checkArguments("missing", arguments, 0);
  return { kind: "missing", fit: () => fitted(missingKind, {}) };
}
