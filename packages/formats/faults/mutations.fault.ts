/** 10,000,000 damaged safetensors files, each shown to safetensors too (python3 with safetensors 0.8). */
import { expect, it } from "vitest";
import { compare } from "../test/compare.js";
import { pythonVerdicts } from "../test/verdicts.js";

const million = 1_000_000;
const batch = 100_000;

it.for(Array.from({ length: 10 }, (_, i) => i + 1))(
  "none crashes the reader, and none is read that safetensors refuses (million %i of 10)",
  async (part, { task }) => {
    const counts = { "mutated safetensors files": 0, "of which read": 0 };
    for (let from = part * million; from < (part + 1) * million; from += batch) {
      const verdicts = await pythonVerdicts(from, batch);
      const result = compare(from, batch, (seed) => verdicts[seed - from] === 1);
      expect(result.wrong).toEqual([]);
      counts["mutated safetensors files"] += batch;
      counts["of which read"] += result.read;
    }
    Object.assign(task.meta, { counts });
  },
);
