/** `apply` is the one door through which every operation goes. */
import { ErmineError } from "../types/errors.js";
import { isPlainObject, show } from "../types/options.js";
import { checkArguments, wrongArgument } from "../types/arguments.js";
import { dispatch } from "../dispatch/dispatch.js";
import { inputsOf, type Attributes, type Op, type OptionalTensors } from "../ir/op.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { conform } from "./conform.js";

/**
 * Runs, or traces, one op. Inputs of other dtypes than it computes in are cast before, or refused.
 *
 * @throws ErmineError ERMINE_DTYPE, and what the op's `infer` throws
 *
 * @example
 * apply(sortOp, [tensor([2, 1])], { axis: 0, descending: false }).map((t) => t.toArray()); // => [[1, 2], [1, 0]]
 */
export function apply<A extends Attributes>(definition: Op<A>, inputs: OptionalTensors, attributes: A): Tensor[] {
  if (arguments.length > 3) checkArguments("apply", arguments, 3);
  const op = definition as unknown as Op;
  if (typeof op?.infer !== "function")
    throw new ErmineError("ERMINE_USAGE", `apply takes an op, got ${show(op)}. defineOp makes one.`);
  if (!Array.isArray(inputs)) throw wrongArgument("apply(op, inputs, attributes)", "inputs", inputs, "list");
  if (!isPlainObject(attributes)) throw wrongArgument("apply(op, inputs, attributes)", "attributes", attributes, "object");
  for (const t of inputs) if (t !== undefined) checkTensor(op.name, t);
  return dispatch(op, conform(op.name, inputsOf(op, inputs.length), inputs), attributes);
}

/**
 * The op's first output: see `apply`.
 *
 * @example
 * apply1(addOp, [tensor([1, 2]), tensor([3, 4])], {}).toArray(); // => [4, 6]
 */
export function apply1<A extends Attributes>(op: Op<A>, inputs: OptionalTensors, attributes: A): Tensor {
  if (arguments.length > 3) checkArguments("apply1", arguments, 3);
  return apply(op, inputs, attributes)[0]!;
}
