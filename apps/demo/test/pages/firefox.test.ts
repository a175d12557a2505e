/** A link's run in Firefox, whose engine is another one: bit for bit that of Chromium, and that of this process. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import puppeteer from "puppeteer-core";
import { expect, it } from "vitest";
import { curveInNode, describePages, openPage } from "./browser.js";

/** Where a Firefox is: `FIREFOX_PATH`, or the first of the usual names on the PATH. */
function findFirefox(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [
    process.env["FIREFOX_PATH"],
    ...folders.flatMap((folder) => ["firefox-esr", "firefox"].map((name) => join(folder, name))),
  ];
  return candidates.find((path) => path !== undefined && path !== "" && existsSync(path));
}

/** In the page: plays the run to so many updates and gives its losses, with all digits, as the button CSV hands them out. */
async function playedCurve(updates: number): Promise<string> {
  const button = (name: string): HTMLButtonElement =>
    [...document.querySelectorAll("button")].find(({ textContent }) => textContent!.trim() === name)!;
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 1000; i++) {
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`After 50 seconds: ${document.querySelector("main")?.textContent ?? "an empty page"}`);
  };
  const played = (): number =>
    Number((document.querySelector('[data-figure="Updates"] dd')?.textContent ?? "").replaceAll(",", ""));
  await until(() => button("Play") !== undefined && document.querySelector(".norm") !== null);
  button("Play").click();
  await until(() => played() >= updates);
  button("Pause").click();
  await until(() => button("Play") !== undefined);
  // What is handed out is kept from the folder of downloads.
  const handed = new Promise<Blob>((resolve) => {
    URL.createObjectURL = (blob) => {
      resolve(blob as Blob);
      return "#";
    };
  });
  HTMLAnchorElement.prototype.click = () => {};
  button("CSV").click();
  return (await handed).text();
}

const links = [
  "data=spirals&noise=0.1&hidden=8-8&activation=gelu&optimizer=adamw&weightDecay=0.01&schedule=cosine&dropout=0.1",
  "data=curve&outliers=0.1&activation=mish&loss=huber&optimizer=rmsprop&schedule=exponential&learningRate=0.003",
];
const updates = 600;

const rowsOf = (text: string): Map<number, string> =>
  new Map(
    text
      .split("\n")
      .slice(1)
      .map((row) => [Number(row.split(",")[0]), row]),
  );

const firefox = findFirefox();
if (firefox === undefined) {
  it("not run (needs Firefox: apt-get install firefox-esr, or FIREFOX_PATH=/path/to/it)", () => {});
} else {
  describePages("a link", (place) => {
    it.each(links)(
      "has the same bits in Firefox, Chromium and Node: %s",
      async (link) => {
        const { site, browser } = place();
        const address = `${site.address}#${link}`;
        const other = await puppeteer.launch({ browser: "firefox", executablePath: firefox, headless: true });
        try {
          const inFirefox = await other.newPage();
          const complaints: string[] = [];
          inFirefox.on("pageerror", (error) => complaints.push(String(error)));
          await inFirefox.goto(address);
          const inChromium = await openPage(browser, address);
          const curves = [
            rowsOf(await inFirefox.evaluate(playedCurve, updates)),
            rowsOf(await inChromium.page.evaluate(playedCurve, updates)),
            await curveInNode(address, updates),
          ];
          const shared = [...curves[0]!.keys()].filter((update) => curves.every((curve) => curve.has(update)));
          expect(shared.length).toBeGreaterThan(20);
          const [first, ...rest] = curves.map((curve) => shared.map((update) => curve.get(update)));
          for (const each of rest) expect(each).toEqual(first);
          expect([...complaints, ...inChromium.complaints]).toEqual([]);
        } finally {
          await other.close();
        }
      },
      120_000,
    );
  });
}
