/** The text in a real Chromium: its loss falls, it writes as it learns, and what it cannot write is said. */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { button, describePages, fitsWidth, openPage, seriousFindings } from "./browser.js";

const figure = async (page: Page, name: string): Promise<string> =>
  (await page.locator(`[data-figure="${name}"] dd`).textContent())!;
const loss = async (page: Page): Promise<number> => Number.parseFloat(await figure(page, "Loss on unseen text"));
const updates = async (page: Page): Promise<number> => Number.parseInt((await figure(page, "Updates")).replaceAll(",", ""), 10);
const passage = (page: Page) => page.locator(".writing .passage");

/** Moves a slider to its k-th step. */
const slide = (page: Page, label: string, place: number): Promise<void> => page.getByLabel(label).fill(String(place));

describePages("the text", (place) => {
  it("is learned: after 100 updates the loss is below that of the frequencies, and passages show how it went", async () => {
    const { site, browser } = place();
    const { page, complaints, strangers } = await openPage(browser, `${site.address}text.html`);
    await slide(page, "Updates", 0);
    await button(page, "Train").click();
    await expect.poll(() => loss(page)).toBeGreaterThan(0);
    const early = await loss(page);
    await expect.poll(() => updates(page), { timeout: 60_000 }).toBe(100);
    await button(page, "Train").waitFor();
    expect(await loss(page)).toBeLessThan(early - 0.2);
    expect(Number.parseInt(await figure(page, "Of the frequencies’ loss"), 10)).toBeLessThan(85);
    expect(await passage(page).textContent()).toMatch(/^Alice ./);
    await expect.poll(() => page.locator(".candidates li").count()).toBe(8);
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it("is written as asked: the likeliest character alone, from a beginning that the book knows", async () => {
    const { site, browser } = place();
    const { page, complaints } = await openPage(browser, `${site.address}text.html`);
    await slide(page, "Updates", 0);
    await slide(page, "Temperature", 0);
    await button(page, "Train").click();
    await expect.poll(() => updates(page), { timeout: 60_000 }).toBe(100);
    const written = async (prompt: string): Promise<string> => {
      await page.getByLabel("Begin with").fill(prompt);
      await button(page, "Write").click();
      await expect.poll(async () => (await passage(page).textContent())!.length, { timeout: 30_000 }).toBeGreaterThan(90);
      return (await passage(page).textContent())!;
    };
    const first = await written("The Queen ");
    expect(first).toMatch(/^The Queen /);
    expect((await written("The Queen ")).slice(0, 90)).toBe(first.slice(0, 90));
    expect(await page.locator(".candidates li").first().textContent()).toContain("100.0 %");
    expect(await page.locator(".candidates li[data-out]").count()).toBe(7);
    await page.getByLabel("Begin with").fill("π");
    await button(page, "Write").click();
    expect(await page.getByRole("alert").textContent()).toContain("“π” is nowhere in the book");
    expect(await passage(page).textContent()).toMatch(/^The Queen /);
    expect(complaints).toEqual([]);
  });

  it("waits where it is paused, goes on, and begins again", async () => {
    const { site, browser } = place();
    const { page } = await openPage(browser, `${site.address}text.html`);
    await button(page, "Train").click();
    await expect.poll(() => updates(page)).toBeGreaterThan(10);
    await button(page, "Pause").click();
    await button(page, "Go on").waitFor();
    await page.waitForTimeout(300);
    const paused = await updates(page);
    await page.waitForTimeout(700);
    expect(await updates(page)).toBe(paused);
    await button(page, "Go on").click();
    await expect.poll(() => updates(page)).toBeGreaterThan(paused);
    await button(page, "Start again").click();
    await expect.poll(() => figure(page, "Updates")).toMatch(/^(–|20 in)/);
    await expect.poll(() => updates(page)).toBeGreaterThan(10);
  });

  it("whose book does not load says so", async () => {
    const { site, browser } = place();
    const { page } = await openPage(browser, "about:blank");
    await page.route("**/*.txt", (route) => route.fulfill({ status: 404 }));
    await page.goto(`${site.address}text.html`);
    await expect.poll(() => page.getByRole("alert").allTextContents()).toContainEqual(expect.stringContaining("(404"));
  });

  it.each(["light", "dark"] as const)("has nothing serious for axe-core in %s", async (colorScheme) => {
    const { site, browser } = place();
    const viewport = colorScheme === "light" ? { width: 1280, height: 900 } : { width: 390, height: 844 };
    const { page } = await openPage(browser, `${site.address}text.html`, { colorScheme, viewport });
    await button(page, "Train").click();
    await page.locator(".candidates li").first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await fitsWidth(page)).toBe(true);
  });
});
