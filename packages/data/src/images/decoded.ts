/** Decoded images. */

/** A decoded image; `images({ … })` of `@ermine/preprocessing` takes it. */
export interface DecodedImage {
  /** Bytes, row by row from the top; the channels of a pixel are next to each other. */
  readonly data: Uint8Array;
  /** Rows of pixels. */
  readonly height: number;
  /** Pixels in a row. */
  readonly width: number;
  /** 1 grey, 2 grey and alpha, 3 red, green and blue, 4 these and alpha. */
  readonly channels: number;
}
