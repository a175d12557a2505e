/** Folders of images: which files are in them, what comes of them, and what does not. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { decodeImage, decodeImages, imageFiles, imageFolder, type BadImage, type FileSource } from "../src/images.js";
import { sequence, stream } from "../src/index.js";
import { file } from "../src/node.js";
import { batchesOf } from "./batches.js";
import { refusal } from "./refusal.js";

const root = mkdtempSync(join(tmpdir(), "ermine-images-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array | string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

type Pixels = readonly number[];
const png = (data: Pixels, width: number, channels: 1 | 2 | 3 | 4): Promise<Buffer> =>
  sharp(Uint8Array.from(data), { raw: { width, height: data.length / width / channels, channels } })
    .png()
    .toBuffer();
const grey = (value: number): Promise<Buffer> => png([value, value, value, value], 2, 1);

/** Ten images of two classes whose bytes say which they are. */
async function tenImages(): Promise<string> {
  for (let i = 0; i < 10; i++) written(`ten/${i % 2 === 0 ? "even" : "odd"}/${i}.png`, await grey(10 * i));
  return join(root, "ten");
}

describe("a decoded image", () => {
  it("has the bytes of the file, row by row from the top", async () => {
    const colours = Array.from({ length: 18 }, (_, i) => (37 * i) % 256);
    const bytes = await png(colours, 3, 3);
    expect(await decodeImage(bytes)).toEqual({ data: Uint8Array.from(colours), height: 2, width: 3, channels: 3 });
    for (const source of [file(written("colours.png", bytes)), new Blob([Uint8Array.from(bytes)]), Uint8Array.from(bytes)])
      expect((await decodeImage(source)).data).toEqual(Uint8Array.from(colours));
  });

  it("has the grey of a grey file in each of its channels, and its alpha", async () => {
    const { data, channels } = await decodeImage(await grey(77));
    expect([...data]).toEqual(Array(4 * channels).fill(77));
    const clear = await decodeImage(await png([1, 2, 3, 4, 5, 6, 7, 8], 2, 4));
    expect(clear).toEqual({ data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), height: 1, width: 2, channels: 4 });
  });

  it("has 8 bits of 16", async () => {
    const deep = sharp(Uint16Array.of(0, 25_700, 65_535), { raw: { width: 3, height: 1, channels: 1 } });
    const { data, channels } = await decodeImage(await deep.toColourspace("grey16").png().toBuffer());
    expect([0, 1, 2].map((pixel) => data[pixel * channels])).toEqual([0, 100, 255]);
  });

  it("stands upright, as its EXIF orientation says", async () => {
    // 6: what is its top is at the right.
    const turned = await sharp(await png([1, 1, 1, 2, 2, 2], 2, 3))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    expect(await decodeImage(turned)).toEqual({ data: Uint8Array.of(1, 1, 1, 2, 2, 2), height: 2, width: 1, channels: 3 });
  });

  it.each(["jpeg", "webp", "tiff", "gif", "avif"] as const)("comes of a %s too", async (format) => {
    const { data, height, width } = await decodeImage(
      await sharp(await grey(120))
        .toFormat(format)
        .toBuffer(),
    );
    expect([height, width]).toEqual([2, 2]);
    expect(Math.abs(data[0]! - 120)).toBeLessThanOrEqual(4);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a text", () => decodeImage(file(written("text.png", "hello"))), /text\.png cannot be decoded as an image: Input buffer/],
    ["nothing", () => decodeImage(new Uint8Array(0)), /the bytes cannot be decoded as an image: Input .* is empty\.$/],
    [
      "half a file",
      async () =>
        decodeImage(
          (
            await png(
              Array(3000)
                .fill(9)
                .map((x, i) => (x * i) % 256),
              100,
              3,
            )
          ).subarray(0, 400),
        ),
      /cannot be decoded/,
    ],
    ["a path", () => decodeImage("a.png" as never), /decodeImage reads a file, got "a.png".*file\(path\)/],
    ["a file that is not there", () => decodeImage(file(join(root, "none.png"))), /none\.png cannot be read/],
  ])("is not made of %s", async (_, act, message) => {
    const error = await refusal(act);
    expect([error.code, error.message]).toEqual(["ERMINE_DATA", expect.stringMatching(message)]);
  });
});

describe("a folder of images", () => {
  it("has a class for each folder in it, and says what else is there", async () => {
    const one = await grey(1);
    for (const name of [
      "a b/2.PNG",
      "a b/10.png",
      "a b/deep/er.jpeg",
      "Z/1.webp",
      "Z/.hidden.png",
      ".git/x.png",
      "loose.png",
      "Z/notes.txt",
    ])
      written(`mixed/${name}`, one);
    mkdirSync(join(root, "mixed", "empty"), { recursive: true });
    symlinkSync(join(root, "mixed"), join(root, "mixed", "Z", "around"));
    for (const path of [join(root, "mixed"), pathToFileURL(join(root, "mixed"))]) {
      const { classes, files, others } = await imageFolder(path);
      expect(classes).toEqual(["Z", "a b"]);
      expect((await files.toArray()).map(({ name, label }) => [name, label])).toEqual([
        ["Z/1.webp", 0],
        ["a b/10.png", 1],
        ["a b/2.PNG", 1],
        ["a b/deep/er.jpeg", 1],
      ]);
      expect(others).toEqual(["Z/notes.txt", "loose.png"]);
    }
    expect((await (await imageFiles(join(root, "mixed"))).toArray()).map(({ name }) => name)).toContain("loose.png");
  });

  it("is split by its classes, and decoded in the order of each epoch", async () => {
    const { classes, files } = await imageFolder(await tenImages());
    expect(classes).toEqual(["even", "odd"]);
    const { training, test } = files.split({ training: 0.8, test: 0.2 }, { seed: 3, stratify: ({ label }) => label });
    expect([training.length, new Set((await test.toArray()).map(({ label }) => label)).size]).toEqual([8, 2]);
    const values = async (seed: number | undefined, epoch: number, concurrency: number): Promise<number[]> =>
      (await decodeImages(training, { concurrency }).toArray({ epoch, seed })).map(({ image, file: { label, name } }) => {
        expect(name).toBe(`${classes[label]}/${image.data[0]! / 10}.png`);
        return image.data[0]!;
      });
    const plain = await values(undefined, 0, 1);
    expect(await values(undefined, 0, 5)).toEqual(plain);
    const first = await values(1, 0, 3);
    expect(first).not.toEqual(plain);
    expect(await values(1, 0, 1)).toEqual(first);
    expect(await values(1, 1, 1)).not.toEqual(first);
    expect(first.toSorted()).toEqual(plain.toSorted());
  });

  it("goes on in the middle of an epoch where it was", async () => {
    const { files } = await imageFolder(await tenImages());
    const decoded = decodeImages(files, { concurrency: 2 });
    expect([decoded.length, decoded.resume]).toEqual([10, "seek"]);
    // Noise of its own for each image and epoch, as augmentation adds.
    const source = decoded.map(({ image }, context) => ({ inputs: [image.data[0]! + context.random()] })).source();
    const all = await batchesOf(source, { batchSize: 3, seed: 5 });
    const from = all[1]!.cursor;
    expect(await batchesOf(source, { batchSize: 3, seed: 5, from })).toEqual(all.slice(2));
    expect(await batchesOf(source, { batchSize: 3, seed: 5, epoch: 1 })).not.toEqual(all);
  });

  it("has images that cannot be decoded: an error, or left out and counted", async () => {
    const folder = await tenImages();
    written("ten/odd/3.png", "no image");
    const { files } = await imageFolder(folder);
    expect((await refusal(() => decodeImages(files).toArray())).message).toMatch(/odd\/3\.png cannot be decoded/);
    const bad: BadImage<FileSource>[] = [];
    const decoded = decodeImages(files, { badImages: (image) => void bad.push(image) });
    expect([decoded.length, decoded.resume]).toEqual([undefined, "replay"]);
    expect((await decoded.toArray()).length).toBe(9);
    expect(bad.map(({ problem }) => problem)).toEqual([expect.stringMatching(/^odd\/3\.png cannot be decoded/)]);
    const source = decodeImages(files, { badImages: "skip" })
      .map(({ image }) => ({ inputs: [image.data[0]!] }))
      .source();
    const all = await batchesOf(source, { batchSize: 4 });
    expect(await batchesOf(source, { batchSize: 4, from: all[0]!.cursor })).toEqual(all.slice(1));
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no folder", () => imageFolder(join(root, "nowhere")), /nowhere cannot be read as a folder: ENOENT/],
    ["a file", () => imageFolder(written("file.png", "")), /file\.png cannot be read as a folder: ENOTDIR/],
    [
      "a folder without classes",
      () => imageFolder((written("flat/1.png", ""), join(root, "flat"))),
      /has no folder with images: each class has/,
    ],
    [
      "a folder without images",
      () => imageFiles((written("texts/a.txt", ""), join(root, "texts"))),
      /has no image\. Files are images by/,
    ],
    ["a number", () => imageFolder(3 as never), /imageFolder takes the path of a folder, got 3/],
    ["an address", () => imageFiles(new URL("https://example.com/")), /takes the path of a folder/],
    [
      "a list of files",
      () => decodeImages([file("a.png")] as never),
      /takes a sequence or stream of files.*Write decodeImages\(sequence\(/,
    ],
    ["no concurrency", () => decodeImages(sequence([]), { concurrency: 0 }), /concurrency is a whole number ≥ 1/],
    [
      "another policy",
      () => decodeImages(sequence([]), { badImages: "drop" as never }),
      /badImages is "error", "skip" or a function/,
    ],
    [
      "an option that there is not",
      () =>
        decodeImages(
          stream(() => []),
          { size: 3 } as never,
        ),
      /no option "size"/,
    ],
  ])("is not made of %s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});

describe("without sharp", () => {
  afterEach(() => vi.doUnmock("sharp"));
  it("the error says what to install", async () => {
    vi.resetModules();
    vi.doMock("sharp", () => Promise.reject(new Error("Cannot find package 'sharp'")));
    const { decodeImage: decode } = await import("../src/images.js");
    const error = (await decode(new Uint8Array(1)).then(
      () => undefined,
      (reason: unknown) => reason,
    )) as { readonly code: string; readonly message: string };
    expect(error.code).toBe("ERMINE_UNSUPPORTED");
    expect(error.message).toMatch(/decoded by the package sharp, which cannot be loaded.*npm install sharp/);
  });
});
