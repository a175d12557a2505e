/** In a real Chromium, raw rows become the same bits as in Node: what `packages/preprocessing/test/bits.test.ts` holds there; and images the bytes that sharp decodes. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { decodeImage } from "@ermine/data/images";
import { file } from "@ermine/data/node";
import { expect, it } from "vitest";
import { findChromium, openSite } from "../src/chromium.js";

const preprocessing = fileURLToPath(new URL("../../packages/preprocessing", import.meta.url));
const images = new URL("../../packages/data/test/fixtures/images/", import.meta.url);

/** What the page gives of an image. */
interface Decoded {
  readonly data: readonly number[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly problem: string;
}

const executable = findChromium();

if (executable === undefined) {
  it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  it("200 rows of every type of column become the bits of Node", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ermine-bits-"));
    await build({
      stdin: {
        contents: 'import { rawRowBits } from "./test/rawRows.ts"; globalThis.bits = rawRowBits();',
        resolveDir: preprocessing,
      },
      bundle: true,
      format: "esm",
      outfile: join(folder, "bits.js"),
      logLevel: "error",
    });
    writeFileSync(join(folder, "page.html"), '<!doctype html><script type="module" src="bits.js"></script>');
    const site = await openSite(executable, folder);
    try {
      const page = await site.open("page.html");
      await page.waitForFunction(() => "bits" in globalThis);
      const bits = await page.evaluate(() => (globalThis as unknown as { bits: Record<string, string> }).bits);
      expect(bits).toEqual(JSON.parse(readFileSync(join(preprocessing, "golden", "bits.json"), "utf8")));
    } finally {
      await site.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("a PNG file is decoded to the bytes of sharp, and what is none is refused by name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ermine-canvas-"));
    const image = fileURLToPath(new URL("colours/1.png", images));
    copyFileSync(image, join(folder, "colours.png"));
    writeFileSync(join(folder, "text.png"), "no image");
    await build({
      stdin: {
        contents: `
          import { decodeImage } from "./src/canvas.ts";
          const at = (name) => new URL(name, location.href);
          const { data, height, width, channels } = await decodeImage(at("colours.png"));
          const problem = await decodeImage(at("text.png")).then(String, (error) => error.message);
          globalThis.decoded = { data: [...data], height, width, channels, problem };`,
        resolveDir: fileURLToPath(new URL("../../packages/data", import.meta.url)),
      },
      bundle: true,
      format: "esm",
      outfile: join(folder, "decode.js"),
      logLevel: "error",
    });
    writeFileSync(join(folder, "page.html"), '<!doctype html><script type="module" src="decode.js"></script>');
    const site = await openSite(executable, folder);
    try {
      const page = await site.open("page.html");
      await page.waitForFunction(() => "decoded" in globalThis);
      const decoded = await page.evaluate(() => (globalThis as unknown as { decoded: Decoded }).decoded);
      const { data, height, width, channels } = await decodeImage(file(image));
      expect([decoded.height, decoded.width, decoded.channels]).toEqual([height, width, 4]);
      const colours = (bytes: ArrayLike<number>, of: number): number[] => Array.from(bytes).filter((_, i) => i % of < 3);
      expect(colours(decoded.data, 4)).toEqual(colours(data, channels));
      expect(decoded.problem).toMatch(/text\.png cannot be decoded as an image/);
    } finally {
      await site.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
