// `node scripts/figures.mjs [--short]`: figures of the built pages in headless Chromium, and of the experiments in Node, on an idle machine; --short leaves out the text, which takes a
// minute. Build first.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { startSite } from "../dist/web/web.js";

const folder = fileURLToPath(new URL("../dist/pages/", import.meta.url));
const print = (name, value, goal) => console.log(`${name.padEnd(58)} ${String(value).padStart(12)}   goal ${goal}`);

const site = await startSite(0);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** Scripts that a page asks for before anything is clicked, in KB of gzip: all of them, and those of the page alone. */
function scripts(page) {
  const html = readFileSync(join(folder, page), "utf8");
  const names = [...html.matchAll(/assets\/[^"]+\.js/g)].map(([name]) => name);
  const kilobytes = (name) => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length / 1000;
  const pageScripts = names.filter((name) => name.includes(`/${page.replace(".html", "")}-`) || name.includes("/playground-"));
  const sum = (list) => list.reduce((total, name) => total + kilobytes(name), 0);
  return { all: sum(names), shared: sum(names) - sum(pageScripts) };
}

/** Milliseconds that the main thread worked for each frame of a trace; what it waited for a processor is not among them. */
function frameWork(events) {
  const main = events.find(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const mine = events.filter(({ pid, tid }) => pid === main.pid && tid === main.tid);
  const starts = mine
    .filter(({ name }) => name === "BeginMainThreadFrame")
    .map(({ ts }) => ts)
    .sort((a, b) => a - b);
  const work = starts.slice(1).map(() => 0);
  for (const { name, ts, dur = 0, tdur = dur } of mine) {
    if (name !== "RunTask") continue;
    const frame = starts.findLastIndex((start) => start <= ts);
    if (frame >= 0 && frame < work.length) work[frame] += tdur / 1000;
  }
  return work.sort((a, b) => a - b);
}

async function playground() {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${site.address}#hidden=8-8&batchSize=1`);
  await page.getByLabel("Speed").selectOption("full");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await page.waitForTimeout(6000);
  const rates = [];
  for (let i = 0; i < 8; i++) {
    await page.waitForTimeout(500);
    rates.push(Number((await page.locator(".measured").textContent()).replaceAll(/[^0-9]/g, "")));
  }
  await browser.startTracing(page, {
    categories: [
      "toplevel",
      "devtools.timeline",
      "disabled-by-default-devtools.timeline",
      "disabled-by-default-devtools.timeline.frame",
    ],
  });
  await page.waitForTimeout(6000);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const work = frameWork(traceEvents);
  const p95 = work[Math.floor(0.95 * (work.length - 1))];
  print("updates a second, 2-8-8-2, batches of 1, full speed", Math.max(...rates).toLocaleString("en"), "≥ 50,000");
  print(`main-thread ms of a frame at p95, of ${work.length} frames`, p95?.toFixed(1) ?? "no frame", "≤ 8");
  await page.close();
}

async function text() {
  const page = await browser.newPage();
  await page.goto(`${site.address}text.html`);
  await page.getByRole("button", { name: "Train", exact: true }).click();
  const began = performance.now();
  await page.waitForTimeout(60_000);
  const share = await page.locator('[data-figure="Of the frequencies’ loss"] dd').textContent();
  print(`text: loss of that of the frequencies after ${((performance.now() - began) / 1000).toFixed(0)} s`, share, "≤ 75 %");
  await page.close();
}

function experiments() {
  const began = performance.now();
  const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
  const { stdout } = spawnSync(process.execPath, [main, "experiments", "--json"], { encoding: "utf8" });
  const outcomes = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ name }) => name !== undefined);
  const holding = outcomes.filter(({ holds }) => holds === true).length;
  print("experiments that hold for seed 1", `${holding} of ${outcomes.length}`, "16 of 16");
  print("experiments: seconds for a seed, all together", ((performance.now() - began) / 1000).toFixed(0), "≤ 90");
}

for (const name of readdirSync(folder).filter((file) => file.endsWith(".html"))) {
  const { all, shared } = scripts(name);
  print(`${name}: KB of JavaScript, gzip, without its own chunk`, `${shared.toFixed(0)} of ${all.toFixed(0)}`, "≤ 250");
}
await playground();
experiments();
if (!process.argv.includes("--short")) await text();
await browser.close();
await site.close();
