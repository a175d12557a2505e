/** A process that trains is killed at random moments, and started again: nothing is lost, and the end has the bits of a run that nobody killed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  argumentsOf,
  inFolder,
  killed,
  killedWhileSaving,
  launch,
  newest,
  start,
  undisturbed,
  type Setup,
} from "../src/resumablePrograms.js";

/** Numbers in [0, 1), always the same. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("20 kills while it saves: no checkpoint that was written is lost, and none is damaged", async () => {
  const { saves } = await killedWhileSaving(20, randomFrom(7));
  expect(saves).toBeGreaterThanOrEqual(20);
});

const setups: readonly (Setup & { readonly kills: number })[] = [
  { backend: "cpu", source: "arrays", optimizer: "adamw", kills: 4 },
  { backend: "cpu", source: "stream", optimizer: "sgd", kills: 4 },
  { backend: "cpu", source: "arrays", optimizer: "sparseAdam", kills: 3 },
  { backend: "cpu", source: "arrays", optimizer: "muon", kills: 3 },
  { backend: "tfjs", source: "arrays", optimizer: "lamb", kills: 3 },
  { backend: "tfjs", source: "stream", optimizer: "nadam", kills: 3 },
];

test.each(setups)("$kills kills of $optimizer on $backend, over $source", async ({ kills, ...setup }) => {
  const whole = await undisturbed(setup, 3);
  const result = await killed(setup, kills, 3, randomFrom(setup.optimizer.length));
  expect(result.kills).toBeGreaterThan(1);
  expect(result.bytes.equals(whole)).toBe(true);
});

const setup: Setup = { backend: "cpu", source: "arrays", optimizer: "adamw" };

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends a training after its update, with a checkpoint and a message; it goes on later",
  async (signal) => {
    const whole = await undisturbed(setup, 3);
    await inFolder(async (folder) => {
      const program = start(setup, folder, 5, 3);
      await program.said("written 4");
      program.process.kill(signal);
      expect(await program.ended).toBe(0);
      expect(program.lines).toContainEqual(
        expect.stringMatching(new RegExp(`^ermine: ${signal}: training ends after this update, with a checkpoint in`)),
      );
      expect(program.lines.at(-1)).toBe(`ended interrupted by ${signal}`);
      expect(existsSync(join(folder, "lock.json"))).toBe(false);
      expect(await start(setup, folder, 0).ended).toBe(0);
      expect(newest(folder).equals(whole)).toBe(true);
    });
  },
);

test("a second SIGINT ends the process at once, and what was written is there", async () => {
  await inFolder(async (folder) => {
    // It waits a minute in each update.
    const program = start(setup, folder, 60_000, 3);
    await program.said("begun");
    await new Promise((done) => setTimeout(done, 200));
    program.process.kill("SIGINT");
    while (!program.lines.some((line) => line.startsWith("ermine: SIGINT"))) await new Promise((done) => setTimeout(done, 10));
    program.process.kill("SIGINT");
    expect(await program.ended).toBe("SIGINT");
    // Its lock is that of a process which is gone.
    expect(await start(setup, folder, 0).ended).toBe(0);
  });
});

test("two processes do not write into one folder", async () => {
  await inFolder(async (folder) => {
    const first = start(setup, folder, 5, 3);
    await first.said("written 2");
    await expect(start(setup, folder, 0).ended).rejects.toThrow(new RegExp(`in use by process ${first.process.pid}`));
    expect(await first.ended).toBe(0);
  });
});

test("files that may not be as long as a checkpoint: notices, the reason at the end, and what was there before is there", async () => {
  await inFolder(async (folder) => {
    const interrupted = start(setup, folder, 5, 3);
    await interrupted.said("written 4");
    interrupted.process.kill("SIGINT");
    await interrupted.ended;
    const before = newest(folder);
    // In blocks of 1,024 bytes: the lock fits, a checkpoint does not.
    const limited = launch("bash", ["-c", 'ulimit -f 2; exec "$@"', "bash", process.execPath, ...argumentsOf(setup, folder, 0)]);
    await expect(limited.ended).rejects.toThrow(
      /The end of the training is not kept: The checkpoint .* was not written: EFBIG.*larger than this process may write \(ulimit -f\)/,
    );
    expect(limited.lines).toContainEqual(expect.stringMatching(/^ermine: The checkpoint .*EFBIG.* Training goes on/));
    expect(newest(folder).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith(".part") || name === "lock.json")).toEqual([]);
    expect(await start(setup, folder, 0).ended).toBe(0);
    expect(newest(folder).equals(await undisturbed(setup, 3))).toBe(true);
  });
});

test("a folder that is a file, and a checkpoint that was cut, are named", async () => {
  await inFolder(async (folder) => {
    writeFileSync(folder, "");
    await expect(start(setup, folder, 0).ended).rejects.toThrow(/The folder .* of checkpoints cannot be made: EEXIST/);
  });
  await inFolder(async (folder) => {
    expect(await start(setup, folder, 0, 3).ended).toBe(0);
    const names = readdirSync(folder).filter((name) => name.startsWith("update-"));
    for (const name of names) writeFileSync(join(folder, name), readFileSync(join(folder, name)).subarray(0, 3000));
    await expect(start(setup, folder, 0).ended).rejects.toThrow(/None of the 2 checkpoints in/);
  });
});
