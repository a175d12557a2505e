/** The digits in memory, and which of them are trained on: the same ones in the page, on the server and in the terminal. */
import { hashKey, shuffledIndices } from "@ermine/core";

export const side = 28;
export const pixelCount = side * side;
export const trainingCount = 8000;

/** Images row by row, greys from 0 to 1, and their labels. */
export interface DigitSet {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** Eight thousand to train on and the others for test, chosen by a seed. */
export function splitDigits(
  { images, labels }: DigitSet,
  seed: number,
): { readonly training: DigitSet; readonly test: DigitSet } {
  const order = shuffledIndices(labels.length, hashKey(seed, "digits"));
  const take = (rows: Int32Array): DigitSet => {
    const taken = new Float32Array(rows.length * pixelCount);
    rows.forEach((row, i) => taken.set(images.subarray(row * pixelCount, (row + 1) * pixelCount), i * pixelCount));
    return { images: taken, labels: Int32Array.from(rows, (row) => labels[row]!) };
  };
  return { training: take(order.subarray(0, trainingCount)), test: take(order.subarray(trainingCount)) };
}
