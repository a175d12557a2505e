/** All partial derivatives of a function from a tensor to a tensor. */
import { checkArguments, checkFunction } from "../types/arguments.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { full, hostTensor } from "../ops/creation.js";
import { apply1 } from "../ops/apply.js";
import { padOp } from "../ops/slice.js";
import { reshape } from "../ops/shape.js";
import { stack } from "../ops/concat.js";
import { currentTrace } from "../dispatch/trace.js";
import { concrete, formatShape } from "../types/dim.js";
import { scope } from "../dispatch/scope.js";
import { Tensor } from "../types/tensor.js";
import { pullBack, record } from "./gradients.js";

/**
 * J[i…, j…] = ∂ fn(x)[i…] / ∂ x[j…], of shape [...fn(x).shape, ...x.shape]. fn runs once and is walked back once for each of its
 * outputs.
 *
 * @example jacobian((x) => mul(x, x), tensor([1, 2])); // => [[2, 0], [0, 4]]
 * @throws ErmineError ERMINE_SHAPE where the shape of the result is symbolic
 */
export function jacobian(fn: (x: Tensor) => Tensor, x: Tensor): Tensor<"real"> {
  checkFunction("jacobian", fn, "jacobian((x) => f(x), x)");
  if (arguments.length > 2) checkArguments("jacobian", arguments, 2);
  const body = (): Tensor<"real"> => {
    const recording = record(() => fn(x), x);
    const output = recording.value;
    checkCopy("jacobian", output);
    if (!(output instanceof Tensor) || output.dtype !== "float32") {
      throw new ErmineError(
        "ERMINE_DTYPE",
        `jacobian needs a function that returns a float32 tensor, got ${output instanceof Tensor ? `${output.dtype}${formatShape(output.shape)}` : typeof output}.`,
      );
    }
    const shape = concrete(output.shape, "jacobian");
    const rows = Array.from({ length: output.size }, (_, i) => pullBack(recording, output, unit(shape, output.size, i)).get(x)!);
    return rows.length === 0 ? full([...shape, ...x.shape], 0) : reshape(stack(rows), [...shape, ...x.shape]);
  };
  return currentTrace() === undefined ? scope(body) : body();
}

/** 1 at `position`, 0 elsewhere. */
function unit(shape: readonly number[], size: number, position: number): Tensor {
  if (currentTrace() !== undefined) {
    return reshape(apply1(padOp, [full([1], 1)], { before: [position], after: [size - 1 - position], value: 0 }), shape);
  }
  const data = new Float32Array(size);
  data[position] = 1;
  return hostTensor(data, shape, "float32");
}
