/** Processes that are killed −9: 1,000 that save, and 300 trainings that go on, every optimizer among them, on cpu and tfjs, over arrays and streams. */
import { expect, test } from "vitest";
import { optimizers } from "@ermine/trainer/catalog";
import { killed, killedWhileSaving, undisturbed, type Setup } from "../src/resumablePrograms.js";

const setups = Object.keys(optimizers).flatMap((optimizer) =>
  (["cpu", "tfjs"] as const).flatMap((backend) =>
    (["arrays", "stream"] as const).map((source): Setup => ({ backend, source, optimizer })),
  ),
);

test.for(Array.from({ length: 10 }, (_, i) => i + 1))("100 kills while it saves (%i of 10)", async (_, { task }) => {
  const { saves } = await killedWhileSaving(100, Math.random);
  expect(saves).toBeGreaterThanOrEqual(100);
  Object.assign(task.meta, { counts: { "kills while saving": 100, saves: saves } });
});

test.for(setups)("$optimizer on $backend over $source", async (setup, { task }) => {
  const whole = await undisturbed(setup, 5);
  const most = Math.ceil(300 / setups.length);
  let runs = 0;
  while (runs < most) {
    const { bytes, kills } = await killed(setup, most - runs, 5, Math.random);
    expect(bytes.equals(whole)).toBe(true);
    runs += Math.max(1, kills);
  }
  Object.assign(task.meta, { counts: { "runs killed and resumed": runs } });
});
