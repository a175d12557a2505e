/** Images with channels last, as TensorFlow's kernels want them: one spatial axis is two, the first of size 1. The reordering is the emitter's affair. */
import type { Shape } from "@ermine/core";
import type { TensorType } from "@ermine/core/backend";
import { reshape } from "./calls.js";
import type { Emitter, Operand } from "./emitter.js";

const channelsLast = [0, 2, 3, 1];
const channelsFirst = [0, 3, 1, 2];

/** One spatial axis is two, the first of size 1. */
export const withHeight = (e: Emitter, x: Operand): Operand =>
  x.shape.length === 3 ? reshape(e, x, [x.shape[0]!, x.shape[1]!, 1, x.shape[2]!]) : x;

export const pair = (values: readonly number[], missing: number): readonly number[] =>
  values.length === 1 ? [missing, ...values] : values;

/** x [N, C, L] or [N, C, H, W] as [N, H, W, C]. */
export const imageOf = (e: Emitter, x: Operand): Operand => e.transpose(withHeight(e, x), channelsLast);

/** The reverse of `imageOf`, of a result of that shape. */
export const fromImage = (e: Emitter, image: Operand, shape: Shape): Operand =>
  reshape(e, e.transpose(image, channelsFirst), shape);

/** The shape of the image of a tensor of that shape. */
export const imageShape = (shape: Shape): Shape => [shape[0]!, ...pair(shape.slice(2) as readonly number[], 1), shape[1]!];

/** [N, C, L] or [N, C, H, W], with something in it: TensorFlow refuses an empty image. */
export const isFlat = (x: TensorType | undefined): boolean =>
  (x!.shape.length === 3 || x!.shape.length === 4) && x!.shape.every((size) => size !== 0);
