/** Parcel with nothing set: it reads `main`, not `exports`, and makes a page of an HTML file. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { findChromium, openSite } from "../src/chromium.js";
import { comparable, runBundle, runProgram, type Outcome } from "../src/project.js";

const project = inject("project");
const parcel = join(dirname(createRequire(import.meta.url).resolve("parcel/package.json")), "lib", "bin.js");
const executable = findChromium();

describe("Parcel", () => {
  it("builds a page without a setting, with nothing of the builder's machine", async () => {
    writeFileSync(join(project, "index.html"), '<!doctype html><title>x</title><script type="module" src="entry.mjs"></script>');
    const args = [parcel, "build", "index.html", "--dist-dir", "site-parcel", "--no-source-maps", "--no-cache"];
    const { code, output, errors } = await runProgram(process.execPath, args, { cwd: project });
    expect(code, `${output}${errors}`).toBe(0);
    const folder = join(project, "site-parcel");
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), "utf8").includes(project), file).toBe(false);
  });

  if (executable === undefined) {
    it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
  } else {
    it("trains to the bits of Node", async () => {
      const site = await openSite(executable, join(project, "site-parcel"));
      try {
        const page = await site.open("index.html");
        await page.waitForFunction(() => "outcome" in globalThis);
        const outcome = await page.evaluate(() => (globalThis as unknown as { outcome: Promise<Outcome> }).outcome);
        const expected = await runBundle(project, "import", join(project, "entry.mjs"));
        expect(outcome.cpu).toEqual(expected.cpu);
        expect(comparable(outcome)).toEqual(comparable(expected));
      } finally {
        await site.close();
      }
    });
  }
});
