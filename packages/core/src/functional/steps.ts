/** How many steps sequences have. */
import { Dim, type Size } from "../types/dim.js";
import { wrongArgument } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";

/** @throws ErmineError ERMINE_USAGE where `steps` is no number, ERMINE_VALUE where it is not a whole one ≥ 0 */
export function checkSteps(signature: string, steps: Size): void {
  if (steps instanceof Dim) return;
  if (typeof steps !== "number") throw wrongArgument(signature, "steps", steps, "integer");
  if (Number.isInteger(steps) && steps >= 0) return;
  throw new ErmineError(
    "ERMINE_VALUE",
    `${signature.slice(0, signature.indexOf("("))}: steps is a whole number ≥ 0, got ${steps}.`,
  );
}
