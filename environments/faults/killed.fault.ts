/** 1,000 kills −9 of a process that trains and saves, every optimizer among them, on cpu and tfjs, over arrays and streams. */
import { expect, test } from "vitest";
import { optimizers } from "@ermine/trainer/catalog";
import { killed, undisturbed, type Setup } from "../src/kept.js";

const total = 1000;
// sparseAdam is for tables alone.
const names = Object.keys(optimizers).filter((name) => name !== "sparseAdam");
const setups = names.flatMap((optimizer) =>
  (["cpu", "tfjs"] as const).flatMap((backend) =>
    (["arrays", "stream"] as const).map((source): Setup => ({ backend, source, optimizer })),
  ),
);

test.each(setups)("$optimizer on $backend over $source", async (setup) => {
  const whole = await undisturbed(setup, 5);
  const most = Math.ceil(total / setups.length);
  for (let kills = 0; kills < most;) {
    const result = await killed(setup, most - kills, 5, Math.random);
    expect(result.bytes.equals(whole)).toBe(true);
    kills += Math.max(1, result.kills);
  }
});
