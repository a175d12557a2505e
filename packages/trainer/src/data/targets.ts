/** Targets checked before the first step: class indices are whole numbers that the model has a class for. */
import type { DefinedLoss } from "../risk/objective.js";
import { checkClassIndices, leaves } from "@ermine/core";
import type { Column, Dataset } from "./dataset.js";

/** @throws ErmineError ERMINE_VALUE that names the first bad target */
export function checkTargets(name: string, loss: DefinedLoss, data: Dataset, output: readonly unknown[] | undefined): void {
  if (loss.lossName !== "crossEntropy" && loss.lossName !== "nll") return;
  const column = leaves(data.targets)[0] as Column | undefined;
  const classes = output?.[output.length < 2 ? 0 : 1];
  if (column === undefined || column.dtype !== "int32" || typeof classes !== "number") return;
  const { ignoreIndex = -100 } = loss.defaults as { ignoreIndex?: number };
  checkClassIndices(`${loss.lossName} (${name} set)`, column.data, classes, ignoreIndex);
}
