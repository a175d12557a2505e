/** Per-step scalars by name: values that are computed in float64 on the host and fed as one vector, so that a schedule needs no new program. */
import { checkArguments } from "@ermine/core/define";
import { reshape, slice, type Tensor } from "@ermine/core";

/** Numbers of a step. */
export type Scalars = Readonly<Record<string, number>>;

/** The same as the step's ops see them. */
export type ScalarTensors<S extends Scalars = Scalars> = { readonly [K in keyof S]: Tensor };

/**
 * The i-th element of a vector, as a scalar tensor.
 *
 * @example
 * scalarAt(tensor([3, 4]), 1).item(); // => 4
 */
export function scalarAt(vector: Tensor, i: number): Tensor {
  if (arguments.length > 2) checkArguments("scalarAt", arguments, 2);
  return reshape(slice(vector, [i], [1]), []);
}

/** The scalars of these names, which lie in the vector from `first` on. Each is read where it is asked for. */
export function scalarTensors(vector: Tensor, names: readonly string[], first = 0): ScalarTensors {
  const tensors: Record<string, Tensor> = {};
  names.forEach((name, i) => Object.defineProperty(tensors, name, { enumerable: true, get: () => scalarAt(vector, first + i) }));
  return tensors;
}
