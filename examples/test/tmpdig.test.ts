/** Digits from a folder of images, as docs/images.md trains them: the accuracy of every image when it was held out. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cpu } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } from "@ermine/core/nn";
import { decodeImages, imageFolder, type ImageOfFile, type LabelledImageFile } from "@ermine/data/images";
import { images } from "@ermine/preprocessing";
import { accuracy, adamw, dataset, Trainer } from "@ermine/trainer";
import sharp from "sharp";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "ermine-digits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Digits of each class. */
const count = 200;
const side = 28;

async function writeDigits(): Promise<void> {
  const shipped = join(dirname(createRequire(import.meta.url).resolve("mnist")), "digits");
  for (let digit = 0; digit < 10; digit++) {
    mkdirSync(join(folder, `digit ${digit}`));
    const { data } = JSON.parse(readFileSync(join(shipped, `${digit}.json`), "utf8")) as { readonly data: readonly number[] };
    for (let i = 0; i < count; i++) {
      const pixels = Uint8Array.from(data.slice(i * side ** 2, (i + 1) * side ** 2), (value) => Math.round(255 * value));
      const image = sharp(pixels, { raw: { width: side, height: side, channels: 1 } });
      await image.png({ compressionLevel: 1 }).toFile(join(folder, `digit ${digit}`, `${i}.png`));
    }
  }
}

/** The accuracy on held-out images of a network that was trained on the others. */
async function heldOutAccuracy(
  training: readonly ImageOfFile<LabelledImageFile>[],
  validation: readonly ImageOfFile<LabelledImageFile>[],
): Promise<number> {
  manualSeed(0);
  const features = images({ size: 14, channels: 1 }).fit(training.map(({ image }) => image));
  const toDataset = (some: readonly ImageOfFile<LabelledImageFile>[]) =>
    dataset({ inputs: features.apply(some.map(({ image }) => image)), targets: Int32Array.from(some, ({ file }) => file.label) });
  const model = new Sequential(
    new Conv2d(1, 16, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(16, 32, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Dropout(0.3),
    new Linear(32 * 3 * 3, 10),
  );
  const optimizer = adamw({ learningRate: 0.003 });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend: await cpu(), metrics: [accuracy()] });
  await trainer.fit(toDataset(training), { epochs: 12, batchSize: 32 });
  const { accuracy: share } = await trainer.evaluate(toDataset(validation));
  trainer.dispose();
  return share!;
}

it("digits from an image folder are told with an accuracy of at least 0.94, the mean of 5 folds", async () => {
  await writeDigits();
  const { classes, files, others } = await imageFolder(folder);
  expect([classes.length, files.length, others]).toEqual([10, 10 * count, []]);
  const shares: number[] = [];
  for (const fold of files.kFold(5, { seed: 0, stratify: ({ label }) => label })) {
    const [training, validation] = [await decodeImages(fold.training).toArray(), await decodeImages(fold.validation).toArray()];
    expect([training.length, validation.length]).toEqual([8 * count, 2 * count]);
    shares.push(await heldOutAccuracy(training, validation));
  }
  const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
  expect(mean, shares.join()).toBe(2);
}, 300_000);
