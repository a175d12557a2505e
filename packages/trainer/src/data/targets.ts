/** Targets checked before the first step: class indices are whole numbers that the model has a class for. */
import { isLoss, isSum, pick, type AnyLoss, type DefinedLoss } from "../risk/objective.js";
import { checkClassIndices, leaves, type Shape, type Tree } from "@ermine/core";
import type { Column, Dataset } from "./dataset.js";

/** @throws ErmineError ERMINE_VALUE that names the first bad target */
export function checkTargets(name: string, loss: AnyLoss, data: Dataset, outputs: Tree<Shape> | undefined): void {
  if (isSum(loss)) {
    for (const { name: part, loss: own, output, target } of loss.parts) {
      if (!isLoss(own) || data.targets === undefined || outputs === undefined) continue;
      const shapes = output === undefined ? outputs : (outputs as Record<string, Tree<Shape>>)[output];
      checkClasses(name, own, leaves(pick("target", part, data.targets, target))[0] as Column | undefined, shapes);
    }
  } else if (isLoss(loss)) checkClasses(name, loss, leaves(data.targets)[0] as Column | undefined, outputs);
}

function checkClasses(name: string, loss: DefinedLoss, column: Column | undefined, shape: unknown): void {
  if (loss.lossName !== "crossEntropy" && loss.lossName !== "nll") return;
  const output = Array.isArray(shape) ? (shape as readonly unknown[]) : undefined;
  const classes = output?.[output.length < 2 ? 0 : 1];
  if (column === undefined || column.dtype !== "int32" || typeof classes !== "number") return;
  const { ignoreIndex = -100 } = loss.defaults as { ignoreIndex?: number };
  checkClassIndices(`${loss.lossName} (${name} set)`, column.data, classes, ignoreIndex);
}
