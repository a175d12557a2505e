/** Digits of the page: unpacked as they were packed, and a drawing laid as MNIST lays it, wherever and however large it is drawn. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { normalizeDrawing, unpackDigits } from "../../site/src/digits/digitData.js";
import { side, type DigitSet } from "../../src/race/digitSet.js";

let digits: { training: DigitSet; test: DigitSet };
beforeAll(() => {
  const packed = gunzipSync(readFileSync(new URL("../../site/src/digits/generated/digits.bin", import.meta.url)));
  digits = unpackDigits(packed, 0);
});

/** A digit drawn in a larger picture, each pixel `scale` wide, its corner somewhere. */
function drawn(image: Float32Array, width: number, scale: number, left: number, top: number): Float32Array {
  const grey = new Float32Array(width * width);
  for (let y = 0; y < side * scale; y++) {
    for (let x = 0; x < side * scale; x++) {
      const [column, row] = [x + left, y + top];
      if (column < 0 || row < 0 || column >= width || row >= width) continue;
      grey[row * width + column] = image[Math.floor(y / scale) * side + Math.floor(x / scale)]!;
    }
  }
  return grey;
}

const likeness = (one: Float32Array, other: Float32Array): number => {
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
};

describe("digits", () => {
  it("are 8,000 and about 2,000, with their labels and greys from 0 to 1", () => {
    expect(digits.training.labels).toHaveLength(8000);
    expect(digits.test.labels.length).toBeGreaterThan(1900);
    for (const { images, labels } of [digits.training, digits.test]) {
      expect(images).toHaveLength(labels.length * side * side);
      expect(new Set(labels)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
      expect(images.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
  });
});

describe("a drawing", () => {
  it("is laid as the digit was, at any place and size", () => {
    const pixels = side * side;
    const [toDigit, toEachOther]: [number[], number[]] = [[], []];
    for (let i = 0; i < 40; i++) {
      const results: Float32Array[] = [];
      const image = digits.test.images.slice(i * pixels, (i + 1) * pixels);
      for (const [scale, left, top] of [
        [5, 0, 0],
        [3, 50, 10],
        [2, 3, 80],
      ] as const) {
        results.push(normalizeDrawing(drawn(image, 140, scale, left, top), 140)!);
      }
      toDigit.push(...results.map((result) => likeness(image, result)));
      toEachOther.push(...results.slice(1).map((result) => likeness(results[0]!, result)));
    }
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    // MNIST centres whole pixels, so that a digit of its own is moved by half of one.
    expect(mean(toDigit)).toBeGreaterThan(0.84);
    expect(mean(toEachOther)).toBeGreaterThan(0.97);
  });

  it("of nothing is nothing, and of a point is one in the middle", () => {
    expect(normalizeDrawing(new Float32Array(140 * 140), 140)).toBeUndefined();
    const point = new Float32Array(140 * 140);
    point[140 * 7 + 3] = 1;
    const result = normalizeDrawing(point, 140)!;
    expect(result[14 * side + 14]).toBe(1);
    expect(result[0]).toBe(0);
  });
});
