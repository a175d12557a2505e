/**
 * TensorFlow's kernels stop at some rank (PadV2 at 6; softmax, BroadcastTo and ArgMax at 5). Adjacent axes that an op treats
 * alike are folded into one before it and unfolded after it, so that an op of ermine's takes any rank.
 */
import { type Shape, type Size } from "@ermine/core";
import { mulSizes } from "@ermine/core/define";

/** Runs of adjacent axes with the same key, as [first, last + 1]. An axis without a key joins the run before it. */
export function runsOf<K>(keys: readonly (K | undefined)[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  let current: K | undefined;
  keys.forEach((key, axis) => {
    const last = runs.at(-1);
    if (last !== undefined && (key === undefined || current === undefined || key === current)) {
      last[1] = axis + 1;
      current ??= key;
    } else {
      runs.push([axis, axis + 1]);
      current = key;
    }
  });
  return runs;
}

/** The shape with each run of axes as one. */
export const foldedShape = (shape: Shape, runs: readonly (readonly [number, number])[]): Shape =>
  runs.map(([from, to]) => shape.slice(from, to).reduce<Size>(mulSizes, 1));
