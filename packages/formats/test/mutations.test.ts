/** 100,000 damaged files: the verdict is safetensors' own, or stricter for a reason that is written down. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compare } from "./compare.js";
import { pythonVerdicts } from "./verdicts.js";

const count = 100_000;
const path = new URL("../golden/verdicts.bin", import.meta.url);

if (process.env.UPDATE_GOLDEN === "1" || !existsSync(path)) {
  const bits = new Uint8Array(count / 8);
  (await pythonVerdicts(0, count)).forEach((verdict, seed) => (bits[seed >> 3]! |= verdict << (seed & 7)));
  writeFileSync(path, bits);
}

it("no damaged safetensors file crashes the reader, and none is read that safetensors refuses", () => {
  const bits = readFileSync(path);
  const { read, refused, wrong, stricter } = compare(0, count, (seed) => ((bits[seed >> 3]! >> (seed & 7)) & 1) === 1);
  expect(wrong).toEqual([]);
  // Damages that leave a legal file are many, and so are the others.
  expect(read).toBeGreaterThan(count / 20);
  expect(refused).toBeGreaterThan(count / 4);
  expect([...stricter.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(10);
}, 120_000);
