/** In a real Chromium: a page that trains is closed, and goes on at its next visit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { findChromium, openSite, type Site } from "../src/chromium.js";
import { bundleResumable, Visit, type ResumableOptions, type Newest } from "../src/resumablePages.js";

const executable = findChromium();

if (executable === undefined) {
  it("not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  let site: Site;
  let folder: string;
  /** What a training is that nobody closes. */
  let undisturbed: Newest;

  beforeAll(async () => {
    folder = await bundleResumable(inject("project"));
    site = await openSite(executable, folder);
    const visitor = await site.visitor();
    const visit = await Visit.open(site, visitor);
    expect(await visit.train({ run: "whole", seed: 1, pause: 0 })).toEqual({ stopped: "finished", update: 48 });
    undisturbed = await visit.newest("whole");
    await visitor.close();
  });
  afterAll(() => site.close());

  /** Closes the page in the middle, again and again, until the training has ended. @returns the newest checkpoint, and what was said of each visit */
  async function closedAndOpened(
    options: Partial<ResumableOptions>,
    closings: number,
  ): Promise<{ end: Newest; firsts: number[] }> {
    const visitor = await site.visitor();
    const firsts: number[] = [];
    for (let closing = 0; ; closing++) {
      const visit = await Visit.open(site, visitor);
      // Other parameters at first: what is not restored is found.
      await visit.start({ run: "digits", seed: closing === 0 ? 1 : 50 + closing, pause: 10, ...options });
      if (closing === closings) {
        expect(await visit.ended()).toEqual({ stopped: "finished", update: 48 });
        const [first] = (await visit.lines()).filter((line) => line.startsWith("step "));
        firsts.push(Number(first!.slice(5)));
        const end = await visit.newest("digits", options.storage);
        await visitor.close();
        return { end, firsts };
      }
      await visit.reached((closing + 1) * 10 + closing);
      const [first] = (await visit.lines()).filter((line) => line.startsWith("step "));
      firsts.push(Number(first!.slice(5)));
      await visit.page.close();
    }
  }

  describe("a tab that is closed in the middle of a training", () => {
    it.each([
      ["files of the origin, on the page's own thread", { storage: "opfs" }],
      ["a database, on the page's own thread", { storage: "indexeddb" }],
      ["files of the origin, in a worker", { storage: "opfs", worker: true }],
      ["a database, in a worker", { storage: "indexeddb", worker: true }],
      ["what the browser has", {}],
    ] as const)("goes on at its next visit, to the bits of one that was never closed: %s", async (_, options) => {
      const { end, firsts } = await closedAndOpened(options, 3);
      expect({ ...end, notices: [] }).toEqual(undisturbed);
      expect(firsts[0]).toBe(1);
      // The last checkpoint, or the one before it, of every second update.
      for (const [visit, first] of firsts.entries()) if (visit > 0) expect(first).toBeGreaterThan(visit * 10 + visit - 1 - 7);
      expect(firsts[3]).toBeGreaterThan(firsts[1]!);
    });
  });

  /** A run of half the epochs, whose page was closed, and a new visit. */
  async function closedRun(storage: "opfs" | "indexeddb"): Promise<{ visitor: BrowserContext; visit: Visit; newest: Newest }> {
    const visitor = await site.visitor();
    const first = await Visit.open(site, visitor);
    expect(await first.train({ run: "digits", storage, seed: 1, pause: 0, epochs: 3 })).toEqual({
      stopped: "finished",
      update: 24,
    });
    await first.page.close();
    const visit = await Visit.open(site, visitor);
    return { visitor, visit, newest: await visit.newest("digits", storage) };
  }

  describe("a slot that is not what was written", () => {
    let resumed: Newest;
    beforeAll(async () => {
      const { visitor, visit } = await closedRun("opfs");
      expect(await visit.train({ run: "digits", storage: "opfs", seed: 9, pause: 0 })).toEqual({
        stopped: "finished",
        update: 48,
      });
      // Its schedules' length stays that of the fit that was begun.
      resumed = await visit.newest("digits", "opfs");
      await visitor.close();
    });
    it.each([
      ["a byte is flipped", (bytes: number[]) => bytes.map((byte, i) => (i === bytes.length - 50 ? byte ^ 1 : byte))],
      ["it was cut", (bytes: number[]) => bytes.slice(0, 700)],
      ["the mark of its header is gone", (bytes: number[]) => bytes.map((byte, i) => (i < 56 ? 0 : byte))],
      ["it is empty", () => []],
    ])("%s: the other one is taken, with a notice, and the end is the same", async (_, change) => {
      const { visitor, visit, newest } = await closedRun("opfs");
      const slots = await visit.page.evaluate(async () => {
        const root = await navigator.storage.getDirectory();
        const runs = await root.getDirectoryHandle("ermine-checkpoints");
        const run = await runs.getDirectoryHandle("run-digits");
        const read = async (name: string): Promise<[string, number[]]> => {
          const file = await (await run.getFileHandle(name)).getFile();
          return [name, [...new Uint8Array(await file.arrayBuffer())]];
        };
        return Promise.all(["latest-0", "latest-1"].map(read));
      });
      const sequenceOf = ([, bytes]: [string, number[]]): bigint =>
        bytes.length < 16 ? -1n : new DataView(Uint8Array.from(bytes).buffer).getBigUint64(8, true);
      const [name, bytes] = slots.reduce((a, b) => (sequenceOf(b) > sequenceOf(a) ? b : a));
      await visit.page.evaluate(
        async ([slot, content]) => {
          const root = await navigator.storage.getDirectory();
          const runs = await root.getDirectoryHandle("ermine-checkpoints");
          const run = await runs.getDirectoryHandle("run-digits");
          const file = await (await run.getFileHandle(slot)).createWritable();
          await file.write(Uint8Array.from(content));
          await file.close();
        },
        [name, change(bytes)] as const,
      );
      const other = await visit.newest("digits", "opfs");
      // After its last update, and again after its last epoch.
      expect([newest.update, newest.notices, other.update]).toEqual([24, [], 24]);
      expect(other.digest).not.toBe(newest.digest);
      expect(other.notices).toEqual([
        expect.stringMatching(/A checkpoint of the run "digits" (is damaged|was not written to its end)/),
      ]);
      expect(await visit.train({ run: "digits", storage: "opfs", seed: 9, pause: 0 })).toEqual({
        stopped: "finished",
        update: 48,
      });
      expect({ ...(await visit.newest("digits", "opfs")), notices: [] }).toEqual(resumed);
      expect((await visit.lines()).filter((line) => line.startsWith("ermine: A checkpoint of the run"))).toHaveLength(1);
      await visitor.close();
    });
  });

  it.each(["opfs", "indexeddb"] as const)(
    "two tabs on one run: the second says so, and may go on when the first is closed (%s)",
    async (storage) => {
      const visitor = await site.visitor();
      const first = await Visit.open(site, visitor);
      await first.start({ run: "digits", storage, seed: 1, pause: 10, epochs: 1000 });
      await first.reached(5);
      const second = await Visit.open(site, visitor);
      expect(await second.train({ run: "digits", storage, seed: 2, pause: 0, epochs: 1000 })).toMatchObject({
        name: "ErmineError",
        code: "ERMINE_USAGE",
        message: expect.stringMatching(/run "digits" are in use by another tab or worker of this site/) as string,
      });
      const before = await first.step();
      await first.reached(before + 5);
      await first.page.close();
      await second.start({ run: "digits", storage, seed: 2, pause: 10, epochs: 1000 });
      await second.reached(before + 6);
      await visitor.close();
    },
  );

  it.each([
    ["opfs", 10],
    ["indexeddb", 0],
  ] as const)(
    "a browser that gives no more room: notices, an error at the end, and the training is not lost (%s, after %i updates)",
    async (storage, after) => {
      const visitor = await site.visitor();
      const visit = await Visit.open(site, visitor);
      const session = await visitor.newCDPSession(visit.page);
      const origin = new URL(site.address("")).origin;
      const fill = () => session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
      // A database asks for its room at its first write.
      if (after === 0) await fill();
      await visit.start({ run: "digits", storage, seed: 1, pause: 10 });
      await visit.reached(after);
      if (after > 0) await fill();
      expect(await visit.ended()).toMatchObject({
        code: "ERMINE_FILE",
        message: expect.stringMatching(
          /The end of the training is not kept: A checkpoint of the run "digits" was not written: .*Quota.*gives this site no more room/,
        ) as string,
      });
      expect(await visit.step()).toBe(48);
      expect((await visit.lines()).filter((line) => line.includes("Training goes on, and the next checkpoint"))).not.toEqual([]);
      await session.send("Storage.overrideQuotaForOrigin", { origin });
      if (after > 0) expect((await visit.newest("digits", storage)).update).toBeGreaterThanOrEqual(after - 4);
      // With room it goes on from what is saved; where nothing is, from the beginning.
      expect(await visit.train({ run: "digits", storage, seed: 1, pause: 0 })).toEqual({ stopped: "finished", update: 48 });
      expect({ ...(await visit.newest("digits", storage)), notices: [] }).toEqual(undisturbed);
      await visitor.close();
    },
  );

  it("a page that may start no worker of a blob keeps its training in the database, and files are refused with the remedy", async () => {
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
    const visitor = await site.visitor();
    const visit = await Visit.open(site, visitor, policy);
    expect(await visit.train({ run: "digits", seed: 1, pause: 0 })).toEqual({ stopped: "finished", update: 48 });
    expect(await visit.newest("digits", "indexeddb")).toEqual(undisturbed);
    expect(await visit.train({ run: "files", storage: "opfs", seed: 1, pause: 0 })).toMatchObject({
      message: expect.stringMatching(/worker-src blob:.*storage: "indexeddb"/) as string,
    });
    // At a visit without the policy files are written; what was saved in the database is found.
    const later = await Visit.open(site, visitor);
    expect(await later.newest("digits")).toEqual(undisturbed);
    await visitor.close();
  });

  it("a bundle for pages has nothing of Node", () => {
    const bundle = readFileSync(join(folder, "resumablePage.js"), "utf8");
    expect(bundle).toContain("createSyncAccessHandle");
    expect(bundle).not.toMatch(/node:fs|\/proc\/|lock\.json/);
  });
}
