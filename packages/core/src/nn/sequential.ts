/** Modules one after the other. */
import type { Tensor } from "../types/tensor.js";
import { checkModule, Module, type Layer } from "./module.js";

/**
 * Applies its modules in order; they are named "0", "1", … as in PyTorch.
 *
 * @example
 * new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 3)).forward(zeros([2, 4])).shape; // => [2, 3]
 */
export class Sequential extends Module {
  /** Its modules; their names are their places. */
  readonly [index: number]: Layer;
  /** How many modules it has. */
  readonly length: number = 0;

  constructor(...modules: readonly Layer[]) {
    super();
    modules.forEach((module, i) => checkModule(`Sequential: argument ${i}`, module));
    Object.assign(this, modules);
    Object.defineProperty(this, "length", { value: modules.length, enumerable: false });
  }

  /** Its modules, in order. */
  *[Symbol.iterator](): Iterator<Layer> {
    for (let i = 0; i < this.length; i++) yield this[i]!;
  }

  forward(x: Tensor): Tensor {
    let result = x;
    for (const module of this) result = module.forward(result);
    return result;
  }
}
