/** The commit condition of a step: only where it holds are the new values of parameters, slots and buffers written. */
import { abs, all, greater, isFinite, lessEqual, logicalAnd, type Tensor } from "@ermine/core";
import { bindKernels } from "@ermine/core/backend";
import { apply1, defineOp } from "@ermine/core/define";

const largestFloat32 = 3.4028234663852886e38;

/** Is every element a finite float32? A bool scalar. */
export const allFiniteOp = bindKernels(
  defineOp<Record<never, never>>({
    name: "allFinite",
    inputs: [{ name: "x", differentiable: false }],
    infer: () => [{ shape: [], dtype: "bool", domain: "real" }],
    // Of doubles too: a variable holds float32.
    decompose: ([x]) => [all(lessEqual(abs(x!), largestFloat32))],
  }),
);

const isAllFinite = (t: Tensor): Tensor => apply1(allFiniteOp, [t], {});

/**
 * May a step be taken? A bool scalar: something counts (an empty batch changes nothing), and no value of the objective, no gradient and no buffer is NaN or
 * infinite.
 */
export function commitCondition({
  counted,
  scalars,
  tensors,
}: {
  /** Total weight of the batch's samples; undefined: not checked. */
  readonly counted?: Tensor;
  /** Values of the objective. */
  readonly scalars: readonly Tensor[];
  /** All others. */
  readonly tensors: readonly Tensor[];
}): Tensor {
  const conditions = [
    ...scalars.map((value) => isFinite(value)),
    ...(counted === undefined ? [] : [greater(counted, 0)]),
    ...tensors.map(isAllFinite),
  ];
  return conditions.reduce((a, b) => logicalAnd(a, b));
}

/** The same condition, and that the values which a step would write are finite: for optimizers that do not keep them so. */
export const stillFinite = (condition: Tensor, writtenValues: readonly Tensor[]): Tensor =>
  writtenValues.map(isAllFinite).reduce((a, b) => logicalAnd(a, b), condition);
