/** Whole training steps: forward, cross-entropy, backward, AdamW, the loss read; bare, and through `trainer.fit`. */
import { contest, isMeasured, type Entry, type Measured } from "../contest.js";
import type { ModelSpec } from "../model.js";
import { connected, encoder, plainConvolutional } from "../networks/index.js";
import { forwardFlops } from "../shapes.js";
import { contestSection, digits, ratioText, type Section } from "../table.js";
import { withContestants, withData, type Workload } from "./workload.js";

interface Training {
  readonly name: string;
  readonly title: string;
  readonly model: ModelSpec;
  readonly batch: number;
  readonly small: { readonly model: ModelSpec; readonly batch: number };
}

export const trainings: readonly Training[] = [
  {
    name: "iris",
    title: "4-16-3, batch 16",
    model: connected(4, 16, 3),
    batch: 16,
    small: { model: connected(4, 16, 3), batch: 16 },
  },
  {
    name: "digits",
    title: "784-128-10, batch 64",
    model: connected(784, 128, 10),
    batch: 64,
    small: { model: connected(20, 8, 4), batch: 6 },
  },
  {
    name: "wide",
    title: "784-1024-1024-10, batch 256",
    model: connected(784, 1024, 1024, 10),
    batch: 256,
    small: { model: connected(12, 16, 16, 5), batch: 7 },
  },
  {
    name: "cnn",
    title: "conv 3×3×16, pool, conv 3×3×32, pool, linear on 28×28, batch 64",
    model: plainConvolutional(28, [16, 32], 10),
    batch: 64,
    small: { model: plainConvolutional(8, [3, 4], 5), batch: 3 },
  },
  {
    name: "attention",
    title: "2 transformer blocks, d = 64, 4 heads, sequence 64, batch 32",
    model: encoder({ blocks: 2, width: 64, heads: 4, hidden: 256, length: 64, classes: 10 }),
    batch: 32,
    small: { model: encoder({ blocks: 1, width: 8, heads: 2, hidden: 12, length: 5, classes: 4 }), batch: 3 },
  },
];

/** Different batches that steps go round, so that no cache holds just one. */
const batches = 32;

export const trainingWorkloads: readonly Workload[] = trainings.map((training) => ({
  name: training.name,
  async run(setting) {
    const { model, batch } = setting.small ? training.small : training;
    return withData({ model, batch, batches }, async (data) => {
      const bare = await withContestants(setting, (all) => contest(all, { kind: "train", ...data }, setting.pace));
      const own = { ...setting, peers: [] };
      // Beside bare steps again: those before had the peers' processes beside them.
      const pairs = await withContestants(own, (bareAgain) =>
        withContestants(own, (fitting) =>
          contest(
            [...bareAgain, ...fitting],
            (contestant) => ({ kind: fitting.includes(contestant) ? "fit" : "train", ...data }),
            setting.pace,
          ),
        ),
      );
      // Backward is a product for each of a forward's two operands.
      const gflop = (3 * forwardFlops(model) * batch) / 1e6;
      return {
        workload: training.name,
        title: `${training.title}, AdamW, cross-entropy, loss read every step`,
        sections: [
          contestSection("Bare compiled steps", bare, { amount: gflop, unit: "GFLOPS" }),
          fitSection(pairs.slice(0, pairs.length / 2), pairs.slice(pairs.length / 2)),
        ],
      };
    });
  },
}));

function fitSection(bare: readonly Entry[], fitted: readonly Entry[]): Section {
  const pairs = fitted.flatMap((fit) => {
    const own = bare.find(({ name }) => name === fit.name);
    return own !== undefined && isMeasured(fit) && isMeasured(own) ? [[fit, own] as [Measured, Measured]] : [];
  });
  return {
    title: "Through trainer.fit: shuffling, gathering, history, progress bar",
    head: ["", "median ms", "min ms", "fit / bare"],
    rows: pairs.map(([{ name, time }, own]) => [
      name,
      digits(time.median),
      digits(time.min),
      ratioText(time.median / own.time.median),
    ]),
    data: pairs.map(([{ name, time }, own]) => ({ name, time, fitToBare: time.median / own.time.median })),
  };
}
