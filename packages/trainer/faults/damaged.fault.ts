/** A small checkpoint with every bit flipped, and with every length that is shorter: each is found. */
import { expect, it } from "vitest";
import { manualSeed, mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, Trainer, type FitOptions } from "../src/index.js";
import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint.js";
import { refusal } from "../test/refusal.js";
import { interruptAfter } from "../test/resumed.js";

it("is found", async ({ task }) => {
  manualSeed(1);
  const interrupting = interruptAfter(6);
  const data = dataset({ inputs: [[1], [2], [3], [4]], targets: [[2], [4], [6], [8]] });
  const trainer = new Trainer({ model: new Linear(1, 1), loss: mse, optimizer: adamw(), backend: reference() });
  await trainer.fit(data, { epochs: 3, batchSize: 1, callbacks: [interrupting], notice: () => undefined } as FitOptions<
    never,
    never
  >);
  const whole = (await encodeCheckpoint(interrupting.last())).parts[0]!;
  expect((await decodeCheckpoint(whole)).host.update).toBe(6);
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    whole[bit >> 3]! ^= 1 << (bit & 7);
    expect((await refusal(() => decodeCheckpoint(whole))).code, `bit ${bit}`).toMatch(/ERMINE_(DATA|UNSUPPORTED)/);
    whole[bit >> 3]! ^= 1 << (bit & 7);
  }
  for (let length = 0; length < whole.length; length++)
    expect((await refusal(() => decodeCheckpoint(whole.slice(0, length)))).code, `length ${length}`).toBe("ERMINE_DATA");
  await decodeCheckpoint(whole);
  Object.assign(task.meta, { counts: { "bits flipped": 8 * whole.length, "lengths cut": whole.length } });
});
