/** One of two computations, whichever a tensor says. */
import { checkArguments, checkFunction } from "../types/arguments.js";
import { formatShape, sameShape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { BodyTrace } from "./body.js";
import { runBranches } from "./branches.js";
import { flat, listOf, type Flat } from "./flat.js";
import { listeningRules } from "./kept.js";

/**
 * whenTrue() where the condition is true, whenFalse() where it is false, in programs as well, where its value is not known when they are made.
 *
 * Both branches are functions without arguments that give trees of tensors (arrays and plain objects of them) of the same form, shapes and dtypes. They are pure
 * functions, each called once, to be traced: they may read tensors and variables from outside, may draw random numbers (those are drawn whichever branch
 * is taken, so that what comes after has the same ones), and write no variable.
 *
 * Only the branch that is taken is computed: eagerly, on the reference and in programs of cpu and tfjs. A backend whose values cannot be read at once, and which has no
 * conditionals of its own, computes both and selects, as `where` does. A gradient flows through the branch that is taken, over what it has kept, and is zero for what
 * only the other one reads. It can be differentiated again.
 *
 * For elements, each with a condition of its own, there is `where`; where the condition is known to the host, `if`.
 *
 * @param condition a bool scalar
 * @throws ErmineError ERMINE_DTYPE where the condition is not bool or the branches' dtypes differ, ERMINE_SHAPE where it is not a scalar or their shapes differ,
 * ERMINE_USAGE where a branch writes a variable, is async, or gives another form than the other
 * @example
 * const x = tensor([3, -4]);
 * const long = greater(norm(x), 1);
 * cond(long, () => div(x, norm(x)), () => x); // => [0.6, -0.8]
 */
export function cond<R>(condition: Tensor, whenTrue: () => R, whenFalse: () => R): R {
  const right = "cond(condition, () => a, () => b)";
  if (typeof (condition as unknown) === "boolean") {
    throw new ErmineError(
      "ERMINE_VALUE",
      `cond: the condition is ${String(condition)}, which the host knows: use if, or scalar(${String(condition)}, { dtype: "bool" }).`,
    );
  }
  checkTensor("cond", condition);
  checkFunction("cond", whenTrue, right);
  checkFunction("cond", whenFalse, right);
  if (arguments.length > 3) checkArguments("cond", arguments, 3, right);
  checkCondition(condition);
  const [a, b] = [traced(whenTrue, "the first branch"), traced(whenFalse, "the second branch")];
  checkSame(a.result, b.result);
  const outputs = runBranches(condition, [
    { trace: a.trace, outputs: a.result.tensors },
    { trace: b.trace, outputs: b.result.tensors },
  ]);
  return a.result.rebuild(outputs) as R;
}

function checkCondition({ shape, dtype }: Tensor): void {
  if (shape.length > 0) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `cond: the condition is one bool for all, a scalar, and it is ${formatShape(shape)}. Use where(condition, a, b) to choose element by element, or any and all to make one of them.`,
    );
  }
  if (dtype !== "bool") {
    throw new ErmineError("ERMINE_DTYPE", `cond: the condition is bool, and it is ${dtype}. Compare it: notEqual(x, 0).`);
  }
}

/** A branch that was called. */
interface Traced {
  readonly trace: BodyTrace;
  readonly result: Flat;
}

function traced(branch: () => unknown, name: string): Traced {
  const trace = new BodyTrace({ rules: listeningRules() });
  const result = trace.step(() => {
    const tree = branch();
    if (tree instanceof Promise) throw new ErmineError("ERMINE_USAGE", `cond: ${name} cannot be async: await outside of it.`);
    return flat("cond", `the result of ${name}`, tree);
  });
  return { trace, result };
}

/** @throws ErmineError where the branches' results are not of one form */
function checkSame(whenTrue: Flat, whenFalse: Flat): void {
  if (whenTrue.paths.join("\n") !== whenFalse.paths.join("\n")) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `cond: the first branch gives ${listOf(whenTrue)}, the second ${listOf(whenFalse)}. Both must give the same form.`,
    );
  }
  whenTrue.tensors.forEach((a, i) => {
    const b = whenFalse.tensors[i]!;
    const path = whenTrue.paths[i]!;
    const name = path === "" ? "the result" : `the result's ${path}`;
    if (!sameShape(a.shape, b.shape)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `cond: ${name} is ${formatShape(a.shape)} in the first branch and ${formatShape(b.shape)} in the second. Both must give the same shape.`,
      );
    }
    if (a.dtype !== b.dtype) {
      throw new ErmineError(
        "ERMINE_DTYPE",
        `cond: ${name} is ${a.dtype} in the first branch and ${b.dtype} in the second. Both must give the same dtype: cast one of the two.`,
      );
    }
  });
}
