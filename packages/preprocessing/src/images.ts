/** Images as what a network takes: of one size, with antialias, and normalized by what the training part says. */
import { ErmineError } from "@ermine/core";
import { checkArguments, requireOptions, show } from "@ermine/core/define";
import type { ImagePixels } from "./imagePixels.js";
import { resampled, type Region } from "./resample.js";
import { damaged } from "./step.js";

/** The options of `images`. */
export interface ImagesOptions {
  /** [height, width] in pixels; a number: both. */
  readonly size: number | readonly [height: number, width: number];
  /** 3: red, green and blue; 1: grey. Default 3. */
  readonly channels?: 1 | 3;
  /** How images of other proportions become so large: "stretch" changes the proportions, "crop" leaves out what is too much at two sides. Default "stretch". */
  readonly fit?: "stretch" | "crop";
}

/** Fitted images as JSON. */
export interface ImagesJson {
  /** Says what it is. */
  readonly kind: "images";
  /** Rows of pixels that the model is given. */
  readonly height: number;
  /** Pixels in a row. */
  readonly width: number;
  /** 3 or 1. */
  readonly channels: number;
  /** How images of other proportions become so large. */
  readonly fit: "stretch" | "crop";
  /** Of each channel's bytes in the training part. */
  readonly mean: readonly number[];
  /** The standard deviation of each channel; 1 of one that is constant. */
  readonly deviation: readonly number[];
}

/** Images as one input of a model: `dataset({ inputs })` takes it. */
export interface ImageFeatures {
  /** Image by image, channel by channel, row by row. */
  readonly data: Float32Array;
  /** [images, channels, height, width]. */
  readonly shape: readonly [number, number, number, number];
  /** What the model gets them as. */
  readonly dtype: "float32";
}

/** Images as bytes: `dataset({ inputs })` takes them and keeps them as bytes. */
export interface ImageBytes {
  /** Image by image, channel by channel, row by row. */
  readonly data: Uint8Array;
  /** [images, channels, height, width]. */
  readonly shape: readonly [number, number, number, number];
}

/** Images that have seen the training part. `images({ … }).fit(training)` makes it. */
export class FittedImages {
  readonly #state: ImagesJson;

  /** @internal */
  constructor(state: ImagesJson) {
    this.#state = state;
  }

  /** [channels, height, width] of what the model is given of an image. */
  get shape(): readonly [number, number, number] {
    const { channels, height, width } = this.#state;
    return [channels, height, width];
  }

  /**
   * The images at the model's size as bytes, not normalized: a quarter of the memory. A model takes them that normalizes itself (`BatchNorm2d` as its first layer).
   *
   * @throws ErmineError ERMINE_DATA for what is no image
   */
  bytes(images: readonly ImagePixels[]): ImageBytes {
    if (arguments.length > 1) checkArguments("bytes", arguments, 1);
    return bytesOf(checkedList("bytes", images), this.#state);
  }

  /**
   * What the model is given of these images: (byte − mean) / deviation of each channel.
   *
   * @throws ErmineError ERMINE_DATA for what is no image
   */
  apply(images: readonly ImagePixels[]): ImageFeatures {
    if (arguments.length > 1) checkArguments("apply", arguments, 1);
    const { data: bytes, shape } = bytesOf(checkedList("apply", images), this.#state);
    const { channels, height, width, mean, deviation } = this.#state;
    const tables = mean.map((center, channel) =>
      Float32Array.from({ length: 256 }, (_, byte) => (byte - center) / deviation[channel]!),
    );
    const area = height * width;
    const data = new Float32Array(bytes.length);
    for (let plane = 0; plane < images.length * channels; plane++) {
      const table = tables[plane % channels]!;
      for (let i = plane * area; i < (plane + 1) * area; i++) data[i] = table[bytes[i]!]!;
    }
    return { data, shape, dtype: "float32" };
  }

  /**
   * The images that give these features, at the model's size.
   *
   * @throws ErmineError ERMINE_SHAPE where they have another shape
   */
  invert(features: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }): ImagePixels[] {
    const { channels, height, width, mean, deviation } = this.#state;
    const [count = 0, ...rest] = features.shape;
    const size = channels * height * width;
    if (rest.join() !== this.shape.join() || features.data.length !== count * size)
      throw new ErmineError(
        "ERMINE_SHAPE",
        `invert: the features are (N, ${this.shape.join(", ")}), got (${features.shape.join(", ")}) with ${features.data.length} values.`,
      );
    return Array.from({ length: count }, (_, image) => {
      const data = new Uint8ClampedArray(size);
      for (let channel = 0; channel < channels; channel++)
        for (let pixel = 0; pixel < height * width; pixel++)
          data[pixel * channels + channel] =
            features.data[image * size + channel * height * width + pixel]! * deviation[channel]! + mean[channel]!;
      return { data, height, width, channels };
    });
  }

  /** All that was learned, as `imagesFrom` reads it. */
  toJSON(): ImagesJson {
    return { ...this.#state };
  }
}

/** Images that are to be fitted on the training part. */
export interface UnfittedImages {
  /**
   * Learns mean and standard deviation of each channel from the training part, and from nothing else.
   *
   * @throws ErmineError ERMINE_DATA where there is none, or for what is no image
   */
  fit(training: Iterable<ImagePixels>): FittedImages;
}

/**
 * Images of any size as an input of a model, (N, channels, height, width): resized with antialias (a triangle filter, as PyTorch's
 * `interpolate(mode="bilinear", antialias=True)`), rounded to bytes, and normalized by mean and standard deviation of the training part. The same bits in every engine. Alpha is left out;
 * grey is 0.299 red + 0.587 green + 0.114 blue.
 *
 * @example
 * const white = { data: Uint8Array.of(255, 255, 255, 255), height: 2, width: 2, channels: 1 };
 * const black = { data: new Uint8Array(4), height: 2, width: 2, channels: 1 };
 * const fitted = images({ size: 1, channels: 1 }).fit([white, black]);
 * fitted.apply([white, black]).data; // => [1, -1]
 * @throws ErmineError ERMINE_OPTION for an option that does not fit
 */
export function images(options: ImagesOptions): UnfittedImages {
  if (arguments.length > 1) checkArguments("images", arguments, 1);
  requireOptions<ImagesOptions>("images", options, { size: "any", channels: "number", fit: "string" });
  const { size, channels = 3, fit = "stretch" } = options;
  const [height, width] = typeof size === "number" ? [size, size] : Array.isArray(size) && size.length === 2 ? size : [];
  if (!isSize(height) || !isSize(width))
    throw new ErmineError(
      "ERMINE_OPTION",
      `images: size is pixels, or [height, width], whole numbers from 1 to ${largestSize}, got ${show(size)}.`,
    );
  if (channels !== 1 && channels !== 3)
    throw new ErmineError("ERMINE_OPTION", `images: channels is 3 (colours) or 1 (grey), got ${show(channels)}.`);
  if (fit !== "stretch" && fit !== "crop")
    throw new ErmineError("ERMINE_OPTION", `images: fit is "stretch" or "crop", got ${show(fit)}.`);
  const form = { height, width, channels, fit };
  return {
    fit(training) {
      if (typeof training !== "object" || training === null || !(Symbol.iterator in training))
        throw new ErmineError("ERMINE_DATA", `images: fit takes a list of images, got ${show(training)}.`);
      const area = height * width;
      // How often each byte is there, of each channel: counts are exact.
      const counts = Array.from({ length: channels }, () => new Float64Array(256));
      let images = 0;
      for (const image of training) {
        const { data } = bytesOf([checkedImage("fit", image, images)], form);
        images++;
        counts.forEach((count, channel) => {
          for (const byte of data.subarray(channel * area, (channel + 1) * area)) count[byte]!++;
        });
      }
      if (images === 0) throw new ErmineError("ERMINE_DATA", "images: the training part has no image.");
      const pixels = images * area;
      const mean = counts.map((count) => count.reduce((sum, times, byte) => sum + times * byte, 0) / pixels);
      const deviation = counts.map((count, channel) => {
        const variance =
          count.reduce((sum, times, byte) => sum + times * (byte - mean[channel]!) * (byte - mean[channel]!), 0) / pixels;
        return variance === 0 ? 1 : Math.sqrt(variance);
      });
      return new FittedImages({ kind: "images", ...form, mean, deviation });
    },
  };
}

/** Largest height and width of what a model is given. */
const largestSize = 4096;
const isSize = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestSize;

/**
 * Fitted images from their JSON.
 *
 * @example
 * const fitted = images({ size: 1, channels: 1 }).fit([{ data: Uint8Array.of(7), height: 1, width: 1, channels: 1 }]);
 * imagesFrom(JSON.parse(JSON.stringify(fitted))).shape; // => [1, 1, 1]
 * @throws ErmineError ERMINE_DATA where it is none
 */
export function imagesFrom(json: unknown): FittedImages {
  if (arguments.length > 1) checkArguments("imagesFrom", arguments, 1);
  const { kind, height, width, channels, fit, mean, deviation } = (
    typeof json === "object" && json !== null ? json : {}
  ) as Partial<ImagesJson>;
  const areNumbers = (list: unknown, isOne: (value: number) => boolean): list is readonly number[] =>
    Array.isArray(list) && list.length === channels && list.every((value) => Number.isFinite(value) && isOne(value as number));
  if (kind !== "images" || !isSize(height) || !isSize(width) || (channels !== 1 && channels !== 3))
    throw damaged("it is not that of images");
  if (fit !== "stretch" && fit !== "crop") throw damaged(`images have fit: ${show(fit)}`);
  if (!areNumbers(mean, () => true) || !areNumbers(deviation, (value) => value > 0))
    throw damaged(`images have mean: ${show(mean)} and deviation: ${show(deviation)}`);
  return new FittedImages({ kind, height, width, channels, fit, mean, deviation });
}

function checkedList(where: string, list: readonly ImagePixels[]): readonly ImagePixels[] {
  if (!Array.isArray(list)) throw new ErmineError("ERMINE_DATA", `${where} takes a list of images, got ${show(list)}.`);
  return list.map((image, i) => checkedImage(where, image as ImagePixels, i));
}

/** @throws ErmineError ERMINE_DATA where it is none */
function checkedImage(where: string, image: ImagePixels, index: number): ImagePixels {
  const { data, height, width, channels } = (typeof image === "object" && image !== null ? image : {}) as Partial<ImagePixels>;
  const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (
    isBytes &&
    isCount(height) &&
    isCount(width) &&
    isCount(channels) &&
    channels! <= 4 &&
    data.length === height! * width! * channels!
  )
    return image;
  const given = isBytes
    ? `${data.length} bytes with height ${show(height)}, width ${show(width)}, channels ${show(channels)}`
    : show(image);
  throw new ErmineError(
    "ERMINE_DATA",
    `${where}: image ${index} is ${given}: an image is { data, height, width, channels }, where data has height · width · channels bytes and channels is 1 to 4.`,
  );
}

type Form = Pick<ImagesJson, "height" | "width" | "channels" | "fit">;

function bytesOf(images: readonly ImagePixels[], { height, width, channels, fit }: Form): ImageBytes {
  const area = height * width;
  const data = new Uint8Array(images.length * channels * area);
  images.forEach((image, i) => {
    const pixels = resampled(image, regionOf(image, height / width, fit), height, width);
    for (let pixel = 0; pixel < area; pixel++)
      for (let channel = 0; channel < channels; channel++)
        data[(i * channels + channel) * area + pixel] = Math.floor(
          valueOf(pixels, image.channels, pixel, channels, channel) + 0.5,
        );
  });
  return { data, shape: [images.length, channels, height, width] };
}

/** What of an image is used. @param proportion height / width of what the model is given */
function regionOf({ height, width }: ImagePixels, proportion: number, fit: Form["fit"]): Region {
  if (fit === "stretch") return { top: 0, left: 0, height, width };
  const [usedHeight, usedWidth] = height > width * proportion ? [width * proportion, width] : [height, height / proportion];
  return { top: (height - usedHeight) / 2, left: (width - usedWidth) / 2, height: usedHeight, width: usedWidth };
}

/** A channel of a pixel whose image may have other channels. */
function valueOf(pixels: Float64Array, given: number, pixel: number, channels: number, channel: number): number {
  const at = pixel * given;
  if (given < 3) return pixels[at]!;
  if (channels === 3) return pixels[at + channel]!;
  return 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
}
