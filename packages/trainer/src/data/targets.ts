/**
 * Targets checked before a step uses them, those in memory before the first one: what each input of a loss may hold is said by the loss itself.
 */
import { inputsOf, isLoss, isSum, pick, type AnyLoss, type DefinedLoss, type PartReading } from "../risk/objective.js";
import { Dim, type Shape, type Tree, type TypedArray } from "@ermine/core";
import { allocate, type TensorType } from "@ermine/core/backend";
import type { Column } from "./column.js";
import { batchAxis, columnsOf } from "./columns.js";
import type { Dataset } from "./dataset.js";
import type { Batch, BatchColumn, ColumnType, ColumnTypes } from "./source.js";

/** The loss's requirements on a column of targets. */
export interface TargetRule<C> {
  readonly column: C;
  /**
   * Looks at values of it.
   *
   * @param where "training set": what messages call the data
   * @throws ErmineError ERMINE_VALUE that names the first bad target
   */
  check(where: string, values: ArrayLike<number>): void;
}

/** The rules of the columns that have one. @param outputs the shapes of the model's outputs; unknown: nothing is said of targets */
export function targetRules<C extends ColumnType>(
  loss: AnyLoss,
  targets: Tree<C> | undefined,
  outputs: Tree<Shape> | undefined,
  typeOf: (column: C) => TensorType,
): TargetRule<C>[] {
  if (outputs === undefined || targets === undefined) return [];
  if (isLoss(loss)) return rulesOf(loss, targets, outputs, typeOf);
  if (!isSum(loss)) return [];
  return loss.parts.flatMap(({ name, loss: partLoss, output, target }) => {
    if (!isLoss(partLoss)) return [];
    const shapes = output === undefined ? outputs : (outputs as Record<string, Tree<Shape>>)[output];
    return rulesOf(partLoss, pick("target", name, targets, target), shapes, typeOf);
  });
}

function rulesOf<C extends ColumnType>(
  loss: DefinedLoss,
  targets: Tree<C>,
  outputs: Tree<Shape> | undefined,
  typeOf: (column: C) => TensorType,
): TargetRule<C>[] {
  const columns = columnsOf<C>(targets);
  const predictions = shapesOf(outputs).map((shape): TensorType => ({ shape, dtype: "float32", domain: "real" }));
  // Shapes that do not match are reported where the loss is called.
  if (predictions.length + columns.length !== loss.inputs.length) return [];
  const inputs = inputsOf<{ readonly type: TensorType; readonly column?: C }>(
    loss,
    predictions.map((type) => ({ type })),
    columns.map((column) => ({ type: typeOf(column), column })),
  );
  return loss.valueRules(inputs.map(({ type }) => type)).flatMap((rule, i): TargetRule<C>[] => {
    const { column } = inputs[i]!;
    if (rule === undefined || column === undefined) return [];
    const { name } = loss.inputs[i]!;
    return [{ column, check: (where, values) => rule.check(`${loss.lossName} (${where})`, name, values) }];
  });
}

/** @throws ErmineError ERMINE_VALUE that names the first bad target */
export function checkTargets(set: string, loss: AnyLoss, data: Dataset, outputs: Tree<Shape> | undefined): void {
  const typeOf = ({ shape, dtype }: Column): TensorType => ({ shape, dtype, domain: "real" });
  for (const { column, check } of targetRules(loss, data.targets, outputs, typeOf)) check(`${set} set`, column.data);
}

/**
 * The same for targets that come batch by batch.
 *
 * @returns looks at a batch's targets; undefined where the loss takes any
 */
export function batchTargetsCheck(
  set: string,
  loss: AnyLoss,
  types: ColumnTypes,
  outputs: Tree<Shape> | undefined,
): ((batch: Batch) => void) | undefined {
  const rules = targetRules(loss, types.targets, outputs, typeInBatch);
  if (rules.length === 0) return undefined;
  const places = columnsOf<ColumnType>(types.targets);
  const buffers = new Map<ColumnType, TypedArray>();
  return ({ size, index, columns }) => {
    const arrived = columnsOf<BatchColumn>(columns.targets);
    for (const { column, check } of rules) {
      const length = column.shape.reduce((a, b) => a * b, size);
      let values = buffers.get(column);
      if (values === undefined || values.length < length) buffers.set(column, (values = allocate(column.dtype, length)));
      const view = values.length === length ? values : values.subarray(0, length);
      arrived[places.indexOf(column)]!.copyInto(view);
      check(`${set} set, batch ${index + 1}`, view);
    }
  };
}

const isShape = (node: unknown): node is Shape =>
  Array.isArray(node) && node.every((size) => typeof size === "number" || size instanceof Dim);

/** The shapes in a tree of them, in order. */
function shapesOf(tree: Tree<Shape> | undefined): Shape[] {
  if (tree === undefined) return [];
  if (isShape(tree)) return [tree];
  return Object.values(tree as Readonly<Record<string, Tree<Shape>>>).flatMap(shapesOf);
}

/** A column's type, as a batch of it has it. */
const typeInBatch = ({ shape, dtype }: ColumnType): TensorType => ({ shape: [batchAxis, ...shape], dtype, domain: "real" });

/** The target that a part of the loss compares with, where it has one; the first of several. */
export function targetOfPart<C>({ name, target }: PartReading, targets: Tree<C> | undefined): C | undefined {
  return targets === undefined ? undefined : columnsOf(pick("target", name, targets, target))[0];
}

/** Its type, as a batch of it has it. */
export function targetTypeOfPart(part: PartReading, { targets }: ColumnTypes): TensorType | undefined {
  const column = targetOfPart<ColumnType>(part, targets);
  return column === undefined ? undefined : typeInBatch(column);
}
