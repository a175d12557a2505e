/** `demo web`: the pages, served or written. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { ErmineError } from "@ermine/core";
import { siteApp } from "./server.js";
import { checkBuilt, siteFolder, writeStatic } from "./site.js";

export interface WebOptions {
  /** 0: one that is free. */
  readonly port: number;
  /** Open the page in the user's browser. */
  readonly open: boolean;
  /** Write the pages there in place of serving them. */
  readonly static: string | undefined;
}

/** A server that runs. */
export interface RunningSite {
  readonly address: string;
  close(): Promise<void>;
}

/** @throws ErmineError ERMINE_OPTION where the port cannot be had */
export async function startSite(port: number, folder: string = siteFolder): Promise<RunningSite> {
  checkBuilt(folder);
  const server = createAdaptorServer({ fetch: siteApp(folder, () => (server.address() as AddressInfo).port).fetch });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ErmineError("ERMINE_OPTION", `--port ${port} cannot be had (${code}). Leave it out for one that is free.`);
  }
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Serves until the process is ended, or writes the pages. */
export async function web({ port, open, static: folder }: WebOptions, print: (text: string) => void): Promise<void> {
  if (folder !== undefined) {
    print(`The pages are in ${await writeStatic(folder)}. Any static host serves them, such as: python3 -m http.server`);
    return;
  }
  const { address, close } = await startSite(port);
  print(`The pages are at ${address} (Ctrl+C ends)`);
  if (open) openBrowser(address);
  process.once("SIGINT", () => void close());
  process.once("SIGTERM", () => void close());
}

/** What opens an address in the user's browser. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = { darwin: ["open"], win32: ["cmd", "/c", "start", ""] };

function openBrowser(address: string): void {
  const [command, ...args] = openers[process.platform] ?? ["xdg-open"];
  // Without one the address that was printed is what there is.
  spawn(command!, [...args, address], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
