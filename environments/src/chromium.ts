/** A real browser on pages of a folder, served on the loopback interface. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, extname, join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";

/** Where a Chromium is: `CHROMIUM_PATH`, or the first of the usual names on the PATH. */
export function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [process.env["CHROMIUM_PATH"], ...folders.flatMap((folder) => names.map((name) => join(folder, name)))];
  return candidates.find((path) => path !== undefined && path !== "" && existsSync(path));
}

export interface Site {
  /** Opens a file of the folder under a Content-Security-Policy. Default `visitor`: a new one, whose storage is empty. */
  open(path: string, policy?: string, visitor?: BrowserContext): Promise<Page>;
  /** Somebody whose pages share what is stored. */
  visitor(): Promise<BrowserContext>;
  /** The address of a file. */
  address(path: string): string;
  close(): Promise<void>;
}

/** Somebody whose storage is in a folder: it is there when the browser has been ended, however. */
export async function openProfile(
  executablePath: string,
  folder: string,
): Promise<{ readonly visitor: BrowserContext; /** Ends the browser at once. */ kill(): Promise<void> }> {
  const visitor = await chromium.launchPersistentContext(folder, { executablePath, args });
  const session = await visitor.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const { id } = processInfo.find(({ type }) => type === "browser")!;
  return {
    visitor,
    async kill() {
      const closed = new Promise((resolve) => visitor.once("close", resolve));
      process.kill(id, "SIGKILL");
      await closed;
    },
  };
}

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-sync",
];

/** Opens a page of an extension (manifest version 3) that is loaded from a folder, unpacked. Its service worker says which extension it is. */
export async function openExtension(
  executablePath: string,
  folder: string,
  path: string,
): Promise<{ readonly page: Page; close(): Promise<void> }> {
  const context = await chromium.launchPersistentContext("", {
    executablePath,
    args: [...args, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  const page = await context.newPage();
  await page.goto(new URL(path, worker.url()).href);
  return { page, close: () => context.close() };
}

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };

export async function openSite(executablePath: string, folder: string): Promise<Site> {
  let policy: string | undefined;
  const server = createServer((request, response) => {
    const name = (request.url ?? "/").split("?")[0]!.slice(1);
    readFile(join(folder, name)).then(
      (text) => {
        const headers = policy === undefined ? {} : { "content-security-policy": policy };
        response.writeHead(200, { "content-type": types[extname(name)] ?? "application/octet-stream", ...headers });
        response.end(text);
      },
      () => {
        response.writeHead(404);
        response.end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const address = (path: string): string => `http://127.0.0.1:${port}/${path}`;
  const browser = await chromium.launch({ executablePath, args });
  return {
    async open(path, given, visitor) {
      policy = given;
      const page = await (visitor ?? browser).newPage();
      await page.goto(address(path));
      return page;
    },
    visitor: () => browser.newContext(),
    address,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
