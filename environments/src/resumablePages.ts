/** Pages that keep their training, opened, closed and opened again. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { BrowserContext, Page } from "playwright-core";
import type { Site } from "./chromium.js";

/** What `fixtures/resumablePage.mjs` trains. */
export interface ResumableOptions {
  readonly run: string;
  readonly storage?: "opfs" | "indexeddb";
  readonly seed: number;
  readonly pause: number;
  readonly worker?: boolean;
  readonly epochs?: number;
}

/** How a training of a page has ended. */
export type Ended =
  | { readonly stopped: string; readonly update: number }
  | { readonly name: string; readonly code?: string; readonly message: string };

/** The newest checkpoint of a run. */
export interface Newest {
  readonly update: number;
  readonly digest: string;
  readonly notices: readonly string[];
}

interface ResumablePage {
  readonly lines: string[];
  start(options: ResumableOptions): Promise<Ended>;
  newest(run: string, storage?: string): Promise<Newest>;
  listRuns(): Promise<string[]>;
  removeCheckpoints(run: string): Promise<void>;
}
type PageGlobal = { resumable: ResumablePage; ended?: Promise<Ended> };

/** Bundles the page and its worker into a folder of the project. @returns the folder */
export async function bundleResumable(project: string): Promise<string> {
  const folder = join(project, "resumable");
  mkdirSync(folder, { recursive: true });
  const entryPoints = ["resumablePage", "resumableWorker"].map((name) => join(project, `${name}.mjs`));
  await build({ entryPoints, outdir: folder, bundle: true, format: "esm", logLevel: "error", absWorkingDir: project });
  writeFileSync(join(folder, "index.html"), '<!doctype html><script type="module" src="resumablePage.js"></script>');
  cpSync(join(folder, "index.html"), join(folder, "other.html"));
  return folder;
}

/** One visit: a tab. */
export class Visit {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(site: Site, visitor: BrowserContext, policy?: string): Promise<Visit> {
    const page = await site.open("index.html", policy, visitor);
    await page.waitForFunction(() => "resumable" in globalThis);
    return new Visit(page);
  }

  /** Begins a training, or goes on with it. */
  async start(options: ResumableOptions): Promise<void> {
    await this.page.evaluate((given) => {
      const scope = globalThis as unknown as PageGlobal;
      scope.ended = scope.resumable.start(given);
    }, options);
  }

  ended(): Promise<Ended> {
    return this.page.evaluate(() => (globalThis as unknown as PageGlobal).ended!);
  }

  async train(options: ResumableOptions): Promise<Ended> {
    await this.start(options);
    return this.ended();
  }

  lines(): Promise<string[]> {
    return this.page.evaluate(() => (globalThis as unknown as PageGlobal).resumable.lines);
  }

  /** The last update that was taken in this visit; 0: none. */
  async step(): Promise<number> {
    const steps = (await this.lines()).flatMap((line) => (line.startsWith("step ") ? [Number(line.slice(5))] : []));
    return steps.at(-1) ?? 0;
  }

  async reached(step: number): Promise<void> {
    await this.page.waitForFunction(
      (least) =>
        (globalThis as unknown as PageGlobal).resumable.lines.some(
          (line) => line.startsWith("step ") && Number(line.slice(5)) >= least,
        ),
      step,
      { polling: 5 },
    );
  }

  newest(run: string, storage?: string): Promise<Newest> {
    return this.page.evaluate(
      ([name, kind]) => (globalThis as unknown as PageGlobal).resumable.newest(name!, kind),
      [run, storage],
    );
  }
}
