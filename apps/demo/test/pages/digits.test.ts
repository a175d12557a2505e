/** The digits in a real Chromium: trained, reported, drawn and read. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSite, type RunningSite } from "../../src/web/web.js";
import { findChromium, launch, openPage, seriousFindings } from "./browser.js";

const executable = findChromium();

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

async function draw(page: Page, strokes: readonly (readonly [number, number])[]): Promise<void> {
  const { x, y, width } = (await page.locator(".drawing canvas").boundingBox())!;
  const at = ([left, top]: readonly [number, number]): [number, number] => [x + width * left, y + width * top];
  await page.mouse.move(...at(strokes[0]!));
  await page.mouse.down();
  for (const stroke of strokes.slice(1)) await page.mouse.move(...at(stroke), { steps: 6 });
  await page.mouse.up();
}

if (executable === undefined) {
  it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  describe("the digits", () => {
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

    it("are learned, and what is drawn is read right", async () => {
      const { page, complaints, strangers } = await openPage(browser, `${site.address}digits.html`);
      await button(page, "Train").click();
      await page.getByText(/^5 in/).waitFor();
      await button(page, "Train").waitFor();
      expect(Number.parseFloat((await page.locator('[data-figure="Test accuracy"] dd').textContent())!)).toBeGreaterThan(91);
      const counts = (await page.locator(".confusion td").allTextContents()).map(Number);
      expect(counts).toHaveLength(100);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(2000);
      expect(await page.locator(".hardest li").count()).toBe(12);
      const best = page.locator(".answers [data-best] span").first();
      await draw(page, [
        [0.55, 0.15],
        [0.45, 0.85],
      ]);
      await expect.poll(() => best.textContent()).toBe("1");
      await button(page, "Clear").click();
      await expect.poll(() => best.count()).toBe(0);
      await draw(page, [
        [0.25, 0.2],
        [0.75, 0.2],
        [0.45, 0.85],
      ]);
      await expect.poll(() => best.textContent()).toBe("7");
      expect([...complaints, ...strangers]).toEqual([]);
    });

    it("of a training that is stopped keep what was learned; another one begins anew", async () => {
      const { page, complaints } = await openPage(browser, `${site.address}digits.html`);
      await page.getByLabel("Network").selectOption("cnn");
      await button(page, "Train").click();
      await expect.poll(() => page.locator('[data-figure="Updates a second"] dd').textContent()).not.toBe("–");
      await button(page, "Stop").click();
      await button(page, "Train").waitFor();
      await draw(page, [
        [0.55, 0.15],
        [0.45, 0.85],
      ]);
      await page.locator(".answers [data-best]").waitFor();
      await page.getByLabel("Network").selectOption("mlp");
      await button(page, "Train").click();
      await page.getByText(/^\d+ in \d/).waitFor();
      expect(complaints).toEqual([]);
    });

    it("that do not load are said to be missing", async () => {
      const { page } = await openPage(browser, "about:blank");
      await page.route("**/*.bin", (route) => route.fulfill({ status: 404 }));
      await page.goto(`${site.address}digits.html`);
      await expect
        .poll(() => page.getByRole("alert").allTextContents())
        .toContainEqual(expect.stringContaining("could not be loaded (404"));
    });

    it.each(["light", "dark"] as const)("have nothing serious for axe-core in %s", async (colorScheme) => {
      const viewport = colorScheme === "light" ? { width: 1280, height: 900 } : { width: 390, height: 844 };
      const { page } = await openPage(browser, `${site.address}digits.html`, { colorScheme, viewport });
      await button(page, "Train").click();
      await page.getByText(/^\d+ in \d/).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    });
  });
}
