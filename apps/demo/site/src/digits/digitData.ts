/** The digits as the build packs them, and a drawing made like one of them. */
import { pixelCount, side, splitDigits, type DigitSet } from "../../../src/race/digitSet.js";

/** The digits of the packed file: those to train on, and those for test. */
export function unpackDigits(packed: Uint8Array, seed: number): { readonly training: DigitSet; readonly test: DigitSet } {
  const record = pixelCount + 1;
  const count = packed.length / record;
  const [images, labels] = [new Float32Array(count * pixelCount), new Int32Array(count)];
  for (let row = 0; row < count; row++) {
    for (let at = 0; at < pixelCount; at++) images[row * pixelCount + at] = packed[row * record + at]! / 255;
    labels[row] = packed[row * record + pixelCount]!;
  }
  return splitDigits({ images, labels }, seed);
}

/** The part of a picture that something is drawn in; undefined where it is empty. */
function bounds(grey: Float32Array, width: number): { left: number; top: number; size: number } | undefined {
  let [left, top, right, bottom] = [width, width, -1, -1];
  grey.forEach((value, i) => {
    if (value < 0.1) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  return right < 0
    ? undefined
    : { left: (left + right + 1) / 2, top: (top + bottom + 1) / 2, size: Math.max(right - left, bottom - top) + 1 };
}

/**
 * A drawing as the digits of MNIST were made: fitted into a box of 20 × 20, and laid so that its centre of mass is the picture's.
 *
 * @param grey width × width, 0 nothing, 1 ink
 * @returns 28 × 28, or undefined where nothing is drawn
 */
export function normalizeDrawing(grey: Float32Array, width: number): Float32Array | undefined {
  const box = bounds(grey, width);
  if (box === undefined) return undefined;
  const scale = box.size / 20;
  // The mean over the square that becomes a pixel, centred at (x, y) of the drawing.
  const at = (x: number, y: number): number => {
    const samples = Math.max(1, Math.ceil(scale));
    let sum = 0;
    for (let i = 0; i < samples; i++) {
      for (let j = 0; j < samples; j++) {
        const [column, row] = [
          Math.floor(x + ((i + 0.5) / samples - 0.5) * scale),
          Math.floor(y + ((j + 0.5) / samples - 0.5) * scale),
        ];
        if (column >= 0 && column < width && row >= 0 && row < width) sum += grey[row * width + column]!;
      }
    }
    return sum / (samples * samples);
  };
  const fitted = (centreX: number, centreY: number): Float32Array =>
    Float32Array.from({ length: pixelCount }, (_, i) =>
      at(centreX + ((i % side) + 0.5 - side / 2) * scale, centreY + (Math.floor(i / side) + 0.5 - side / 2) * scale),
    );
  const first = fitted(box.left, box.top);
  let [mass, x, y] = [0, 0, 0];
  first.forEach((value, i) => {
    mass += value;
    x += value * ((i % side) + 0.5 - side / 2);
    y += value * (Math.floor(i / side) + 0.5 - side / 2);
  });
  return fitted(box.left + (x / mass) * scale, box.top + (y / mass) * scale);
}
