/** A real browser on a page of this folder's scripts, bundled without a setting, served on the loopback interface. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";

/** Where a Chromium is: `CHROMIUM_PATH`, or the first of the usual names on the PATH. */
export function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [process.env["CHROMIUM_PATH"], ...folders.flatMap((folder) => names.map((name) => join(folder, name)))];
  return candidates.find((path) => path !== undefined && path !== "" && existsSync(path));
}

export interface Site {
  /** A fresh page; with `isolated` the one that may share memory between threads. */
  open(options: { isolated: boolean }): Promise<Page>;
  close(): Promise<void>;
}

export async function openSite(executablePath: string): Promise<Site> {
  const outdir = await mkdtemp(join(tmpdir(), "ermine-browser-"));
  const entry = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  await build({
    entryPoints: [entry("page.ts"), entry("worker.ts")],
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
  });
  const server = await serve(outdir);
  const { port } = server.address() as AddressInfo;
  const browser: Browser = await chromium.launch({
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
  return {
    async open({ isolated }) {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/${isolated ? "isolated" : "plain"}.html`);
      await page.waitForFunction(() => "ermine" in globalThis);
      return page;
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
      await rm(outdir, { recursive: true, force: true });
    },
  };
}

const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const page = `<!doctype html><meta charset="utf-8"><title>ermine</title><script type="module" src="/page.js"></script>`;

async function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const name = (request.url ?? "/").slice(1);
    if (name.endsWith(".html")) {
      response.writeHead(200, { "content-type": "text/html", ...(name === "isolated.html" ? isolation : {}) });
      response.end(page);
      return;
    }
    readFile(join(folder, name)).then(
      (text) => {
        response.writeHead(200, { "content-type": "text/javascript", ...isolation });
        response.end(text);
      },
      () => {
        response.writeHead(404);
        response.end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
