/** The page of the experiments in a real Chromium: all run to their end, with the figures that Node has. */
import { fileURLToPath } from "node:url";
import { cpu } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { experiments } from "../../src/experiments/index.js";
import { shownValue } from "../../src/experiments/shownValue.js";
import { startSite, type RunningSite } from "../../src/web/web.js";
import { findChromium, launch, openPage, seriousFindings } from "./browser.js";

const executable = findChromium();

if (executable === undefined) {
  it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  describe("the page of the experiments", () => {
    let site: RunningSite;
    let browser: Browser;
    beforeAll(async () => {
      site = await startSite(0, fileURLToPath(new URL("../../dist/pages/", import.meta.url)));
      browser = await launch(executable);
    });
    afterAll(async () => {
      await browser.close();
      await site.close();
    });

    it("runs all of them; each holds, with the figures of Node", async () => {
      const { page, complaints, strangers } = await openPage(browser, `${site.address}experiments.html#seed=2`);
      await expect.poll(() => page.getByRole("status").textContent(), { timeout: 60_000 }).toBe("16 of 16 hold");
      const backend = await cpu({ numerics: "portable", threads: 1 });
      useBackend(backend);
      for (const name of ["linear-collapse", "dead-relus", "decay-and-l2", "empirical-risk"]) {
        const { figures } = await experiments.find((each) => each.name === name)!.run(2);
        const shown = await page.locator(`[data-experiment="${name}"] td`).allTextContents();
        expect(shown, name).toEqual(figures.map(({ value }) => shownValue(value)));
      }
      backend.dispose();
      expect([...complaints, ...strangers]).toEqual([]);
    });

    it.each(["light", "dark"] as const)("has nothing serious for axe-core in %s", async (colorScheme) => {
      const viewport = colorScheme === "light" ? { width: 1280, height: 900 } : { width: 390, height: 844 };
      const { page } = await openPage(browser, `${site.address}experiments.html`, { colorScheme, viewport });
      await page.locator('[data-experiment="linear-collapse"] td').first().waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    });
  });
}
