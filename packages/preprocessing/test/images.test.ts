import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { images, imagesFrom, type ImagePixels, type ImagesOptions } from "../src/index.js";
import { refusal } from "./refusal.js";

interface Case {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly data: readonly number[];
  readonly size: readonly [number, number];
  readonly expected: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL("../golden/images.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

const imageOf = (data: readonly number[], height: number, width: number, channels: number): ImagePixels => ({
  data: Uint8Array.from(data),
  height,
  width,
  channels,
});

describe("images at another size", () => {
  it.each(cases)(
    "are PyTorch's, antialiased: $height × $width × $channels to $size",
    ({ data, height, width, channels, size, expected }) => {
      const image = imageOf(data, height, width, channels);
      const { data: bytes, shape } = images({ size, channels }).fit([image]).bytes([image]);
      expect(shape).toEqual([1, channels, ...size]);
      bytes.forEach((byte, i) => expect(Math.abs(byte - expected[i]!)).toBeLessThanOrEqual(0.500001));
    },
  );

  it("are as they were where the size is theirs", () => {
    const image = imageOf([...Array(60).keys()], 4, 5, 3);
    const fitted = images({ size: [4, 5] }).fit([image]);
    expect(fitted.invert(fitted.apply([image]))[0]).toEqual({ ...image, data: Uint8ClampedArray.from(image.data) });
    expect(fitted.bytes([image]).data.subarray(0, 3)).toEqual(Uint8Array.of(0, 3, 6));
  });

  it("are stretched, or cut at both sides", () => {
    const wide = imageOf([9, 9, 1, 2, 9, 9, 9, 9, 3, 4, 9, 9], 2, 6, 1);
    const of = (fit: ImagesOptions["fit"]): Uint8Array =>
      images({ size: 2, channels: 1, fit: fit! }).fit([wide]).bytes([wide]).data;
    expect(of("crop")).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(of("stretch")).not.toEqual(of("crop"));
    const tall = imageOf([9, 9, 1, 2, 3, 4, 9, 9], 4, 2, 1);
    expect(images({ size: 2, channels: 1, fit: "crop" }).fit([tall]).bytes([tall]).data).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it("have the channels that the model takes, whatever theirs are", () => {
    const one = (data: readonly number[]): ImagePixels => imageOf(data, 1, 1, data.length);
    const bytes = (channels: 1 | 3, ...data: readonly number[]): number[] =>
      Array.from(
        images({ size: 1, channels })
          .fit([one(data)])
          .bytes([one(data)]).data,
      );
    expect(bytes(3, 7)).toEqual([7, 7, 7]);
    expect(bytes(3, 7, 128)).toEqual([7, 7, 7]);
    expect(bytes(3, 1, 2, 3, 128)).toEqual([1, 2, 3]);
    expect(bytes(1, 255, 0, 0)).toEqual([76]);
    expect(bytes(1, 10, 20, 30, 0)).toEqual([18]);
  });
});

describe("normalization", () => {
  it("is by mean and standard deviation of the training part alone, of each channel", () => {
    const training = [imageOf([0, 10, 5, 100, 10, 5], 1, 2, 3), imageOf([0, 20, 5, 100, 20, 5], 1, 2, 3)];
    const fitted = images({ size: [1, 2] }).fit(training);
    expect(fitted.toJSON()).toMatchObject({ mean: [50, 15, 5], deviation: [50, 5, 1] });
    const other = imageOf([200, 15, 8, 50, 15, 8], 1, 2, 3);
    expect(fitted.apply([other])).toEqual({ data: Float32Array.of(3, 0, 0, 0, 3, 3), shape: [1, 3, 1, 2], dtype: "float32" });
  });

  it("goes where the model goes, as JSON", () => {
    const fitted = images({ size: [2, 3], channels: 1, fit: "crop" }).fit([imageOf([...Array(24).keys()], 4, 6, 1)]);
    const restored = imagesFrom(JSON.parse(JSON.stringify(fitted)));
    const image = imageOf([...Array(90).keys()], 5, 6, 3);
    expect(restored.apply([image])).toEqual(fitted.apply([image]));
    expect(restored.apply([]).shape).toEqual([0, 1, 2, 3]);
  });

  it("is of a constant channel a shift", () => {
    const grey = imageOf([7, 7, 7, 7], 2, 2, 1);
    const fitted = images({ size: 2, channels: 1 }).fit([grey]);
    expect(fitted.apply([imageOf([7, 8, 7, 7], 2, 2, 1)]).data).toEqual(Float32Array.of(0, 1, 0, 0));
  });
});

describe("what does not fit is refused", () => {
  const image = imageOf([1, 2, 3, 4], 2, 2, 1);
  const fitted = images({ size: 2, channels: 1 }).fit([image]);
  const json = fitted.toJSON();
  it.each<[string, () => unknown, RegExp]>([
    ["no size", () => images({} as never), /size/],
    ["half a pixel", () => images({ size: 2.5 }), /size is pixels.*got 2.5/],
    ["a size of three", () => images({ size: [1, 2, 3] as never }), /size is pixels.*got \[1, 2, 3\]/],
    ["a size of nothing", () => images({ size: [0, 2] }), /from 1 to 4096/],
    ["two channels", () => images({ size: 2, channels: 2 as never }), /channels is 3 \(colours\) or 1 \(grey\), got 2/],
    ["another fit", () => images({ size: 2, fit: "pad" as never }), /fit is "stretch" or "crop", got "pad"/],
    ["an option that there is not", () => images({ size: 2, mean: 1 } as never), /no option "mean"/],
    ["no images", () => images({ size: 2 }).fit([]), /has no image/],
    ["what is no list", () => images({ size: 2 }).fit(3 as never), /takes a list of images, got 3/],
    ["one image for a list", () => fitted.apply(image as never), /takes a list of images/],
    ["a path", () => fitted.apply(["a.png"] as never), /image 0 is "a.png": an image is { data/],
    [
      "too few bytes",
      () => fitted.apply([image, { ...image, width: 3 }]),
      /image 1 is 4 bytes with height 2, width 3, channels 1/,
    ],
    ["floats", () => fitted.bytes([{ ...image, data: new Float32Array(4) as never }]), /image 0 is/],
    ["features of another shape", () => fitted.invert({ data: [1, 2], shape: [1, 1, 1, 2] }), /features are \(N, 1, 2, 2\)/],
    ["JSON of something else", () => imagesFrom({ kind: "table" }), /not that of images/],
    ["JSON without means", () => imagesFrom({ ...json, mean: [] }), /have mean: \[\]/],
    ["JSON with a deviation of 0", () => imagesFrom({ ...json, deviation: [0] }), /deviation: \[0\]/],
    ["JSON of another fit", () => imagesFrom({ ...json, fit: "pad" }), /fit: "pad"/],
  ])("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});
