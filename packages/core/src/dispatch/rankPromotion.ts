/** In a loss, (N, 1) does not meet (N) by accident: NumPy's rule would pair each element with every other, and a mean hides it. */
import { checkArgument, checkArguments } from "../types/arguments.js";
import type { Op, OptionalTensors, Tensors } from "../ir/op.js";
import { broadcastShapes, formatShape, sameSize, type Shape, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { keyOf } from "../types/views.js";
import { context, within, type LossContext } from "./context.js";

/**
 * Runs `fn`, which computes a loss of `inputs`, and refuses an op in it that compares each element with every other only because its operands'
 * ranks differ. Of equal ranks, (N, 1) against (1, N), all pairs are meant.
 *
 * @param loss what messages begin with
 * @param inputs the batch: the model's outputs, targets and what else there is of it
 * @throws ErmineError ERMINE_SHAPE that names the loss, the op, the shapes, and what to write
 * @example
 * const [p, y] = [ones([2, 1]), ones([1, 2])];
 * withoutRankPromotion("myLoss", [p, y], () => sub(p, y)); // => [[0, 0], [0, 0]]
 */
export function withoutRankPromotion<T>(loss: string, inputs: readonly Tensor[], fn: () => T): T {
  if (arguments.length > 3) checkArguments("withoutRankPromotion", arguments, 3);
  const signature = "withoutRankPromotion(loss, inputs, fn)";
  checkArgument(signature, "loss", loss, "string");
  checkArgument(signature, "inputs", inputs, "list");
  checkArgument(signature, "fn", fn, "function");
  const fromBatch = context.loss?.fromBatch ?? new WeakSet<object>();
  for (const input of inputs) checkTensor("withoutRankPromotion", input);
  for (const input of inputs) fromBatch.add(keyOf(input));
  return within("loss", { name: loss, fromBatch }, fn);
}

/** The sizes of the axes that `shape` has and `other` has not, or has as 1, aligned at the right. */
const sizesMissingIn = (other: Shape, shape: Shape): Size[] =>
  shape.filter((size, axis) => !sameSize(size, 1) && sameSize(other[axis - shape.length + other.length] ?? 1, 1));

/**
 * Do two operands of different ranks broadcast so that one size is there twice, once of each? A size that is a number may be equal by chance: then
 * both must be of the batch.
 */
function pairsElements({ fromBatch }: LossContext, a: Tensor, b: Tensor): boolean {
  if (a.rank === b.rank) return false;
  const bothFromBatch = fromBatch.has(keyOf(a)) && fromBatch.has(keyOf(b));
  const ofB = sizesMissingIn(a.shape, b.shape);
  return sizesMissingIn(b.shape, a.shape).some(
    (size) => (bothFromBatch || typeof size !== "number") && ofB.some((other) => sameSize(size, other)),
  );
}

/** The result of an op in a loss depends on the batch where one of its inputs does. */
export function noteFromBatch({ fromBatch }: LossContext, inputs: OptionalTensors, outputs: Tensors): void {
  if (!inputs.some((t) => t !== undefined && fromBatch.has(keyOf(t)))) return;
  for (const output of outputs) fromBatch.add(keyOf(output));
}

/** @throws ErmineError ERMINE_SHAPE */
export function checkRankPromotion(loss: LossContext, op: Op, inputs: OptionalTensors): void {
  if (op.broadcasts !== true) return;
  const operands = inputs.filter((t) => t !== undefined);
  operands.forEach((a, i) => {
    const b = operands.slice(i + 1).find((other) => pairsElements(loss, a, other));
    if (b === undefined) return;
    const [longer, shorter] = a.rank > b.rank ? [a, b] : [b, a];
    const sameRank = [...Array.from({ length: longer.rank - shorter.rank }, () => 1), ...shorter.shape];
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${loss.name}: ${op.name} broadcasts ${formatShape(a.shape)} and ${formatShape(b.shape)} to ` +
        `${formatShape(broadcastShapes(op.name, a.shape, b.shape))}, which compares each element with every other. Reshape the inputs to one ` +
        "shape, as in reshape(prediction, [-1]) for (N, 1) against (N); where all pairs are meant, give both the same rank: " +
        `reshape ${formatShape(shorter.shape)} to ${formatShape(sameRank)}.`,
    );
  });
}
