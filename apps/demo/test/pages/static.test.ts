/** The pages as files of a static host, which sends no headers of isolation: in a real Chromium, on Python's server. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtPages, button, curveInNode, describePages, openPage, startSite } from "./browser.js";
import { curveOf, expectSameStart, waitForUpdates } from "./playgroundPage.js";
import { freePort, servePython, type StaticHost } from "./pythonServer.js";

/** The label of the engine that the digits run on. */
async function engine(page: Page): Promise<string> {
  const line = page.getByText(/This page has/);
  await line.waitFor();
  return (await line.textContent())!;
}

const threads = availableParallelism() > 1 ? /\d+ threads/ : /cpu/;
const oneThread = /not cross-origin isolated/;

/** Counts how often a document was loaded in a page from now on. */
function countLoads(page: Page): () => number {
  let loads = 0;
  page.on("domcontentloaded", () => loads++);
  return () => loads;
}

describePages("static pages", (place) => {
  const folder = mkdtempSync(join(tmpdir(), "ermine-static-"));
  let host: StaticHost;
  beforeAll(async () => {
    cpSync(builtPages, join(folder, "some", "folder"), { recursive: true });
    host = await servePython(folder);
  });
  afterAll(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const addressOf = (file: string): string => `${host.address}some/folder/${file}`;

  it("reproduce a link of the playground", async () => {
    const link = addressOf("index.html#activation=silu");
    const { page, complaints, strangers } = await openPage(place().browser, link);
    await page.getByLabel("Speed").selectOption("full");
    await button(page, "Play").click();
    await waitForUpdates(page, 800);
    await button(page, "Pause").click();
    expectSameStart(await curveInNode(link, 700), await curveOf(page));
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it("are isolated by their own service worker, and train with several threads; a second visit loads once", async () => {
    const { page, complaints, strangers } = await openPage(place().browser, "about:blank");
    let loads = countLoads(page);
    await page.goto(addressOf("digits.html"));
    expect(await engine(page)).toMatch(threads);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(loads()).toBe(2);
    await page.getByLabel("Epochs").fill("0");
    await button(page, "Train").click();
    await page.locator('[data-lane="page"][data-state="ended"]').waitFor();

    loads = countLoads(page);
    await page.goto(addressOf("text.html"));
    await page
      .getByText(/threads|cpu/)
      .first()
      .waitFor();
    await page.reload();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(loads()).toBe(2);
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it("that train with one thread are not loaded again, and isolate those that are opened after them", async () => {
    const { page, complaints } = await openPage(place().browser, "about:blank");
    const loads = countLoads(page);
    await page.goto(addressOf("index.html#seed=3"));
    await page.locator(".norm").first().waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.getByRole("link", { name: "Digits" }).click();
    expect(await engine(page)).toMatch(threads);
    expect(loads()).toBe(2);
    expect(complaints).toEqual([]);
  });

  it("are as new as their host has them, and missing where it has none", async () => {
    mkdirSync(join(folder, "changing"));
    cpSync(builtPages, join(folder, "changing"), { recursive: true });
    const { page } = await openPage(place().browser, "about:blank");
    await page.goto(`${host.address}changing/digits.html`);
    expect(await engine(page)).toMatch(threads);
    const file = join(folder, "changing", "digits.html");
    writeFileSync(file, readFileSync(file, "utf8").replace("<title>Digits", "<title>Newer digits"));
    await page.reload();
    expect(await page.title()).toMatch(/^Newer digits/);
    expect(await engine(page)).toMatch(threads);
    const missing = await page.goto(`${host.address}changing/nothing.html`);
    expect(missing?.status()).toBe(404);
  });

  it.each([
    ["has none", "Object.defineProperty(Navigator.prototype, 'serviceWorker', { get: () => undefined })"],
    [
      "refuses it",
      "ServiceWorkerContainer.prototype.register = () => Promise.reject(new DOMException('refused', 'SecurityError'))",
    ],
    ["never answers", "ServiceWorkerContainer.prototype.register = () => new Promise(() => {})"],
    ["goes around it", "Object.defineProperty(self, 'crossOriginIsolated', { get: () => false })"],
    [
      "forbids storage",
      "Object.defineProperty(self, 'sessionStorage', { get() { throw new DOMException('denied', 'SecurityError') } })",
    ],
  ])("train with one thread, and say so, where the browser %s", async (_, script) => {
    const { page, complaints } = await openPage(place().browser, "about:blank");
    await page.addInitScript(script);
    const loads = countLoads(page);
    await page.goto(addressOf("digits.html"));
    const said = await engine(page);
    // A worker is isolated where its page is, whatever the page was told of itself.
    if (!script.includes("crossOriginIsolated")) expect(said).toMatch(oneThread);
    expect(loads()).toBeLessThanOrEqual(2);
    await page.getByLabel("Epochs").fill("0");
    await button(page, "Train").click();
    await page.locator('[data-lane="page"][data-state="ended"]').waitFor();
    expect(complaints).toEqual([]);
  });

  it("leave a service worker that the server of `demo web`, on the same port later, is not hidden by", async () => {
    const port = await freePort();
    const before = await servePython(builtPages, port);
    const { page, complaints } = await openPage(place().browser, `${before.address}digits.html`);
    expect(await engine(page)).toMatch(threads);
    await before.close();
    const site = await startSite(port, builtPages);
    try {
      await page.goto(`${site.address}digits.html`);
      await page.getByLabel("Server, cpu").waitFor();
      expect(await engine(page)).toMatch(threads);
      expect(complaints).toEqual([]);
    } finally {
      await page.context().close();
      await site.close();
    }
  });

  it("need no service worker where `demo web` serves them", async () => {
    const { page } = await openPage(place().browser, `${place().site.address}digits.html`);
    expect(await engine(page)).toMatch(threads);
    expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
  });

  it("that are opened as a file say what they need", async () => {
    const context = await place().browser.newContext();
    const page = await context.newPage();
    await page.goto(`file://${join(folder, "some", "folder", "index.html")}`);
    await page.getByText("a web server has to serve the pages").waitFor({ state: "visible" });
  });
});
