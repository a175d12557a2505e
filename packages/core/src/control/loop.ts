/** The op that one loop is, and its meaning: the body, step after step. */
import { interpretLoop } from "./interpretLoop.js";
import { context } from "../dispatch/context.js";
import { scope } from "../dispatch/scope.js";
import type { Loop, LoopOp } from "../ir/loop.js";
import { typeWith, type GradientRule } from "../ir/op.js";
import { zeros } from "../ops/creation.js";
import { sliceAxis } from "../ops/slice.js";
import { squeeze } from "../ops/shape.js";
import { stack } from "../ops/concat.js";
import type { Shape, Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { TensorType } from "../types/storage.js";
import type { Tensor } from "../types/tensor.js";
import { bindingsOf, bindKnown, checkOpenSizes, flopsOf, replay } from "./subgraph.js";

/** How many steps a compiled program of a backend without loops may have: each is written out. */
const mostWrittenOut = 512;

/** The op of a loop. */
export function loopOp(loop: Loop, gradient: GradientRule | undefined): LoopOp {
  return {
    name: "scan",
    inputs: [{ name: "values", variadic: true }],
    loop,
    infer: (types) => inferLoop(loop, types as readonly TensorType[]),
    decompose: (inputs) =>
      context.trace === undefined
        ? scope(() => unroll(loop, inputs as readonly Tensor[]))
        : writtenOut(loop, inputs as readonly Tensor[]),
    flops: () => (loop.length as number) * flopsOf(loop.body),
    ...(gradient === undefined ? {} : { gradient }),
    with(change) {
      if (change.body !== undefined && change.body.hostFeeds.length > 0) {
        throw new ErmineError(
          "ERMINE_UNSUPPORTED",
          "The body of a loop draws random numbers from counters that it computes, and this backend must be fed them. " +
            "Call withRandom outside of the loop: each step then has numbers of its own.",
        );
      }
      return loopOp({ ...loop, ...change }, undefined);
    },
    interpret: (...given) => interpretLoop(loop, ...given),
  };
}

function inferLoop(loop: Loop, types: readonly TensorType[]): TensorType[] {
  const { body, carried, sequences, length } = loop;
  const expected = body.feeds.map(({ outputs }, i): Shape => {
    const { shape } = outputs[0]!.type;
    return i >= carried && i < carried + sequences ? [length, ...shape] : shape;
  });
  const bindings = bindingsOf("scan", expected, types);
  checkOpenSizes(body, bindings);
  return body.outputs.map(({ type: { shape, dtype, domain } }, i) =>
    typeWith(bindKnown(i < carried ? shape : [length, ...shape], bindings), dtype, domain),
  );
}

/** The loop in a program of a backend that has none. @throws ErmineError ERMINE_UNSUPPORTED where it is too long */
function writtenOut(loop: Loop, inputs: readonly Tensor[]): Tensor[] {
  const { length } = loop;
  if (typeof length !== "number" || length > mostWrittenOut) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `This backend compiles a loop by writing out its steps, at most ${mostWrittenOut} of them, and this one has ${String(length)}. ` +
        'Use the cpu backend, which has loops (import { cpu } from "@ermine/backend-cpu"), or cut the sequences into pieces and hand the state on.',
    );
  }
  return unroll(loop, inputs);
}

function unroll(loop: Loop, inputs: readonly Tensor[]): Tensor[] {
  const { body, carried, sequences, reverse } = loop;
  const length = loop.length as number;
  let carry = inputs.slice(0, carried);
  const sequenceInputs = inputs.slice(carried, carried + sequences);
  const captured = inputs.slice(carried + sequences);
  const step = replay(body);
  const stacked: Tensor[][] = body.outputs.slice(carried).map(() => []);
  for (let i = 0; i < length; i++) {
    const t = reverse ? length - 1 - i : i;
    const outputs = step([...carry, ...sequenceInputs.map((x) => stepOf(x, t)), ...captured]);
    carry = outputs.slice(0, carried);
    stacked.forEach((all, k) => (all[t] = outputs[carried + k]!));
  }
  const ends = body.outputs.slice(carried).map(({ type }, k) => {
    if (length > 0) return stack(stacked[k]!, 0);
    return zeros([0, ...type.shape], { dtype: type.dtype });
  });
  return [...carry, ...ends];
}

/** The elements of one step. */
export const stepOf = (x: Tensor, t: Size): Tensor => squeeze(sliceAxis(x, 0, t, 1), 0);
