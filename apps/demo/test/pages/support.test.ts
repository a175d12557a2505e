/** Pages in a browser that lacks something, or is asked for less: what they say, and that runs end with their page. */
import { expect, it } from "vitest";
import { button, describePages, openPage } from "./browser.js";

const training = ["index.html", "digits.html", "text.html", "experiments.html"];
const lacking = [
  ["workers", "delete self.Worker", "has no workers"],
  ["OffscreenCanvas", "delete self.OffscreenCanvas", "has no OffscreenCanvas"],
  ["SIMD", "WebAssembly.validate = () => false", "has no WebAssembly SIMD"],
  ["WebAssembly", "delete self.WebAssembly", "has no WebAssembly SIMD"],
] as const;

describePages("pages", (place) => {
  it.each(lacking)("say so without %s", async (_, script, message) => {
    for (const file of training) {
      const { page, complaints } = await openPage(place().browser, "about:blank");
      await page.addInitScript(script);
      await page.goto(`${place().site.address}${file}`);
      await expect
        .poll(() => page.getByRole("alert").allTextContents(), { message: file })
        .toContainEqual(expect.stringContaining(message));
      expect(complaints, file).toEqual([]);
      await page.context().close();
    }
  });

  it.each([
    ["index.html", "Play"],
    ["digits.html", "Train"],
    ["text.html", "Train"],
    ["experiments.html", undefined],
  ])("that are left end what they run: %s", async (file, start) => {
    const { page, complaints } = await openPage(place().browser, `${place().site.address}${file}`);
    if (start !== undefined) await button(page, start).click();
    await expect.poll(() => page.workers().length).toBeGreaterThan(0);
    await page.getByRole("link", { name: "Gallery" }).click();
    await page.locator(".entry canvas").first().waitFor();
    expect(page.workers()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it.each([...training, "gallery.html"])("move nothing where motion is not wanted: %s", async (file) => {
    const { page } = await openPage(place().browser, `${place().site.address}${file}`, { reducedMotion: "reduce" });
    await page.locator("h1").waitFor();
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll("*")].filter((element) => {
          const { animationName, transitionDuration, transitionProperty } = getComputedStyle(element);
          return animationName !== "none" || (transitionProperty !== "none" && transitionDuration !== "0s");
        }).length,
    );
    expect(moving).toBe(0);
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  });
});
