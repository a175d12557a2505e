/** Checks of a loss's elements: refused before anything broadcasts by accident. */
import { ErmineError } from "../types/errors.js";
import { formatShape, sameShape, sameSize, sizeOf, subSizes, type Shape } from "../types/dim.js";
import { Tensor } from "../types/tensor.js";

/** The value of each element; `normalizer` says what each counts for in the mean, undefined: one each. */
export interface Elements {
  /** The value of each element. */
  readonly value: Tensor;
  /** The weight of each in the mean; undefined: 1 each. */
  readonly normalizer?: Tensor | undefined;
}

/** Has `a` at most as many elements as `b`, whatever the symbols stand for? */
function isAtMost(a: Shape, b: Shape): boolean {
  const difference = subSizes(sizeOf(b), sizeOf(a));
  return typeof difference === "number"
    ? difference >= 0
    : [...difference.terms.values()].every((coefficient) => coefficient >= 0);
}

const begins = (shape: Shape, prefix: Shape): boolean =>
  prefix.length <= shape.length && prefix.every((size, i) => sameSize(size, shape[i]!));

/**
 * A value of more elements than any input is what broadcasting (N, 1) against (N) gives: N × N pairs that nobody asked for.
 *
 * @throws ErmineError ERMINE_SHAPE
 * @example
 * checkValueShape("myLoss", zeros([3]), [zeros([3, 2])]);
 */
export function checkValueShape(loss: string, value: Tensor, inputs: readonly Tensor[]): void {
  const fits = inputs.some(({ shape }) => isAtMost(value.shape, shape) || begins(shape, value.shape));
  if (fits || inputs.length === 0) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${loss}: the value is ${formatShape(value.shape)}, with more elements than any of ${inputs.map(({ shape }) => formatShape(shape)).join(", ")}: ` +
      "broadcasting compared each element with every other. Reshape the inputs to one shape, as in reshape(prediction, [-1]) for (N, 1) against (N); " +
      "of pairs that are meant, sum over one axis.",
  );
}

/** @throws ErmineError ERMINE_USAGE where it is no tensor of values, ERMINE_DTYPE, ERMINE_SHAPE where shapes do not fit */
export function checkElements(loss: string, values: Elements, inputs: readonly Tensor[]): void {
  if (!(values?.value instanceof Tensor)) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${loss}: elements gives { value, normalizer }, value a tensor${(values as unknown) instanceof Tensor ? "; got a tensor. Write return { value: it }" : ""}.`,
    );
  }
  const { value, normalizer } = values;
  if (value.dtype !== "float32")
    throw new ErmineError("ERMINE_DTYPE", `${loss}: the value is float32, got ${value.dtype}. Cast it.`);
  checkValueShape(loss, value, inputs);
  if (normalizer === undefined || sameShape(normalizer.shape, value.shape)) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${loss}: the normalizer says what each value counts for, so that it has the value's shape ${formatShape(value.shape)}; got ` +
      `${formatShape(normalizer.shape)}. Use broadcastTo or reshape.`,
  );
}
