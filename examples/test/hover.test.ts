/** An editor shows text on every option of what the packages export, and on every activation, loss, layer, optimizer and schedule itself. */
import { expect, it } from "vitest";
import { calls, hover } from "../../scripts/hover.mjs";

const all = calls();
it("shows text on every option where it is written", () => {
  const asked = all.flatMap(({ label, call, options }) =>
    options.map((option: string) => ({
      label: `${label} { ${option} }`,
      code: `${call}{ |${option}: x_ });`,
    })),
  );
  expect(asked.length).toBeGreaterThan(300);
  const texts = hover(asked.map(({ code }) => code));
  expect(asked.filter((_, i) => texts[i] === "").map(({ label }) => label)).toEqual([]);
}, 60_000);

it("shows what `labelSmoothing`, `learningRate`, `totalSteps`, `epochs` and `clipGradNorm` are", () => {
  const texts = hover([
    "core.crossEntropy(x_, x_, { |labelSmoothing: 0.1 });",
    "trainer.adamw({ |learningRate: 0.1 });",
    "trainer.schedules.cosine(0.1, { |totalSteps: 10 });",
    "new trainer.Trainer(x_).fit(x_, { |epochs: 10 });",
    "new trainer.Trainer({ ...x_, |clipGradNorm: 1 });",
    "new core_nn.|ELU({});",
    "core.|crossEntropy(x_, x_);",
  ]);
  expect(texts[0]).toContain("targets become (1 − ε) · y + ε / K");
  expect(texts[1]).toContain("The size of a step");
  expect(texts[2]).toContain("Steps of half a cosine");
  expect(texts[3]).toContain("Passes over the data set");
  expect(texts[4]).toContain("Default: no clipping");
  expect(texts[5]).toContain("x for x > 0, else α(eˣ − 1)");
  expect(texts[6]).toContain("- derivative: w[y] · (softmax(z) − onehot(y))");
}, 60_000);
