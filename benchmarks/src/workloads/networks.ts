/** Networks of the kinds that people train, several sizes each: training steps, predictions, and what a step of ermine's costs besides. */
import { contest, isMeasured, type Entry } from "../contest.js";
import type { Contestant } from "../contestants.js";
import type { ModelSpec } from "../model.js";
import {
  autoencoder,
  languageModel,
  residualNetwork,
  separableNetwork,
  sequenceClassifier,
  signalNetwork,
  tabular,
  wordsClassifier,
} from "../networks/index.js";
import { forwardFlops } from "../shapes.js";
import { contestSection, digits, ratioText, type Section } from "../table.js";
import { withContestants, withData, type Setting, type Workload } from "./workload.js";

interface Size {
  /** What differs from the other sizes of this kind. */
  readonly title: string;
  readonly model: ModelSpec;
  readonly batch: number;
  /** Of predictions, where it is another. */
  readonly predictBatch?: number;
}

interface Network {
  readonly name: string;
  readonly title: string;
  readonly sizes: readonly Size[];
  /** For tests: all of its layers, none of the work. */
  readonly small: Size;
}

const networks: readonly Network[] = [
  {
    name: "resnet",
    title: "Residual blocks of 3×3 convolutions with batch norm, 1×1 of stride 2 around those that halve the map",
    sizes: [
      { title: "32×32, widths 16, 32, 64, batch 64", model: residualNetwork(32, [16, 32, 64], 10), batch: 64 },
      { title: "75×75, widths 32, 64, 128, batch 1", model: residualNetwork(75, [32, 64, 128], 10), batch: 1 },
      { title: "56×56, widths 64, 128, batch 4", model: residualNetwork(56, [64, 128], 10), batch: 4 },
    ],
    small: { title: "9×9, widths 3, 4, batch 2", model: residualNetwork(9, [3, 4], 3), batch: 2 },
  },
  {
    name: "mobilenet",
    title: "Depthwise and 1×1 convolutions with batch norm and ReLU6",
    sizes: [
      {
        title: "32×32, widths 32 to 256, depthwise 3×3, batch 64",
        model: separableNetwork(32, [32, 64, 128, 128, 256], 3, 10),
        batch: 64,
      },
      {
        title: "129×129, widths 24 to 192, depthwise 3×3, batch 1",
        model: separableNetwork(129, [24, 48, 96, 96, 192], 3, 10),
        batch: 1,
      },
      {
        title: "63×63, widths 16 to 96, depthwise 5×5, batch 16",
        model: separableNetwork(63, [16, 32, 48, 64, 96], 5, 10),
        batch: 16,
      },
    ],
    small: { title: "9×9, widths 3, 4, 6, depthwise 3×3, batch 2", model: separableNetwork(9, [3, 4, 6], 3, 3), batch: 2 },
  },
  {
    name: "conv1d",
    title: "1-D convolutions with kernels of 7 and 5, batch norm and max pooling",
    sizes: [
      {
        title: "128 steps, channels 8 to 64, batch 64",
        model: signalNetwork({ length: 128, channels: [8, 32, 64], classes: 6 }),
        batch: 64,
      },
      {
        title: "4,001 steps, channels 2 to 128, batch 1",
        model: signalNetwork({ length: 4001, channels: [2, 32, 64, 128], classes: 6 }),
        batch: 1,
      },
      {
        title: "501 steps, channels 12 to 48, kernels of 5 dilated by 4, batch 16",
        model: signalNetwork({ length: 501, channels: [12, 24, 48], classes: 5, dilation: 4 }),
        batch: 16,
      },
    ],
    small: {
      title: "21 steps, channels 2 to 4, batch 2",
      model: signalNetwork({ length: 21, channels: [2, 3, 4], classes: 3 }),
      batch: 2,
    },
  },
  {
    name: "autoencoder",
    title: "Convolutions 4×4 of stride 2, and transposed ones back; mean squared error",
    sizes: [
      { title: "28×28, channels 1, 32, 64, batch 64", model: autoencoder(28, [1, 32, 64]), batch: 64 },
      { title: "150×150, channels 3, 32, 64, 128, batch 1", model: autoencoder(150, [3, 32, 64, 128]), batch: 1 },
    ],
    small: { title: "13×13, channels 2, 3, 4, batch 2", model: autoencoder(13, [2, 3, 4]), batch: 2 },
  },
  {
    name: "embedding",
    title: "Rows of a table of 20,000 × 64, their mean, a linear layer",
    sizes: [
      { title: "32 words, batch 64", model: wordsClassifier(20_000, 64, 32, 4), batch: 64 },
      { title: "400 words, batch 1", model: wordsClassifier(20_000, 64, 400, 4), batch: 1 },
    ],
    small: { title: "5 words of 30, 4 features, batch 3", model: wordsClassifier(30, 4, 5, 3), batch: 3 },
  },
  {
    name: "tabular",
    title: "Fully connected layers with batch norm, ReLU and dropout of 0.2",
    sizes: [
      { title: "40-128-64-2, batch 64; predictions of 1", model: tabular([40, 128, 64, 2], 0.2), batch: 64, predictBatch: 1 },
      { title: "213-512-256-128-7, batch 500", model: tabular([213, 512, 256, 128, 7], 0.2), batch: 500 },
    ],
    small: { title: "5-6-4-3, batch 7", model: tabular([5, 6, 4, 3], 0.2), batch: 7 },
  },
  {
    name: "gpt",
    title: "Causal transformer blocks over tokens, logits and cross-entropy at each",
    sizes: [
      {
        title: "4 blocks, d = 128, 4 heads, 64 tokens of 512, batch 16",
        model: languageModel({ blocks: 4, width: 128, heads: 4, hidden: 512, length: 64, vocabulary: 512 }),
        batch: 16,
      },
      {
        title: "4 blocks, d = 128, 4 heads, 199 tokens of 512, batch 1",
        model: languageModel({ blocks: 4, width: 128, heads: 4, hidden: 512, length: 199, vocabulary: 512 }),
        batch: 1,
      },
      {
        title: "12 blocks, d = 96, 3 heads, 64 tokens of 512, batch 8",
        model: languageModel({ blocks: 12, width: 96, heads: 3, hidden: 384, length: 64, vocabulary: 512 }),
        batch: 8,
      },
    ],
    small: {
      title: "1 block, d = 8, 2 heads, 5 tokens of 11, batch 2",
      model: languageModel({ blocks: 1, width: 8, heads: 2, hidden: 12, length: 5, vocabulary: 11 }),
      batch: 2,
    },
  },
];

const recurrentSizes = (
  cell: "lstm" | "gru",
  sizes: readonly (readonly [hidden: number, steps: number, batch: number, layers?: number])[],
): Size[] =>
  sizes.map(([hidden, steps, batch, layers = 1]) => ({
    title: `${layers > 1 ? `${layers} layers of ` : ""}${hidden} over ${steps} steps, batch ${batch}`,
    model: sequenceClassifier({ cell, hidden, steps, classes: 10, layers }),
    batch,
  }));

const recurrentNetworks: readonly Network[] = (["lstm", "gru"] as const).map((cell) => ({
  name: cell,
  title: `${cell === "lstm" ? "An LSTM" : "A GRU"} as wide as its input, the mean over the steps, a linear layer`,
  sizes: recurrentSizes(
    cell,
    cell === "lstm"
      ? [
          [32, 16, 32],
          [32, 256, 32],
          [64, 64, 32],
          [128, 64, 32],
          [256, 64, 32],
          [64, 64, 1],
          [32, 1000, 8],
        ]
      : [
          [96, 40, 32, 2],
          [64, 64, 32],
          [32, 1000, 8],
        ],
  ),
  small: recurrentSizes(cell, [[4, 5, 3, 2]])[0]!,
}));

/** Different batches that steps go round. */
const batches = 8;

/** One process each for all that is asked of one size. */
const measure = (network: string, size: Size, setting: Setting): Promise<readonly Section[]> =>
  withContestants(setting, async (all) => {
    const { title, model, batch, predictBatch = batch } = size;
    const own = all.filter(({ spec }) => spec.own);
    const rounds = (contestants: readonly Contestant[], kind: "train" | "fit" | "predict", samples: number) =>
      withData({ model, batch: samples, batches }, (data) => contest(contestants, { kind, ...data }, setting.pace));
    const trained = await rounds(all, "train", batch);
    const fitted = await rounds(own, "fit", batch);
    const predicted = await rounds(all, "predict", predictBatch);
    // Backward is a product for each of a forward's two operands.
    const gflop = (3 * forwardFlops(model) * batch) / 1e6;
    return [
      {
        ...contestSection(`${title}: training steps`, trained, { amount: gflop, unit: "GFLOPS" }),
        glance: `${network}, ${title}`,
      },
      contestSection(`${title}: predictions`, predicted),
      costSection(`${title}: the first step, and through trainer.fit`, trained, fitted),
    ];
  });

/** What a step takes that is not in its time: compiling, memory, and the trainer around it. */
function costSection(title: string, trained: readonly Entry[], fitted: readonly Entry[]): Section {
  const rows = trained.filter(isMeasured).map((entry) => {
    const { name, firstStep, program, time } = entry;
    const fit = fitted.find((other) => other.name === name);
    return {
      name,
      firstStep,
      program,
      bare: time.median,
      fit: fit !== undefined && isMeasured(fit) ? fit.time.median : undefined,
    };
  });
  const mebibytes = (bytes: number): string => digits(bytes / 2 ** 20);
  return {
    title,
    head: [
      "",
      "first step ms",
      "fit median ms",
      "fit / bare",
      "held by the step MiB",
      "variables, batch, live values MiB",
      "held / these",
    ],
    rows: rows.map(({ name, firstStep, program, bare, fit }) => [
      name,
      firstStep === undefined ? "–" : digits(firstStep),
      ...(fit === undefined ? ["–", "–"] : [digits(fit), ratioText(fit / bare)]),
      ...(program === undefined
        ? ["–", "–", "–"]
        : [mebibytes(program.held), mebibytes(program.live), ratioText(program.held / program.live)]),
    ]),
    data: rows,
  };
}

export const networkWorkloads: readonly Workload[] = [...networks, ...recurrentNetworks].map(({ name, title, sizes, small }) => ({
  name,
  async run(setting) {
    const sections: Section[] = [];
    for (const size of setting.small ? [small] : sizes) sections.push(...(await measure(name, size, setting)));
    return { workload: name, title: `${title}; AdamW, loss read every step`, sections };
  },
}));
