import { describe, expect, it } from "vitest";
import { reference } from "@ermine/core/reference";
import { adamw, exponentialAverage, type Callback, type SavedState } from "../src/index.js";
import { refusal } from "./refusal.js";
import { comparable } from "./resumed.js";
import { arrays, maker, options } from "./resumableTraining.js";

describe("trainer.snapshot and trainer.restore", () => {
  it("a snapshot is a copy, and puts everything back", async () => {
    const trainer = maker()();
    await trainer.fit(arrays(), options()());
    const snapshot = await trainer.snapshot();
    const before = JSON.stringify(comparable(snapshot));
    await trainer.fit(arrays(), options()());
    expect(JSON.stringify(comparable(snapshot))).toBe(before);
    expect(JSON.stringify(comparable(await trainer.snapshot()))).not.toBe(before);
    await trainer.restore(snapshot);
    expect(JSON.stringify(comparable(await trainer.snapshot()))).toBe(before);
    expect(trainer.step).toBe(18);
    const fresh = maker()();
    await fresh.restore(snapshot);
    expect(JSON.stringify(comparable(await fresh.snapshot()))).toBe(before);
    // Both go on alike.
    const [a, b] = [await trainer.fit(arrays(), options()()), await fresh.fit(arrays(), options()())];
    expect(a).toEqual(b);
  });

  it("has the weights of training while their averages are in the model", async () => {
    const trainer = maker(() => ({ optimizer: exponentialAverage(adamw(), { decay: 0.5 }) }))();
    await trainer.fit(arrays(), options()());
    const before = comparable(await trainer.snapshot());
    const during = await trainer.withAveragedWeights(async () => comparable(await trainer.snapshot()));
    expect(during).toEqual(before);
  });

  it("while a fit runs both say what to do, and change nothing", async () => {
    const trainer = maker()();
    const before = await trainer.snapshot();
    const messages: string[] = [];
    const asking: Callback = {
      name: "asking",
      async onStep({ step }) {
        if (step !== 2) return;
        messages.push((await refusal(() => trainer.snapshot())).message, (await refusal(() => trainer.restore(before))).message);
      },
    };
    await trainer.fit(arrays(), { ...options()(), callbacks: [asking] });
    expect(messages).toEqual([expect.stringMatching(/requestSnapshot/), expect.stringMatching(/in a fit/)]);
    expect(trainer.step).toBe(18);
  });

  it.each([undefined, 5, {}, Promise.resolve()])("restore refuses %s", async (wrong) => {
    const error = await refusal(() => maker()().restore(wrong as never));
    expect(error.message).toMatch(/is restored from a snapshot/);
  });

  it("a callback's state that no snapshot can keep is named", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    for (const [state, message] of [
      [() => 5, /What state\(\) of odd gives is/],
      [{ deep: [1, new Map()] }, /gives\.deep\[1\] is/],
      [{ big: new BigInt64Array(1) }, /gives\.big is/],
      [circular, /gives\.self refers to itself/],
    ] as const) {
      const odd: Callback = { name: "odd", onStep: () => undefined, state: () => state as unknown as SavedState };
      const trainer = maker()();
      await trainer.fit(arrays(), { ...options()(), callbacks: [odd] });
      expect((await refusal(() => trainer.snapshot())).message).toMatch(message);
    }
  });

  it("leaves nothing on the backend", async () => {
    const backend = reference();
    const trainer = maker(() => ({ backend }))();
    await trainer.fit(arrays(), options()());
    const snapshot = await trainer.snapshot();
    await trainer.fit(arrays(), { ...options()(), resume: snapshot });
    const tensorsBefore = backend.memory().tensors;
    for (let i = 0; i < 3; i++) {
      await trainer.restore(await trainer.snapshot());
      await trainer.fit(arrays(), { ...options(() => ({ epochs: 4 }))(), resume: snapshot });
      await trainer.restore(snapshot);
      await trainer.fit(arrays(), { ...options()(), resume: snapshot });
    }
    expect(backend.memory().tensors).toBeLessThanOrEqual(tensorsBefore);
  });
});
