import { describe, expect, it } from "vitest";
import type { Callback } from "../src/index.js";
import { verifyResume } from "../src/checkpoint.js";
import { refusal } from "./refusal.js";
import { comparable, recorder } from "./resumed.js";
import { count, data, make } from "./checkpointedTraining.js";

describe("verifyResume", () => {
  it("says how much was the same, and puts the trainer back", async () => {
    const trainer = make();
    const before = comparable(await trainer.snapshot());
    const report = await verifyResume(trainer, data(), 7, { batchSize: 4, callbacks: () => [recorder()] });
    expect(report).toEqual({ updates: 14, variables: expect.any(Number) as number });
    expect(comparable(await trainer.snapshot())).toEqual(before);
  });

  it("finds a layer that counts by itself, data that change, and a callback that forgets", async () => {
    let calls = 0;
    const data2 = {
      resume: "seek",
      length: count,
      columns: data().columns,
      *batches(request: never) {
        calls++;
        for (const batch of data().batches({ ...(request as object), seed: calls } as never)) yield batch;
      },
    } as const;
    expect((await refusal(() => verifyResume(make(), data2 as never, 3, { batchSize: 4 }))).message).toMatch(
      /after it was resumed .* kept outside|other samples/,
    );
    let toldSteps = 0;
    const forgetting: Callback = { name: "forgetting", state: () => toldSteps, onStep: () => void toldSteps++ };
    expect(
      (await refusal(() => verifyResume(make(), data(), 3, { batchSize: 4, callbacks: () => [forgetting] }))).message,
    ).toMatch(/callbacks is .*A callback keeps what/);
  });

  it("refuses what it cannot prove", async () => {
    expect((await refusal(() => verifyResume(make(), data(), 0))).message).toMatch(/updates is a whole number/);
    expect((await refusal(() => verifyResume(make(), data(), 100, { epochs: 1 }))).message).toMatch(/ended before it had taken/);
    expect((await refusal(() => verifyResume(make(), data(), 1, { signal: undefined } as never))).message).toMatch(
      /no option "signal"/,
    );
  });
});
