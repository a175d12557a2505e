/** 10,000,000 damaged safetensors files, each shown to safetensors too (python3 with safetensors 0.8). */
import { expect, it } from "vitest";
import { compare } from "../test/compare.js";
import { pythonVerdicts } from "../test/verdicts.js";

const total = 10_000_000;
const batch = 100_000;

it("none crashes the reader, and none is read that safetensors refuses", async () => {
  for (let from = 1_000_000; from < 1_000_000 + total; from += batch) {
    const verdicts = await pythonVerdicts(from, batch);
    expect(compare(from, batch, (seed) => verdicts[seed - from] === 1).wrong).toEqual([]);
  }
});
