// `node scripts/screenshots.mjs`: pictures of the pages for docs/, light and dark, desktop and phone, by Chromium. Build first, and look at them afterwards.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { startSite } from "../dist/web/web.js";

const folder = fileURLToPath(new URL("../docs/", import.meta.url));

const playFor = (updates) => async (page) => {
  await page.getByRole("button", { name: "Play", exact: true }).click();
  const done = (least) => Number(document.querySelector('[data-figure="Updates"] dd').textContent.replaceAll(",", "")) >= least;
  await page.waitForFunction(done, updates, { timeout: 60_000 });
};

/** What is shown: a page, its state, and what is done there first. */
const shots = [
  {
    name: "playground",
    address: "index.html#data=spirals&noise=0.1&samples=500&hidden=10-10-8&activation=silu&weightDecay=0.01",
    prepare: playFor(4000),
  },
  {
    name: "gallery",
    address: "gallery.html#activations=gelu&with=relu,silu,tanh",
    prepare: (page) => page.locator(".entry canvas").nth(2).waitFor(),
  },
  {
    name: "optimizers",
    address: "gallery.html#optimizers=adam&surface=rosenbrock&with=sgd,lion,adagrad&learningRate=0.03",
    prepare: (page) => page.locator(".surface canvas").waitFor(),
  },
];

const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

const site = await startSite(0);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
mkdirSync(folder, { recursive: true });
for (const { name, address, prepare } of shots) {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 1.5, reducedMotion: "reduce" });
      const page = await context.newPage();
      await page.goto(site.address + address);
      await prepare(page);
      const session = await context.newCDPSession(page);
      const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 });
      writeFileSync(join(folder, `${name}-${size}-${colorScheme}.webp`), Buffer.from(data, "base64"));
      await context.close();
    }
  }
}
await browser.close();
await site.close();
