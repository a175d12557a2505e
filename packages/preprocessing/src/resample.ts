/** Images of another size: each new pixel is the weighed mean of those that it covers, so that fine patterns do not alias. */
import type { ImagePixels } from "./imagePixels.js";

/** The old pixels that a new one is made of, along one axis. */
interface Taps {
  /** The first of them. */
  readonly from: number;
  /** Their weights, which add up to 1. */
  readonly weights: Float64Array;
}

/**
 * Of each new pixel the old ones under a triangle around its centre, which is as wide as a new pixel is apart from the next (of larger images: as an old one).
 * Of additions, multiplications and divisions alone: the same bits in every engine.
 */
function tapsOf(from: number, to: number, offset: number, length: number): Taps[] {
  const scale = length / to;
  const support = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const center = offset + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - support + 0.5));
    const end = Math.min(from, Math.floor(center + support + 0.5));
    const weights = new Float64Array(end - first);
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k] = Math.max(0, 1 - Math.abs(first + k + 0.5 - center) / support);
    for (let k = 0; k < weights.length; k++) weights[k]! /= sum;
    return { from: first, weights };
  });
}

/** The part of an image that is resized, in pixels. */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** The region of an image at another size: triangle filter with antialias, as PyTorch's `interpolate(mode="bilinear", antialias=True)`. Values are not rounded. */
export function resampled(
  { data, height: rows, width: columns, channels }: ImagePixels,
  { top, left, height: regionHeight, width: regionWidth }: Region,
  height: number,
  width: number,
): Float64Array {
  const across = tapsOf(columns, width, left, regionWidth);
  const down = tapsOf(rows, height, top, regionHeight);
  const narrow = new Float64Array(rows * width * channels);
  for (let row = down[0]!.from, end = down.at(-1)!.from + down.at(-1)!.weights.length; row < end; row++)
    for (let column = 0; column < width; column++) {
      const { from, weights } = across[column]!;
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[(row * columns + from + k) * channels + channel]!;
        narrow[(row * width + column) * channels + channel] = sum;
      }
    }
  const stride = width * channels;
  const result = new Float64Array(height * stride);
  for (let row = 0; row < height; row++) {
    const { from, weights } = down[row]!;
    for (let place = 0; place < stride; place++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * narrow[(from + k) * stride + place]!;
      result[row * stride + place] = sum;
    }
  }
  return result;
}
