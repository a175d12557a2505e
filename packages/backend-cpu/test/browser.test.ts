/** The packages as a bundler takes them, in a real Chromium: the same bits as in Node, on a page and in a worker. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, openSite, type Site } from "./browser/chromium.js";
import type { Outcome } from "./browser/training.js";
import { cpu, type Numerics } from "../src/index.js";
import { portableFingerprint, wideFingerprint } from "./trained.js";

interface Trainings {
  readonly ermine: Readonly<Record<"train" | "trainInWorker", (numerics: Numerics) => Promise<Outcome>>>;
}

const executable = findChromium();

if (executable === undefined) {
  it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  describe("in Chromium", { timeout: 60_000 }, () => {
    let site: Site;
    beforeAll(async () => {
      site = await openSite(executable);
    }, 60_000);
    afterAll(() => site.close());

    async function train(where: "train" | "trainInWorker", numerics: Numerics, isolated: boolean): Promise<Outcome> {
      const page = await site.open({ isolated });
      try {
        return await page.evaluate(([how, level]) => (globalThis as unknown as Trainings).ermine[how](level), [
          where,
          numerics,
        ] as const);
      } finally {
        await page.close();
      }
    }

    it.each([
      ["on the page", "train", false],
      ["in a worker", "trainInWorker", false],
      ["on a page that is cross-origin isolated", "train", true],
      ["in a worker of such a page", "trainInWorker", true],
    ] as const)("portable trains to the bits of every engine %s", async (_, where, isolated) => {
      const outcome = await train(where, "portable", isolated);
      expect(outcome.numerics).toBe("portable");
      expect(outcome.fingerprint).toBe(portableFingerprint);
      expect(outcome.wideFingerprint).toBe(await wideFingerprint(await cpu({ numerics: "portable", threads: 1 })));
      expect(outcome.engine).toContain(isolated ? "2 threads" : "1 thread (the page is not cross-origin isolated)");
      expect(outcome.workers).toBe(isolated ? 1 : 0);
      expect(outcome.accuracy).toBeGreaterThan(0.95);
    });

    it("fast runs on relaxed SIMD, learns, and lets timers have their turn", async () => {
      const outcome = await train("train", "fast", false);
      expect(outcome.numerics).toBe("fast");
      expect(outcome.engine).toContain("relaxed SIMD");
      expect(outcome.accuracy).toBeGreaterThan(0.95);
      expect(outcome.ticks).toBeGreaterThan(0);
    });
  });
}
