/** A real browser on the pages: what it asks for, what it complains of, and what hinders people with assistive technology. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { Run } from "../../site/src/playground/run.js";
import { parseLink } from "../../site/src/playground/settings.js";
import type { RunningSite } from "../../src/web/web.js";

/** The server as it is built: its workers are files next to it. */
export const { startSite } = (await import(
  new URL("../../dist/web/web.js", import.meta.url).href
)) as typeof import("../../src/web/web.js");

/** The built pages. */
export const builtPages = fileURLToPath(new URL("../../dist/pages/", import.meta.url));

/** Where a Chromium is: `CHROMIUM_PATH`, or the first of the usual names on the PATH. */
export function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [process.env["CHROMIUM_PATH"], ...folders.flatMap((folder) => names.map((name) => join(folder, name)))];
  return candidates.find((path) => path !== undefined && path !== "" && existsSync(path));
}

export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-sync",
    ],
  });

/** What tests of the pages work with. */
export interface Place {
  readonly site: RunningSite;
  readonly browser: Browser;
}

/** Tests of the served pages in Chromium; `place` gives the server and the browser once they run. */
export function describePages(title: string, tests: (place: () => Place) => void): void {
  const executable = findChromium();
  if (executable === undefined) {
    it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
    return;
  }
  describe(title, () => {
    let place: Place;
    beforeAll(async () => {
      place = { site: await startSite(0, builtPages), browser: await launch(executable) };
    });
    afterAll(async () => {
      await place.browser.close();
      await place.site.close();
    });
    tests(() => place);
  });
}

/** Is what is written in a page no wider than the window? */
export const fitsWidth = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

/** The button of that name. */
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

/** A page, and what must stay empty: complaints on its console, and requests of another host. */
export interface Watched {
  readonly page: Page;
  readonly complaints: string[];
  readonly strangers: string[];
}

export async function openPage(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  const [complaints, strangers]: [string[], string[]] = [[], []];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1") strangers.push(request.url());
  });
  await page.goto(address);
  return { page, complaints, strangers };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** What axe-core finds serious or critical, each with where. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = (await page.evaluate("axe.run()")) as { violations: readonly Violation[] };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`));
}

/** The text of the file that a click downloads. */
export async function downloadedBy(page: Page, click: () => Promise<void>): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFileSync(await download.path());
}

/** The run of a link, in this process: after so many updates, when it waits, `look` is handed it. */
export async function runInNode<T>(
  link: string,
  updates: number,
  look: (run: Run, backend: CpuBackend) => T | Promise<T>,
): Promise<T> {
  const backend = await cpu({ numerics: "portable", threads: 1 });
  useBackend(backend);
  const run = new Run(parseLink(new URL(link).hash.slice(1)).state.a, backend);
  await new Promise<void>((resolve, reject) => {
    let left = updates;
    run
      .start(() => {
        if (left-- > 0) return undefined;
        resolve();
        return new Promise((again) => setImmediate(again));
      })
      .catch(reject);
  });
  try {
    return await look(run, backend);
  } finally {
    await run.stop();
    backend.dispose();
  }
}

/** The losses of a link's run by update, as the page's CSV has them. */
export const curveInNode = (link: string, updates: number): Promise<Map<number, string>> =>
  runInNode(
    link,
    updates,
    ({ curve }) => new Map(curve.map(({ update, training, validation }) => [update, `${update},${training},${validation}`])),
  );
