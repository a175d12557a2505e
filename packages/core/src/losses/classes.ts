/** Shared by losses over classes: the class axis, and the checks of targets and class weights. */
import type { TensorType } from "../types/storage.js";
import { ErmineError } from "../types/errors.js";
import { formatShape, sameShape, sameSize, type Shape, type Size } from "../types/dim.js";
import type { ValueRule } from "./values.js";

/** (K): 0; (N, K): 1; (N, K, d…): 1. */
export const classAxis = (shape: Shape): number => (shape.length < 2 ? 0 : 1);

/** The shape without its class axis: that of index targets and of values. */
export const withoutClasses = (shape: Shape): Shape => shape.filter((_, axis) => axis !== classAxis(shape));

export const classCount = (shape: Shape): Size => shape[classAxis(shape)]!;

/** @throws ErmineError ERMINE_SHAPE, ERMINE_DTYPE that say both shapes and what is expected */
export function checkClassTarget(loss: string, prediction: TensorType, target: TensorType, distributions: boolean): void {
  if (prediction.shape.length === 0) {
    throw new ErmineError("ERMINE_SHAPE", `${loss}: the prediction needs a class axis, (N, K) or (N, K, d…), got a scalar.`);
  }
  const expected = withoutClasses(prediction.shape);
  if (target.dtype === "int32") {
    if (sameShape(target.shape, expected)) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${loss}: class indices for a prediction ${formatShape(prediction.shape)} have the shape ${formatShape(expected)}, got ${formatShape(target.shape)}.` +
        (sameShape(target.shape, prediction.shape) ? ' One-hot rows must be float32: cast(target, "float32").' : ""),
    );
  }
  if (distributions && target.dtype === "float32") {
    if (sameShape(target.shape, prediction.shape)) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${loss}: float32 targets are class probabilities of the prediction's shape ${formatShape(prediction.shape)}, got ${formatShape(target.shape)}.` +
        (sameShape(target.shape, expected) ? ' Class indices must be int32: cast(target, "int32").' : ""),
    );
  }
  throw new ErmineError(
    "ERMINE_DTYPE",
    `${loss}: targets are int32 class indices${distributions ? " or float32 class probabilities" : ""}, got ${target.dtype}.`,
  );
}

/** @throws ErmineError ERMINE_SHAPE where it is not one number a class */
export function checkClassWeight(loss: string, classes: Size, weight: TensorType | undefined): void {
  if (weight === undefined || (weight.shape.length === 1 && sameSize(weight.shape[0]!, classes))) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${loss}: weight is one number a class, [${String(classes)}], got ${formatShape(weight.shape)}.`,
  );
}

/**
 * Checks class indices that are at hand on the host. `ignoreIndex` is a target that counts for nothing; null: there is none.
 *
 * @throws ErmineError ERMINE_VALUE that names the first bad one and its position
 * @example
 * checkClassIndices("myLoss", [0, 2, 1], 3);
 */
export function checkClassIndices(
  where: string,
  indices: ArrayLike<number>,
  classes: number,
  ignoreIndex: number | null = -100,
): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (index === ignoreIndex || (Number.isInteger(index) && index >= 0 && index < classes)) continue;
    throw new ErmineError(
      "ERMINE_VALUE",
      `${where}: target ${i} is ${index}, and classes are whole numbers from 0 to ${classes - 1}. ` +
        (index === classes ? "Do the labels start at 1? Subtract 1. " : "") +
        (ignoreIndex === null
          ? "To leave a sample out, give it the sampleWeight 0."
          : `ignoreIndex (${ignoreIndex}) marks targets to leave out.`),
    );
  }
}

/** The rule of class indices for a prediction of this type; undefined where its classes are not known. */
export function areClasses({ shape }: TensorType, ignoreIndex: number | null): ValueRule | undefined {
  const classes = shape.length === 0 ? undefined : classCount(shape);
  if (typeof classes !== "number") return undefined;
  return { check: (where, _, values) => checkClassIndices(where, values, classes, ignoreIndex) };
}
