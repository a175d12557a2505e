/** Checks of sizes and probabilities in constructors. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";

/** @internal @throws ErmineError ERMINE_OPTION where a size is not a whole number ≥ least */
export function checkSize(where: string, name: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a whole number ≥ ${least}, got ${show(value)}.`);
  }
}

/** @internal @throws ErmineError ERMINE_OPTION where it is not in [0, 1] */
export function checkProbability(where: string, name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  const [inside] = typeof value === "object" && value !== null ? Object.values(value) : [];
  const remedy = typeof inside === "number" ? ` Write new ${where}(${inside}).` : "";
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a probability in [0, 1], got ${show(value)}.${remedy}`);
}

/** @internal "2×3" for messages. */
export const formatSizes = (sizes: number | readonly (number | null)[]): string =>
  typeof sizes === "number" ? String(sizes) : sizes.map((size) => size ?? "as it is").join("×");
