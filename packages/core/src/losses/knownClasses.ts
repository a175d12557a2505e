/** What becomes of a class index that is none, where nobody reads it on the host: NaN, value and gradient, and no other class's number. */
import { greaterEqual, less, logicalAnd } from "../ops/comparison.js";
import { apply1, defineOp, type Op } from "../ops/definition.js";
import { where } from "../ops/where.js";
import type { Tensor } from "../tensor/tensor.js";

type Attributes = { readonly classes: number };

const known = (target: Tensor, classes: number): Tensor => logicalAnd(greaterEqual(target, 0), less(target, classes));

const knownClassesOp: Op<Attributes> = /* @__PURE__ */ defineOp<Attributes>({
  name: "knownClasses",
  inputs: [{ name: "x" }, { name: "target", differentiable: false }],
  infer: ([x]) => [x!],
  decompose: ([x, target], { classes }) => [where(known(target!, classes), x!, NaN)],
  gradient: ([g], [, target], _, attributes) => [apply1(knownClassesOp, [g!, target!], attributes), undefined],
});

/** x where the target is one of the classes, NaN elsewhere: a step with it is refused. The target broadcasts to x. */
export const ofKnownClasses = (x: Tensor, target: Tensor, classes: number): Tensor =>
  apply1(knownClassesOp, [x, target], { classes });

/** An index to look up with: the target, 0 where it is none of the classes. */
export const lookedUp = (target: Tensor, classes: number): Tensor => where(known(target, classes), target, 0);
