/** Targets checked before the first step: what each input of a loss may hold is said by the loss itself. */
import { inputsOf, isLoss, isSum, pick, type AnyLoss, type DefinedLoss, type PartReading } from "../risk/objective.js";
import { Dim, type Shape, type Tree } from "@ermine/core";
import type { TensorType } from "@ermine/core/backend";
import { Column } from "./column.js";
import { batchAxis, columnsOf } from "./columns.js";
import type { Dataset } from "./dataset.js";
import type { ColumnType, ColumnTypes } from "./source.js";

/** @throws ErmineError ERMINE_VALUE that names the first bad target */
export function checkTargets(name: string, loss: AnyLoss, data: Dataset, outputs: Tree<Shape> | undefined): void {
  if (outputs === undefined || data.targets === undefined) return;
  if (isSum(loss)) {
    for (const { name: part, loss: own, output, target } of loss.parts) {
      if (!isLoss(own)) continue;
      const shapes = output === undefined ? outputs : (outputs as Record<string, Tree<Shape>>)[output];
      checkColumns(name, own, pick("target", part, data.targets, target), shapes);
    }
  } else if (isLoss(loss)) checkColumns(name, loss, data.targets, outputs);
}

function checkColumns(name: string, loss: DefinedLoss, targets: Tree<Column>, outputs: Tree<Shape> | undefined): void {
  const columns = columnsOf<Column>(targets);
  const predictions = shapesOf(outputs).map((shape): TensorType => ({ shape, dtype: "float32", domain: "real" }));
  // What does not fit is told where the loss is called.
  if (predictions.length + columns.length !== loss.inputs.length) return;
  const inputs = inputsOf<TensorType | Column>(loss, predictions, columns);
  const types = inputs.map((input) => (input instanceof Column ? typeOfColumn(input) : input));
  loss.valueRules(types).forEach((rule, i) => {
    const input = inputs[i]!;
    if (input instanceof Column) rule?.check(`${loss.lossName} (${name} set)`, loss.inputs[i]!.name, input.data);
  });
}

const isShape = (node: unknown): node is Shape =>
  Array.isArray(node) && node.every((size) => typeof size === "number" || size instanceof Dim);

/** The shapes in a tree of them, in order. */
function shapesOf(tree: Tree<Shape> | undefined): Shape[] {
  if (tree === undefined) return [];
  if (isShape(tree)) return [tree];
  return Object.values(tree as Readonly<Record<string, Tree<Shape>>>).flatMap(shapesOf);
}

const typeOfColumn = ({ shape, dtype }: Column): TensorType => ({ shape, dtype, domain: "real" });

/** The target that a part of the loss compares with, where it has one; the first of several. */
export function targetOfPart<C>({ name, target }: PartReading, targets: Tree<C> | undefined): C | undefined {
  return targets === undefined ? undefined : columnsOf(pick("target", name, targets, target))[0];
}

/** Its type, as a batch of it has it. */
export function targetTypeOfPart(part: PartReading, { targets }: ColumnTypes): TensorType | undefined {
  const column = targetOfPart<ColumnType>(part, targets);
  return column === undefined ? undefined : { shape: [batchAxis, ...column.shape], dtype: column.dtype, domain: "real" };
}
