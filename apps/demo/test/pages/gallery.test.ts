/** The gallery in a real Chromium: every definition that core and the trainer export is there, and is shown. */
import { activations, losses } from "@ermine/core/catalog";
import { optimizers, schedules } from "@ermine/trainer/catalog";
import { expect, it } from "vitest";
import { describePages, fitsWidth, openPage, seriousFindings } from "./browser.js";

const exported = {
  Activations: activations.map(({ name }) => name),
  Losses: losses.map(({ name }) => name),
  Optimizers: Object.keys(optimizers).filter((name) => optimizers[name]!().rows !== "only"),
  Schedules: Object.keys(schedules),
};

describePages("the gallery", (place) => {
  it.each(Object.entries(exported))("has all %s, each with its chart and without a complaint", async (kind, names) => {
    const { page, complaints, strangers } = await openPage(place().browser, `${place().site.address}gallery.html`);
    await page.getByRole("navigation", { name: "Kinds" }).getByRole("link", { name: kind }).click();
    const links = page.getByRole("navigation", { name: kind, exact: true }).getByRole("link");
    await expect.poll(() => links.allTextContents()).toEqual(names);
    for (const name of names) {
      await links.getByText(name, { exact: true }).click();
      await page.locator(`[data-entry="${name}"]`).waitFor();
      await page.locator(".entry .chart canvas, .entry .surface canvas").first().waitFor();
      expect(await page.getByRole("alert").count(), name).toBe(0);
    }
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it("keeps options and others in the link, says what is refused, and forgets what there is not", async () => {
    const { page } = await openPage(place().browser, `${place().site.address}gallery.html#activations=elu`);
    await page.getByLabel("alpha").fill("2");
    await page.getByLabel("Compare with").selectOption("relu");
    await expect.poll(() => page.url()).toContain("activations=elu&alpha=2&with=relu");
    expect(await page.locator(".program code").first().textContent()).toContain("elu(x, { alpha: 2 })");
    await page.goto("about:blank");
    await page.goto(`${place().site.address}gallery.html#activations=hardTanh&minValue=3`);
    expect(await page.getByRole("alert").textContent()).toContain("minValue");
    await page.goto("about:blank");
    await page.goto(`${place().site.address}gallery.html#losses=rmse`);
    expect(await page.getByRole("alert").textContent()).toBe('There is no "rmse" among the losses.');
  });

  it.each(["light", "dark"] as const)("has nothing serious for axe-core in %s", async (colorScheme) => {
    for (const hash of ["#activations=gelu&with=relu", "#losses=focal", "#optimizers=adam&with=sgd", "#schedules=cosine"]) {
      const { page } = await openPage(place().browser, `${place().site.address}gallery.html${hash}`, {
        colorScheme,
        viewport: hash.startsWith("#losses") ? { width: 390, height: 844 } : { width: 1280, height: 900 },
      });
      await page.locator(".entry canvas").first().waitFor();
      expect(await seriousFindings(page), hash).toEqual([]);
      expect(await fitsWidth(page), hash).toBe(true);
      await page.context().close();
    }
  });
});
