/** A decoded image. */

/** A decoded image: `decodeImage` of `@ermine/data/images` or `@ermine/data/canvas` gives one, a canvas's `ImageData` is one with `channels: 4`. */
export interface ImagePixels {
  /** Bytes, row by row from the top; the channels of a pixel are next to each other. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Rows of pixels. */
  readonly height: number;
  /** Pixels in a row. */
  readonly width: number;
  /** 1 grey, 2 grey and alpha, 3 red, green and blue, 4 these and alpha. */
  readonly channels: number;
}
