/** Functions of tfjs and PyTorch whose error names ermine's own. */
import { ErmineError } from "./types/errors.js";

/**
 * Not there: the error points to `scope`.
 *
 * @deprecated A function of TensorFlow.js. @throws ErmineError always
 */
export function tidy(..._arguments: readonly unknown[]): never {
  throw new ErmineError(
    "ERMINE_USAGE",
    "There is no tidy: scope(() => { … }) frees every tensor made inside that it does not return.",
  );
}

/**
 * Not there: the error points to `scope` and to the methods that free something.
 *
 * @deprecated A function of TensorFlow.js. @throws ErmineError always
 */
export function dispose(..._arguments: readonly unknown[]): never {
  throw new ErmineError(
    "ERMINE_USAGE",
    "There is no dispose(tensors): tensors made inside scope(() => { … }) are freed when it ends; a single one has tensor.dispose().",
  );
}

/**
 * Not there: the error points to `valueAndGrad`.
 *
 * @deprecated A function of PyTorch. @throws ErmineError always
 */
export function backward(..._arguments: readonly unknown[]): never {
  throw new ErmineError(
    "ERMINE_USAGE",
    "There is no backward: const { value, grads } = valueAndGrad(() => loss, parameters) gives gradients as values.",
  );
}
