import { describe, expect, it } from "vitest";
import type { Callback, FitOptions } from "../src/index.js";
import type { ProcessTable } from "../src/checkpoint/node.js";
import { Disk } from "./disk.js";
import { refusal } from "./refusal.js";
import { checkpoints, data, make, options, saves, train } from "./checkpointedTraining.js";

describe("a folder has one training at a time", () => {
  const table = (pid: number, alive: Readonly<Record<number, string>>, host = "here"): ProcessTable => ({
    pid,
    host,
    startOf: (other) => alive[other],
  });
  const lockOf = (pid: number, started: string, host = "here"): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ pid, started, host }));

  it("the lock is there while it trains, and goes however it ends", async () => {
    const disk = new Disk({ processes: table(1, { 1: "a" }) });
    let namesInFolder: string[] = [];
    const looking: Callback = { name: "looking", state: () => null, onStep: () => void (namesInFolder = disk.names) };
    const save = saves(disk);
    await make().fit(data(), { ...options(() => [])(), callbacks: [looking, save] } as FitOptions<never, never>);
    expect(namesInFolder).toContain("lock.json");
    expect(disk.names).not.toContain("lock.json");
    const failing: Callback = {
      name: "failing",
      onStep: () => {
        throw new Error("mine");
      },
    };
    const other = new Disk({ processes: table(1, { 1: "a" }) });
    await expect(
      make().fit(data(), { ...options(() => [])(), callbacks: [failing, saves(other)] } as FitOptions<never, never>),
    ).rejects.toThrow("mine");
    expect(other.names).toEqual([]);
  });

  it.each([
    ["another process", { 1: "a", 2: "b" }, lockOf(2, "b"), /in use by process 2: one training/],
    ["this process", { 1: "a" }, lockOf(1, "a"), /in use by another training of this process/],
    ["another machine", { 1: "a" }, lockOf(7, "c", "there"), /in use by process 7 on there.*remove runs\/test\/lock.json/],
  ])("is refused where %s has it", async (_, alive, lock, message) => {
    const disk = new Disk({ processes: table(1, alive as never) });
    disk.put("lock.json", lock);
    const error = await refusal(() => train(disk));
    expect([error.code, error.message]).toEqual(["ERMINE_USAGE", expect.stringMatching(message)]);
    expect(disk.names).toEqual(["lock.json"]);
  });

  it.each([
    ["is gone", { 1: "a" }, lockOf(2, "b")],
    ["has another process's number", { 1: "a", 2: "later" }, lockOf(2, "b")],
    ["left half of it", { 1: "a" }, new Uint8Array([0x7b])],
    ["left nothing in it", { 1: "a" }, new Uint8Array(0)],
  ])("that of a process which %s is taken over", async (_, alive, lock) => {
    const disk = new Disk({ processes: table(1, alive as never) });
    disk.put("lock.json", lock);
    await train(disk);
    expect(disk.names).not.toContain("lock.json");
    expect(checkpoints(disk).length).toBeGreaterThan(0);
  });

  it("of several that find a lock of one that is gone, one gets it", async () => {
    const alive = { 1: "a", 2: "b", 3: "c" };
    for (let round = 0; round < 10; round++) {
      const disk = new Disk({});
      disk.put("lock.json", lockOf(9, "gone"));
      const asProcess = (pid: number): Disk =>
        new Proxy(disk, {
          get: (target, key) => {
            if (key === "processes") return table(pid, alive);
            const member = Reflect.get(target, key, target) as unknown;
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
      let inside = 0;
      let most = 0;
      const entering = (): Callback => ({
        name: "entering",
        state: () => null,
        async onTrainBegin() {
          most = Math.max(most, ++inside);
          await new Promise((done) => setTimeout(done, 5));
        },
        release: () => undefined,
        onTrainEnd: () => void inside--,
      });
      const results = await Promise.allSettled(
        [1, 2, 3].map((pid) => {
          const save = saves(asProcess(pid));
          return make().fit(data(), {
            ...options(() => [])(),
            epochs: 1,
            callbacks: [save, entering()],
            resume: save,
          } as FitOptions<never, never>);
        }),
      );
      expect(most).toBe(1);
      expect(results.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(1);
    }
  }, 60_000);
});
