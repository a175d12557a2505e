// `node scripts/screenshots.mjs [name …]`: pictures of the pages for docs/, light and dark, desktop and phone, by Chromium. Build first, and look at them afterwards.
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

const playText = async (page) => {
  await page.getByRole("button", { name: "Train", exact: true }).click();
  const done = () => document.querySelector('[data-figure="Updates"] dd').textContent.startsWith("1,500");
  await page.waitForFunction(done, undefined, { timeout: 120_000 });
  await page.getByRole("button", { name: "Write", exact: true }).click();
  await page.waitForTimeout(5500);
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
    name: "digits",
    address: "digits.html",
    prepare: async (page) => {
      await page.getByLabel("Server, TensorFlow").check();
      await page.getByRole("button", { name: "Race" }).click();
      await page.getByText("was first").waitFor({ timeout: 60_000 });
      await page.locator(".drawing").scrollIntoViewIfNeeded();
      const { x, y, width } = await page.locator(".drawing canvas").boundingBox();
      const points = [
        [0.3, 0.25],
        [0.5, 0.18],
        [0.68, 0.3],
        [0.62, 0.5],
        [0.4, 0.78],
        [0.32, 0.84],
        [0.5, 0.82],
        [0.74, 0.82],
      ];
      const at = ([left, top]) => [x + width * left, y + width * top];
      await page.mouse.move(...at(points[0]));
      await page.mouse.down();
      for (const point of points) await page.mouse.move(...at(point), { steps: 4 });
      await page.mouse.up();
      await page.waitForTimeout(500);
      // A phone shows the drawing with what it is taken for, a desktop the whole page from its top.
      const isPhone = page.viewportSize().width < 600;
      await page.locator(isPhone ? ".drawing" : "body").evaluate((part) => part.scrollIntoView());
    },
  },
  {
    name: "text",
    address: "text.html",
    prepare: playText,
  },
  {
    name: "experiments",
    address: "experiments.html",
    prepare: (page) => page.getByText("16 of 16 hold").waitFor({ timeout: 60_000 }),
  },
  {
    name: "optimizers",
    address: "gallery.html#optimizers=adam&surface=rosenbrock&with=rmsprop,lion,adagrad&learningRate=0.03",
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
const wanted = process.argv.slice(2);
for (const { name, address, prepare } of shots.filter((shot) => wanted.length === 0 || wanted.includes(shot.name))) {
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
