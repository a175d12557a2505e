/** Memory that remains of trainers that were dropped without dispose(), for the tests of any backend. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

interface Left {
  readonly alive: number;
  readonly tensors: number;
  readonly bytes: number;
  readonly heap: number;
}

const fixture = fileURLToPath(new URL("./dropped.fixture.mjs", import.meta.url));

/** How a backend is made in another process. */
export interface BackendModule {
  readonly module: URL;
  /** Its function that makes one. */
  readonly name: string;
  /** Default: none. */
  readonly options?: object;
}

/** Of so many trainers nothing is left: they are collected, and what they held on the backend comes back. */
export function expectNothingLeft({ module, name, options = {} }: BackendModule, mode: string, count: number): void {
  const args = ["--expose-gc", fixture, mode, `${count}`, module.href, name, JSON.stringify(options)];
  const text = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 110_000 });
  const [early, late] = JSON.parse(text.trim().split("\n").at(-1)!) as [Left, Left];
  expect(late.alive).toBeLessThanOrEqual(1);
  // Those of one more trainer may wait for a collection; the scalars that a backend keeps are there from the first.
  expect(late.tensors).toBeLessThanOrEqual(early.tensors + 16);
  expect(late.bytes).toBeLessThanOrEqual(early.bytes + 100_000);
  expect((late.heap - early.heap) / (0.75 * count)).toBeLessThan(30_000);
}
