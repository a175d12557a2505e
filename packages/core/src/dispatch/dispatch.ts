/** Runs or traces an op: into the running trace, or to the backend's kernel, or into its decomposition; and onto the tapes. */
import { kernelName } from "../ir/kernels.js";
import type { Attributes, Op, OptionalTensors } from "../ir/op.js";
import { subgraphsOf } from "../ir/subgraphs.js";
import { hasKernel, needsLowering } from "../ir/support.js";
import { checkElementCount, concrete } from "../types/dim.js";
import { bytesPerElement } from "../types/dtype.js";
import { ErmineError } from "../types/errors.js";
import { physicalDType, type Storage, type TensorType } from "../types/storage.js";
import { storageOn, typeOf, wrapStorage, type Tensor } from "../types/tensor.js";
import type { Backend } from "../ir/contract.js";
import { keyOf, retype, sameElements } from "../types/views.js";
import { context } from "./context.js";
import { backendOf } from "./currentBackend.js";
import { checkRankPromotion, noteFromBatch } from "./rankPromotion.js";
import { adopt } from "./scope.js";
import { pauseTapes, recordOnTapes, watchingTape } from "./tapes.js";

/**
 * Runs, or traces, one op over inputs of the dtypes that it computes in.
 *
 * @throws ErmineError what the op's `infer` throws
 */
export function dispatch(op: Op, inputs: OptionalTensors, attributes: Attributes): Tensor[] {
  const { loss } = context;
  if (loss === undefined) return runOrTrace(op, inputs, attributes);
  checkRankPromotion(loss, op, inputs);
  const outputs = runOrTrace(op, inputs, attributes);
  noteFromBatch(loss, inputs, outputs);
  return outputs;
}

function runOrTrace(op: Op, inputs: OptionalTensors, attributes: Attributes): Tensor[] {
  const types = op.infer(
    inputs.map((t) => t && typeOf(t)),
    attributes,
  );
  for (const { shape } of types) checkElementCount(op.name, shape);
  const tape = watchingTape(op, inputs);
  if (tape !== undefined && op.decompose !== undefined && tape.rules.ruleOf(op) === undefined) {
    return retype(op.decompose(inputs, attributes), types);
  }
  const { trace } = context;
  const outputs = trace !== undefined ? trace.record(op, inputs, attributes, types) : observed(op, inputs, attributes, types);
  if (tape === undefined) return outputs;
  const recorded = distinctFrom(inputs, outputs);
  recordOnTapes(op, inputs, recorded, attributes);
  return recorded;
}

/** The op's first output. */
export const dispatch1 = <A extends Attributes>(op: Op<A>, inputs: OptionalTensors, attributes: A): Tensor =>
  dispatch(op as unknown as Op, inputs, attributes)[0]!;

/** The outputs, each a tensor of its own to tapes: a decomposition may give back what it was given (a piece that is the whole), or one tensor twice. */
function distinctFrom(inputs: OptionalTensors, outputs: Tensor[]): Tensor[] {
  const isTaken = (t: Tensor, i: number): boolean =>
    inputs.some((input) => input !== undefined && keyOf(input) === keyOf(t)) ||
    outputs.some((other, k) => k < i && keyOf(other) === keyOf(t));
  return outputs.some(isTaken) ? outputs.map((t, i) => (isTaken(t, i) ? sameElements(t) : t)) : outputs;
}

function observed(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[] {
  // Observers are told of the ops in a loop, step after step, and of those in the branch that is taken.
  if (context.observer === undefined || subgraphsOf(op).length > 0) return execute(op, inputs, attributes, types);
  context.depth++;
  let outputs: Tensor[];
  try {
    outputs = execute(op, inputs, attributes, types);
  } finally {
    context.depth--;
  }
  if (context.depth === 0) context.observer(op, outputs, context.path, inputs, attributes);
  return outputs;
}

function execute(op: Op, inputs: OptionalTensors, attributes: Attributes, types: readonly TensorType[]): Tensor[] {
  const backend = backendOf(inputs);
  const inputTypes = inputs.map((t) => t && typeOf(t));
  if (needsLowering(backend, op, [...inputTypes, ...types])) {
    return retype(
      pauseTapes(() => op.lowered!(inputs, attributes)),
      types,
    );
  }
  const kernel = hasKernel(backend, op, inputTypes, attributes) ? backend.kernels[kernelName(op)!] : undefined;
  if (kernel === undefined) {
    if (op.decompose !== undefined)
      return retype(
        pauseTapes(() => op.decompose!(inputs, attributes)),
        types,
      );
    if (op.host !== undefined) {
      const elements = op.host(
        inputs.map((t) => t!.dataSync()),
        attributes,
      );
      return [adoptStorage(types[0]!, backend, backend.upload(elements, concrete(types[0]!.shape), "float32"))];
    }
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `The backend "${backend.name}" has no kernel for ${op.name} on ${inputTypes[0]?.dtype ?? "these inputs"}, and the op is a primitive.`,
    );
  }
  const operands = inputs.map((t) =>
    t === undefined
      ? undefined
      : { storage: storageOn(t, backend, op.name), shape: concrete(t.shape, op.name), dtype: physicalDType(backend, t.dtype) },
  );
  const outputTypes = types.map((t) => ({ shape: concrete(t.shape, op.name), dtype: physicalDType(backend, t.dtype) }));
  const storages = kernel(operands, attributes, outputTypes);
  return types.map((type, i) => adoptStorage(type, backend, storages[i]!));
}

function adoptStorage(type: TensorType, backend: Backend, storage: Storage): Tensor {
  const bytes = (concrete(type.shape) as number[]).reduce((a, b) => a * b, 1) * bytesPerElement[type.dtype];
  return adopt(wrapStorage(type, backend, storage), bytes);
}
