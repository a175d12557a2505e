/** Gradients of moving elements: back where they came from. */
import { gradientOf } from "../../ops/gradient.js";
import type { reshapeOp } from "../../ops/primitives.js";
import { sumTo } from "../../ops/reduction.js";
import { type broadcastToOp, expandDims, permute, reshape, type transposeOp } from "../../ops/shape.js";
import { concat, type concatOp, type splitOp } from "../../ops/concat.js";
import { flip, type padOp, padTensor, slice, sliceAxis, type sliceOp } from "../../ops/slice.js";
import { addSizes, mulSizes, subSizes, type Size } from "../../types/dim.js";
import type { Tensor } from "../../types/tensor.js";

export const reshapeGradient = gradientOf<typeof reshapeOp>("reshape", ([g], [x]) => [reshape(g!, x!.shape)]);

export const transposeGradient = gradientOf<typeof transposeOp>("transpose", ([g], _, __, { permutation }) => [
  permute(
    g!,
    permutation.map((_, axis) => permutation.indexOf(axis)),
  ),
]);

export const broadcastToGradient = gradientOf<typeof broadcastToOp>("broadcastTo", ([g], [x]) => [sumTo(g!, x!.shape)]);

export const sliceGradient = gradientOf<typeof sliceOp>("slice", ([g], [x], _, { starts, steps, sizes }) => {
  let spread: Tensor = g!;
  const before: Size[] = [];
  const after: Size[] = [];
  steps.forEach((step, axis) => {
    const [size, start] = [sizes[axis]!, starts[axis]!];
    const reach = mulSizes(subSizes(size, 1), step);
    if (step < 0) spread = flip(spread, axis);
    if (Math.abs(step) > 1) spread = spreadOut(spread, axis, Math.abs(step));
    const empty = size === 0;
    const first = empty ? 0 : step > 0 ? start : addSizes(start, reach);
    before.push(first);
    after.push(subSizes(subSizes(x!.shape[axis]!, first), spread.shape[axis]!));
  });
  return [padTensor(spread, before, after, 0)];
});

/** Puts step − 1 zeros between each two elements of an axis. */
function spreadOut(x: Tensor, axis: number, step: number): Tensor {
  const size = x.shape[axis]!;
  if (size === 0) return x;
  const zeros = x.shape.map(() => 0);
  const separated = padTensor(
    expandDims(x, axis + 1),
    [...zeros, 0],
    [...zeros.slice(0, axis + 1), step - 1, ...zeros.slice(axis + 1)],
    0,
  );
  const merged = reshape(
    separated,
    x.shape.map((s, i) => (i === axis ? mulSizes(s, step) : s)),
  );
  return sliceAxis(merged, axis, 0, subSizes(mulSizes(size, step), step - 1));
}

export const padGradient = gradientOf<typeof padOp>("pad", ([g], [x], _, { before }) => [slice(g!, before, x!.shape)]);

export const concatGradient = gradientOf<typeof concatOp>("concat", ([g], inputs, _, { axis }, needed) => {
  let start: Size = 0;
  return inputs.map((t, i) => {
    const size = t!.shape[axis]!;
    const piece = needed[i] ? sliceAxis(g!, axis, start, size) : undefined;
    start = addSizes(start, size);
    return piece;
  });
});

/** One op, so that its gradient is the pieces' gradients side by side: that of as many slices would be as many whole tensors of zeros, added up. */
export const splitGradient = gradientOf<typeof splitOp>("split", (gradOutputs, _, __, { axis }) => [concat(gradOutputs, axis)]);
