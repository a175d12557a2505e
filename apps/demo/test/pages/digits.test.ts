/** The digits in a real Chromium: trained, reported, raced, drawn and read. */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { tfjsPlugin } from "@ermine/backend-tfjs";
import type { ServerState } from "../../src/race/messages.js";
import { button, describePages, fitsWidth, openPage, seriousFindings, type Place } from "./browser.js";

const { available: hasTensorFlow } = await tfjsPlugin.probe();

const lane = (page: Page, name: string) => page.locator(`[data-lane="${name}"]`);
const figure = (page: Page, name: string, of = "page") => lane(page, of).locator(`[data-figure="${name}"] dd`);
const accuracy = async (page: Page, of?: string): Promise<number> =>
  Number.parseFloat((await figure(page, "Test accuracy", of).textContent())!);
const best = (page: Page) => page.locator(".answers [data-best] span").first();

/** Asks for so many epochs: 1, 2, 5, 10 or 20. */
const setEpochs = (page: Page, epochs: number): Promise<void> =>
  page.getByLabel("Epochs").fill(String([1, 2, 5, 10, 20].indexOf(epochs)));

/** Trainings that run on the server. */
async function running({ site }: Place): Promise<number> {
  const response = await fetch(`${site.address}api/digits`);
  return ((await response.json()) as ServerState).running;
}

async function draw(page: Page, strokes: readonly (readonly [number, number])[]): Promise<void> {
  const { x, y, width } = (await page.locator(".drawing canvas").boundingBox())!;
  const at = ([left, top]: readonly [number, number]): [number, number] => [x + width * left, y + width * top];
  await page.mouse.move(...at(strokes[0]!));
  await page.mouse.down();
  for (const stroke of strokes.slice(1)) await page.mouse.move(...at(stroke), { steps: 6 });
  await page.mouse.up();
}

describePages("the digits", (place) => {
  it("are learned, and what is drawn is read right", async () => {
    const { page, complaints, strangers } = await openPage(place().browser, `${place().site.address}digits.html`);
    await button(page, "Train").click();
    await page.getByText(/^5 in/).waitFor();
    await button(page, "Train").waitFor();
    expect(await accuracy(page)).toBeGreaterThan(91);
    const counts = (await page.locator(".confusion td").allTextContents()).map(Number);
    expect(counts).toHaveLength(100);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(2000);
    expect(await page.locator(".hardest li").count()).toBe(12);
    await draw(page, [
      [0.55, 0.15],
      [0.45, 0.85],
    ]);
    await expect.poll(() => best(page).textContent()).toBe("1");
    await button(page, "Clear").click();
    await expect.poll(() => best(page).count()).toBe(0);
    await draw(page, [
      [0.25, 0.2],
      [0.75, 0.2],
      [0.45, 0.85],
    ]);
    await expect.poll(() => best(page).textContent()).toBe("7");
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it("of a training that is stopped keep what was learned; another one begins anew", async () => {
    const { page, complaints } = await openPage(place().browser, `${place().site.address}digits.html`);
    await page.getByLabel("Network").selectOption("cnn");
    await button(page, "Train").click();
    await expect.poll(() => figure(page, "Updates a second").textContent()).not.toBe("–");
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

  it.each(hasTensorFlow ? ["cpu", "tfjs"] : ["cpu"])("race the server's %s to the end", async (name) => {
    const { site, browser } = place();
    const { page, complaints, strangers } = await openPage(browser, `${site.address}digits.html`);
    await page.getByLabel(name === "cpu" ? "Server, cpu" : "Server, TensorFlow").check();
    await setEpochs(page, 2);
    await button(page, "Race").click();
    for (const each of ["page", name]) {
      await page.locator(`[data-lane="${each}"][data-state="ended"]`).waitFor({ timeout: 60_000 });
      expect(await figure(page, "Epochs", each).textContent()).toMatch(/^2 in [\d.]+ s$/);
      expect(await figure(page, "Updates a second", each).textContent()).toMatch(/^[1-9][\d,]*$/);
    }
    // They train the same: batches, starting values and test digits.
    expect(Math.abs((await accuracy(page)) - (await accuracy(page, name)))).toBeLessThan(1);
    expect(await page.locator(".verdict-line").textContent()).toMatch(/ was first, in [\d.]+ s; .* took [\d.]+ s\.$/);
    const counts = async (): Promise<number> =>
      (await page.locator(".confusion td").allTextContents()).reduce((sum, count) => sum + Number(count), 0);
    for (const report of await page.getByRole("group", { name: "Report of" }).getByRole("button").all()) {
      await report.click();
      expect(await counts()).toBe(2000);
      expect(await page.locator(".hardest li").count()).toBe(12);
    }
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it("that the server learned are read in the page", async () => {
    const { site, browser } = place();
    const { page, complaints } = await openPage(browser, `${site.address}digits.html`);
    await page.getByLabel("Server, cpu").check();
    await page.getByLabel("This page").uncheck();
    await setEpochs(page, 2);
    await button(page, "Train").click();
    await page.locator('[data-lane="cpu"][data-state="ended"]').waitFor({ timeout: 60_000 });
    await draw(page, [
      [0.55, 0.15],
      [0.45, 0.85],
    ]);
    await expect.poll(() => best(page).textContent()).toBe("1");
    expect(complaints).toEqual([]);
  });

  it("are let go of by the server where a page stops or leaves", async () => {
    const { site, browser } = place();
    const { page } = await openPage(browser, `${site.address}digits.html`);
    await page.getByLabel("Server, cpu").check();
    await page.getByLabel("This page").uncheck();
    await setEpochs(page, 20);
    await page.getByLabel("Network").selectOption("cnn");
    for (const leave of [() => button(page, "Stop").click(), () => page.goto(`${site.address}gallery.html`)]) {
      await button(page, "Train").click();
      await page.locator('[data-lane="cpu"][data-state="training"]').waitFor({ timeout: 30_000 });
      expect(await running(place())).toBe(1);
      await leave();
      await expect.poll(() => running(place()), { timeout: 30_000 }).toBe(0);
    }
  });

  it("that cannot be learned are said, in the page and on the server", async () => {
    const { site, browser } = place();
    const { page, complaints } = await openPage(browser, `${site.address}digits.html`);
    await page.getByLabel("Server, cpu").check();
    await page.getByLabel("Optimizer").selectOption("sgd");
    await page.getByLabel("Activation").selectOption("identity");
    await page.getByLabel("Learning rate").fill("10");
    await button(page, "Race").click();
    for (const each of ["page", "cpu"]) {
      await page.locator(`[data-lane="${each}"][data-state="failed"]`).waitFor({ timeout: 30_000 });
      expect(await lane(page, each).getByRole("alert").textContent()).toMatch(/not finite/);
    }
    expect(complaints).toEqual([]);
  });

  it("that do not load are said to be missing", async () => {
    const { page } = await openPage(place().browser, "about:blank");
    await page.route("**/*.bin", (route) => route.fulfill({ status: 404 }));
    await page.goto(`${place().site.address}digits.html`);
    await expect
      .poll(() => page.getByRole("alert").allTextContents())
      .toContainEqual(expect.stringContaining("could not be loaded (404"));
  });

  it.each(["light", "dark"] as const)("have nothing serious for axe-core in %s", async (colorScheme) => {
    const viewport = colorScheme === "light" ? { width: 1280, height: 900 } : { width: 390, height: 844 };
    const { page } = await openPage(place().browser, `${place().site.address}digits.html`, { colorScheme, viewport });
    await button(page, "Train").click();
    await page.getByText(/^\d+ in \d/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await fitsWidth(page)).toBe(true);
  });
});
