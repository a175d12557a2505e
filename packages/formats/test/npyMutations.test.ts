/** 10,000 damaged npy files: refused by name, or read as NumPy reads them. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { readNpy } from "../src/index.js";
import { hashOfArray, npyMutant, numpyVerdicts } from "./npyVerdicts.js";

const count = 10_000;
const path = new URL("../golden/npyVerdicts.bin", import.meta.url);
if (process.env.UPDATE_GOLDEN === "1" || !existsSync(path)) writeFileSync(path, new Uint8Array(numpyVerdicts(count).buffer));

/** Why ermine refuses what NumPy reads. */
const stricterReasons: readonly RegExp[] = [
  // Tabs and carriage returns, which NumPy does not write.
  /something follows the dictionary/,
];

it("no damaged npy file crashes the reader, and each that is read has NumPy's dtype, shape and elements", () => {
  const verdicts = new Uint32Array(new Uint8Array(readFileSync(path)).buffer);
  expect(verdicts).toHaveLength(count);
  const wrong: string[] = [];
  let [read, refused, stricter] = [0, 0, 0];
  for (let seed = 0; seed < count; seed++) {
    const verdict = verdicts[seed]!;
    try {
      const array = readNpy(npyMutant(seed));
      read++;
      if (verdict === 0) wrong.push(`seed ${seed} is read as ${array.dtype}[${array.shape.join()}], and NumPy refuses it`);
      else if (hashOfArray(array) !== verdict)
        wrong.push(`seed ${seed} is read as ${array.dtype}[${array.shape.join()}], and NumPy reads another array`);
    } catch (error) {
      refused++;
      if (!(error instanceof ErmineError)) wrong.push(`seed ${seed}: ${String(error)}`);
      else if (verdict !== 0) {
        stricter++;
        if (!stricterReasons.some((reason) => reason.test(error.message)))
          wrong.push(`seed ${seed}: NumPy reads it: ${error.message}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(read).toBeGreaterThan(800);
  expect(refused).toBeGreaterThan(3000);
  expect(stricter).toBeGreaterThan(0);
});
