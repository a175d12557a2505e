/** An editor shows text on every option of what the packages export, and on every activation, loss, layer, optimizer and schedule itself. */
import { expect, it } from "vitest";
import { calls, hover } from "../../scripts/hover.mjs";

const all = calls();
it("shows text on every option where it is written", () => {
  const asked = all.flatMap(({ label, options, codeOf }) =>
    options.map((option: string) => ({ label: `${label} { ${option} }`, code: codeOf(option) })),
  );
  expect(asked.length).toBeGreaterThan(1200);
  const texts = hover(asked.map(({ code }) => code));
  expect(asked.filter((_, i) => texts[i] === "").map(({ label }) => label)).toEqual([]);
}, 120_000);

it("asks for the options of constructors, methods, losses, layers, optimizers and schedules, and of names with digits", () => {
  const labels = all.map(({ label }) => label);
  const expected = [
    "Trainer",
    "Trainer.fit",
    "Trainer.evaluate",
    "Trainer.predict",
    "Trainer.plan",
    "Trainer.profile",
    "adamw",
    "f1",
  ];
  expect(labels).toEqual(expect.arrayContaining([...expected, "schedules.cosine"].map((name) => `@ermine/trainer: ${name}`)));
  const layers = ["Conv2d", "BatchNorm1d", "MaxPool3d", "Embedding.fromPretrained", "L1Loss", "Module.parameterCount"];
  expect(labels).toEqual(expect.arrayContaining(layers.map((name) => `@ermine/core/nn: ${name}`)));
  expect(labels).toEqual(expect.arrayContaining(["@ermine/core: smoothL1", "@ermine/core: crossEntropy"]));
  const fit = all.find(({ label }) => label === "@ermine/trainer: Trainer.fit")!;
  expect(fit.options).toEqual(expect.arrayContaining(["epochs", "validation", "callbacks", "resume", "shadow", "notice"]));
});

it("shows what `labelSmoothing`, `learningRate`, `totalSteps`, `epochs` and `clipGradNorm` are", () => {
  const texts = hover([
    "core.crossEntropy(x_, x_, { |labelSmoothing: 0.1 });",
    "trainer.adamw({ |learningRate: 0.1 });",
    "trainer.schedules.cosine(0.1, { |totalSteps: 10 });",
    "new trainer.Trainer(x_).fit(x_, { |epochs: 10 });",
    "new trainer.Trainer({ ...x_, |clipGradNorm: 1 });",
    "new core_nn.|ELU({});",
    "core.|crossEntropy(x_, x_);",
    "(x_ as trainer.Trainer).fit(x_, { epochs: 10, validation: x_, |notice: x_ });",
    "(x_ as trainer.Trainer).fit(x_, { epochs: 10, |validationSplit: 0.2, notice: x_ });",
  ]);
  expect(texts[0]).toContain("targets become (1 − ε) · y + ε / K");
  expect(texts[1]).toContain("The size of a step");
  expect(texts[2]).toContain("Steps of half a cosine");
  expect(texts[3]).toContain("Passes over the data set");
  expect(texts[4]).toContain("Default: no clipping");
  expect(texts[5]).toContain("x for x > 0, else α(eˣ − 1)");
  expect(texts[6]).toContain("- derivative: w[y] · (softmax(z) − onehot(y))");
  // Next to the option that chooses the overload, and on it.
  expect(texts[7]).toContain("Told of what was noticed");
  expect(texts[8]).toContain("The share of the data set");
}, 120_000);
