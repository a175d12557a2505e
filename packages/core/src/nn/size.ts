/** What constructors ask of sizes and probabilities. */
import { ErmineError } from "../errors.js";

/** @internal @throws ErmineError ERMINE_OPTION where a size is not a whole number ≥ least */
export function checkSize(where: string, name: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a whole number ≥ ${least}, got ${String(value)}.`);
  }
}

/** @internal @throws ErmineError ERMINE_OPTION where it is not in [0, 1] */
export function checkProbability(where: string, name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a probability in [0, 1], got ${String(value)}.`);
}

/** @internal "2×3" for messages. */
export const formatSizes = (sizes: number | readonly (number | null)[]): string =>
  typeof sizes === "number" ? String(sizes) : sizes.map((size) => size ?? "as it is").join("×");
