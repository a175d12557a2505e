/** Targets checked before the first step: what each input of a loss may hold is said by the loss itself. */
import { inputsOf, isLoss, isSum, pick, type AnyLoss, type DefinedLoss } from "../risk/objective.js";
import { Dim, leaves, type Shape, type TensorType, type Tree } from "@ermine/core";
import { Column, type Dataset } from "./dataset.js";

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
  const columns = leaves(targets) as Column[];
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

/** A column's type as a batch of it has it. */
export const typeOfColumn = ({ shape, dtype }: Column): TensorType => ({ shape, dtype, domain: "real" });

/** The type of the target that the main loss compares with, where it has one. */
export function mainTargetType(loss: AnyLoss, data: Dataset): TensorType | undefined {
  const [main] = isSum(loss) ? loss.parts : [];
  if (data.targets === undefined) return undefined;
  const column = leaves(pick("target", main?.name ?? "", data.targets, main?.target))[0] as Column | undefined;
  return column === undefined ? undefined : typeOfColumn(column);
}
