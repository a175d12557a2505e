/** In a real Chromium: pages with a Content-Security-Policy, service workers, an extension, and two independent bundles on one page. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { findChromium, openExtension, openSite, type Site } from "../src/chromium.js";
import { trainInWorker } from "@ermine/trainer/worker";
import { comparable, runBundle, type Outcome } from "../src/project.js";

const executable = findChromium();

/** What workerPage.mjs gives. */
interface WorkerOutcome {
  readonly steps: readonly number[];
  readonly events: readonly string[];
  readonly stopped: string;
  readonly prediction: number;
  readonly missing: string;
}

if (executable === undefined) {
  it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  const project = inject("project");
  const folder = join(project, "site");
  const entry = (name: string): string => join(project, `${name}.mjs`);
  let site: Site;
  let expected: Outcome;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const common = { bundle: true, logLevel: "error", absWorkingDir: project } as const;
    const pages = ["entry", "workerPage", "trainWorker"].map(entry);
    await build({ ...common, entryPoints: pages, outdir: folder, format: "esm", splitting: true });
    await build({
      ...common,
      entryPoints: [entry("serviceWorker")],
      outdir: join(folder, "split"),
      format: "esm",
      splitting: true,
    });
    await build({
      ...common,
      entryPoints: [entry("serviceWorker")],
      outfile: join(folder, "whole", "serviceWorker.js"),
      format: "esm",
    });
    for (const name of ["first", "second"]) {
      const bundle = { ...common, entryPoints: [entry("train")], outfile: join(folder, `${name}.js`) };
      await build({ ...bundle, format: "iife", globalName: name });
    }
    writeFileSync(join(folder, "page.html"), '<!doctype html><script type="module" src="entry.js"></script>');
    writeFileSync(join(folder, "worker.html"), '<!doctype html><script type="module" src="workerPage.js"></script>');
    writeFileSync(join(folder, "two.html"), '<!doctype html><script src="first.js"></script><script src="second.js"></script>');
    for (const name of ["split", "whole"]) writeFileSync(join(folder, name, "index.html"), "<!doctype html>");
    site = await openSite(executable, folder);
    expected = await runBundle(project, "import", entry("entry"));
  });
  afterAll(() => site.close());

  function expectSame(outcome: Outcome): void {
    expect(outcome.cpu).toEqual(expected.cpu);
    expect(comparable(outcome)).toEqual(comparable(expected));
  }

  async function trainOnPage(policy: string | undefined): Promise<Outcome> {
    const page = await site.open("page.html", policy);
    await page.waitForFunction(() => "outcome" in globalThis);
    const outcome = await page.evaluate(() => (globalThis as unknown as { outcome: Promise<Outcome> }).outcome);
    await page.close();
    return outcome;
  }

  describe("a page", () => {
    it.each([
      ["without a Content-Security-Policy", undefined],
      ["whose policy has wasm-unsafe-eval", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:"],
    ])("%s trains to the bits of Node", async (_, policy) => {
      expectSame(await trainOnPage(policy));
    });

    it("whose policy forbids WebAssembly says so, and how to allow it", async () => {
      const { reference, cpu } = await trainOnPage("default-src 'none'; script-src 'self'; worker-src blob:");
      expect(comparable({ reference, cpu })).toEqual(comparable(expected));
      expect(cpu).toMatchObject({ name: "ErmineError", code: "ERMINE_UNSUPPORTED" });
      const { message } = cpu as { message: string };
      expect(message).toMatch(/^Compiling WebAssembly is forbidden here \(.*WebAssembly.*\)/);
      for (const remedy of ["'wasm-unsafe-eval' to script-src", "extension_pages", "@ermine/core/reference"])
        expect(message).toContain(remedy);
    });

    it("runs two independent bundles", async () => {
      const page = await site.open("two.html");
      const outcomes = await page.evaluate(async () => {
        const { first, second } = globalThis as unknown as Record<string, { outcome(): Promise<Outcome> }>;
        return [await first!.outcome(), await second!.outcome()];
      });
      await page.close();
      expect(outcomes).toHaveLength(2);
      outcomes.forEach(expectSame);
    });
  });

  describe("a worker that a page trains in", () => {
    it("gives the bits of Node's, answers, ends by its signal, and says what became of a module that is not there", async () => {
      const { Worker } = await import("node:worker_threads");
      const inNode = trainInWorker(() => new Worker(entry("trainWorker")), { input: { epochs: 100 }, onEvent: () => undefined });
      const { steps: expectedSteps } = (await inNode.finished) as { steps: readonly number[] };
      const page = await site.open("worker.html");
      await page.waitForFunction(() => "outcome" in globalThis);
      const { steps, events, stopped, prediction, missing } = await page.evaluate(
        () => (globalThis as unknown as { outcome: Promise<WorkerOutcome> }).outcome,
      );
      await page.close();
      expect(steps).toHaveLength(100);
      expect(steps).toEqual(expectedSteps);
      expect(events.filter((type) => type === "step")).toHaveLength(100);
      expect(events[0]).toBe("begin");
      expect(events.filter((type) => type === "epoch")).toHaveLength(100);
      expect(stopped).toBe("aborted");
      expect(Math.abs(prediction - 1)).toBeLessThan(0.5);
      expect(missing).toMatch(/^The training worker has crashed: its module does not load/);
    });
  });

  describe("a page of an extension, manifest version 3", () => {
    async function trainInExtension(policy: string | undefined): Promise<Outcome> {
      const extension = join(project, "extension");
      cpSync(folder, extension, { recursive: true });
      writeFileSync(join(extension, "background.js"), "");
      const manifest = {
        manifest_version: 3,
        name: "trains",
        version: "1.0",
        background: { service_worker: "background.js" },
        ...(policy === undefined ? {} : { content_security_policy: { extension_pages: policy } }),
      };
      writeFileSync(join(extension, "manifest.json"), JSON.stringify(manifest));
      const { page, close } = await openExtension(executable!, extension, "page.html");
      try {
        await page.waitForFunction(() => "outcome" in globalThis);
        return await page.evaluate(() => (globalThis as unknown as { outcome: Promise<Outcome> }).outcome);
      } finally {
        await close();
      }
    }

    it("trains to the bits of Node where its policy has wasm-unsafe-eval", async () => {
      expectSame(await trainInExtension("script-src 'self' 'wasm-unsafe-eval'; object-src 'self'"));
    });

    it("says so where WebAssembly is forbidden, and what to write in the manifest", async () => {
      const { reference, cpu } = await trainInExtension("script-src 'self'; object-src 'self'");
      expect(comparable({ reference, cpu })).toEqual(comparable(expected));
      expect(cpu).toMatchObject({ name: "ErmineError", code: "ERMINE_UNSUPPORTED" });
      expect((cpu as { message: string }).message).toContain("extension_pages");
    });
  });

  describe("a service worker", () => {
    async function train(name: string): Promise<Outcome> {
      const page = await site.open(`${name}/index.html`);
      const outcome = await page.evaluate(async () => {
        const { serviceWorker } = navigator;
        await serviceWorker.register("serviceWorker.js", { type: "module" });
        const { active } = await serviceWorker.ready;
        return new Promise<Outcome>((resolve) => {
          serviceWorker.addEventListener("message", ({ data }: MessageEvent<Outcome>) => resolve(data));
          serviceWorker.startMessages();
          active!.postMessage("train");
        });
      });
      await page.close();
      return outcome;
    }

    it("in one file trains to the bits of Node", async () => {
      expectSame(await train("whole"));
    });

    it("in chunks says that it must be one file", async () => {
      const { reference, cpu } = await train("split");
      expect(comparable({ reference, cpu })).toEqual(comparable(expected));
      expect(cpu).toMatchObject({ name: "ErmineError", code: "ERMINE_UNSUPPORTED" });
      expect((cpu as { message: string }).message).toMatch(
        /import\(\), which failed: .*import\(\).*disallowed.*service worker.*build one file/s,
      );
    });
  });
}
