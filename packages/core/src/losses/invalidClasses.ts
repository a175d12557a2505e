/** Class indices out of range, where they are not read on the host: value and gradient are NaN, never those of another class. */
import { equal, greaterEqual, less, logicalAnd, logicalOr } from "../ops/comparison.js";
import { apply1 } from "../ops/apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import { where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";

const nanWhereOp: Op<Record<never, never>> = /* @__PURE__ */ builtinOp<Record<never, never>>({
  name: "nanWhere",
  inputs: [{ name: "condition", differentiable: false }, { name: "x" }],
  infer: ([, x]) => [x!],
  decompose: ([condition, x]) => [where(condition!, NaN, x!)],
  gradient: ([g], [condition]) => [undefined, apply1(nanWhereOp, [condition!, g!], {})],
});

/** NaN where the condition holds, of x's shape, in value and gradient; x elsewhere: a NaN that is chosen by `where` would reach all of its gradient. */
export const nanWhere = (condition: Tensor, x: Tensor): Tensor => apply1(nanWhereOp, [condition, x], {});

type Attributes = { readonly classes: number; readonly ignoreIndex: number | null };

const isClassOf = (target: Tensor, classes: number): Tensor => logicalAnd(greaterEqual(target, 0), less(target, classes));

const invalidClassToNaNOp: Op<Attributes> = /* @__PURE__ */ builtinOp<Attributes>({
  name: "knownClasses",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "target", dtype: "int32", differentiable: false },
  ],
  infer: ([x]) => [x!],
  classIndices: (_, { classes, ignoreIndex }) => ({ input: 1, classes, ...(ignoreIndex === null ? {} : { ignoreIndex }) }),
  decompose([x, target], { classes, ignoreIndex }) {
    const isClass = isClassOf(target!, classes);
    const fits = ignoreIndex === null ? isClass : logicalOr(isClass, equal(target!, ignoreIndex));
    return [where(fits, x!, NaN)];
  },
  gradient: ([g], [, target], _, attributes) => [apply1(invalidClassToNaNOp, [g!, target!], attributes), undefined],
});

/**
 * x where the target is one of the classes or `ignoreIndex` (null: there is none), NaN elsewhere: a step with it is refused. The target
 * broadcasts to x. An ignored target never meets the NaN, so that derivatives of any order can be masked with 0 there.
 */
export const invalidClassToNaN = (x: Tensor, target: Tensor, classes: number, ignoreIndex: number | null): Tensor =>
  apply1(invalidClassToNaNOp, [x, target], { classes, ignoreIndex });

/** An index to look up with: the target, 0 where it is none of the classes. */
export const invalidClassToZero = (target: Tensor, classes: number): Tensor => where(isClassOf(target, classes), target, 0);
