/** Lengths of sequences that are padded to one. */
import { valuesToCheck } from "../dispatch/valuesToCheck.js";
import { formatShape, sameSize, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { Tensor } from "../types/tensor.js";

/**
 * @param batch how many sequences; undefined: one, without an axis for it
 * @param steps to how many they are padded
 * @throws ErmineError ERMINE_DTYPE where lengths are not int32, ERMINE_SHAPE where there is not one for each sequence, ERMINE_VALUE for one on the host that is
 * not in 0 … steps
 */
export function checkLengths(where: string, lengths: Tensor, batch: Size | undefined, steps: Size): void {
  if (batch === undefined) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${where}: one sequence without a batch has no padding: cut it to its length, slice(x, …).`,
    );
  }
  if (lengths.dtype !== "int32") {
    throw new ErmineError(
      "ERMINE_DTYPE",
      `${where}: lengths are int32, got ${lengths.dtype}${formatShape(lengths.shape)}. Use cast(lengths, "int32").`,
    );
  }
  if (lengths.rank !== 1 || !sameSize(lengths.shape[0]!, batch)) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${where}: there is one length for each of the ${String(batch)} sequences, [${String(batch)}], got ${formatShape(lengths.shape)}.`,
    );
  }
  const values = valuesToCheck(lengths);
  const wrong = typeof steps === "number" ? values?.find((value) => value < 0 || value > steps) : undefined;
  if (wrong !== undefined)
    throw new ErmineError("ERMINE_VALUE", `${where}: the length ${wrong} is not in 0 … ${String(steps)}, the steps of x.`);
}
