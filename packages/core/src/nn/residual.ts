/** A branch around which its input goes too. */
import { ErmineError } from "../types/errors.js";
import { add } from "../ops/arithmetic.js";
import { formatShape, sameShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { checkModule, Module, type Layer } from "./module.js";
import { checkArguments } from "../types/arguments.js";

/**
 * y = branch(x) + x, or + shortcut(x) where the branch changes the shape. Source: He et al. 2016.
 *
 * @throws ErmineError ERMINE_SHAPE where the two differ in shape: nothing broadcasts
 * @example
 * new Residual(new Linear(4, 4)).forward(zeros([2, 4])).shape; // => [2, 4]
 */
export class Residual extends Module {
  /** The branch, whose output is added to the shortcut's. */
  readonly branch: Layer;
  /** The shortcut; undefined: the input itself. */
  readonly shortcut: Layer | undefined;

  constructor(branch: Layer, shortcut?: Layer) {
    checkArguments("Residual", arguments, 2);
    super();
    checkModule("Residual: branch", branch);
    if (shortcut !== undefined) checkModule("Residual: shortcut", shortcut);
    this.branch = branch;
    this.shortcut = shortcut;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    const around = this.shortcut === undefined ? x : this.shortcut.forward(x);
    const y = this.branch.forward(x);
    if (!sameShape(around.shape, y.shape)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `the branch gives ${formatShape(y.shape)} and what goes around it is ${formatShape(around.shape)}. Give a shortcut that changes the shape too.`,
      );
    }
    return add(y, around);
  }
}
