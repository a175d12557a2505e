/** How a backend supports an op: by a kernel, or rewritten to other ops. */
import { physicalDType, type TensorType } from "../types/storage.js";
import type { Backend } from "./contract.js";
import { conforms } from "./inputs.js";
import { kernelName } from "./kernels.js";
import { inputsOf, type Attributes, type Op } from "./op.js";

/** Does `backend` have a kernel of this definition's for these inputs? It has none for dtypes that the op does not compute in. */
export function hasKernel(
  backend: Backend,
  op: Op,
  inputs: readonly (TensorType | undefined)[],
  attributes: Attributes,
): boolean {
  const name = kernelName(op);
  if (name === undefined) return false;
  const dtypes = backend.capabilities.ops.get(name);
  if (dtypes === undefined) return false;
  const first = inputs.find((t) => t !== undefined);
  if (first !== undefined && !dtypes.includes(physicalDType(backend, first.dtype))) return false;
  if (!conforms(inputsOf(op, inputs.length), inputs)) return false;
  return backend.supports?.(name, inputs, attributes) ?? true;
}

/** Must this op be rewritten for a backend that lacks one of its dtypes? */
export function needsLowering(backend: Backend, op: Op, types: readonly (TensorType | undefined)[]): boolean {
  return op.lowered !== undefined && types.some((t) => t !== undefined && !backend.capabilities.dtypes.includes(t.dtype));
}
