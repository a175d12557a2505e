/** Axes and indices as a file counts them: from the end where they are negative. */
import { add, ErmineError, less, where, type Size, type Tensor } from "@ermine/core";

/** The axis in 0 … rank − 1. @throws ErmineError ERMINE_DATA where there is none */
export function normalizedAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && normalized >= 0 && normalized < rank) return normalized;
  throw new ErmineError("ERMINE_DATA", `The axis ${axis} is not one of ${rank} (${-rank} … ${rank - 1}).`);
}

/** Axes in 0 … rank − 1; undefined means all of them. */
export function normalizedAxes(axes: readonly number[] | undefined, rank: number): readonly number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  return axes.map((axis) => normalizedAxis(axis, rank));
}

/** Indices from 0 on: negative ones count from the end. */
export function countedFromStart(indices: Tensor, size: Size): Tensor {
  if (typeof size === "number") return where(less(indices, 0), add(indices, size), indices);
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    `Indices of an axis of open size (${size}) may be negative ones, which count from its end. Run it with sizes that are known.`,
  );
}
