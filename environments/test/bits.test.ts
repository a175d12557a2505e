/** In a real Chromium, raw rows become the same bits as in Node: what `packages/preprocessing/test/bits.test.ts` holds there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { findChromium, openSite } from "../src/chromium.js";

const preprocessing = fileURLToPath(new URL("../../packages/preprocessing", import.meta.url));
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
}
