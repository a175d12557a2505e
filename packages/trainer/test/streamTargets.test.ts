/** Targets of data that come batch by batch are looked at as they arrive: no step uses one that the loss does not take. */
import { describe, expect, it } from "vitest";
import { bceWithLogits, crossEntropy, focal, manualSeed, mse, sub, square, type Loss } from "@ermine/core";
import { defineLoss, valueRule } from "@ermine/core/define";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { sgd, stream, Trainer, weightedSum, type DataSource, type FitOptions, type TrainerOptions } from "../src/index.js";

type Options = Partial<TrainerOptions<string, string>>;

const trainerOf = (loss: unknown, outputs: number, options: Options = {}): Trainer<string, string> => {
  manualSeed(5);
  return new Trainer<string, string>({
    model: new Linear(2, outputs),
    loss: loss as Loss,
    optimizer: sgd({ learningRate: 0.1 }),
    backend: reference(),
    ...options,
  });
};

/** A sample for each label. */
const samples = (labels: readonly (number | readonly number[])[]): DataSource =>
  stream(function* () {
    for (const [i, label] of labels.entries()) yield { inputs: [Math.sin(i), Math.cos(i)], targets: label };
  });
const classes = (labels: readonly number[]): DataSource =>
  stream(
    function* () {
      for (const [i, label] of labels.entries()) yield { inputs: [Math.sin(i), Math.cos(i)], targets: label };
    },
    { columns: { inputs: { shape: [2], dtype: "float32" }, targets: { shape: [], dtype: "int32" } } },
  );
const weightsOf = async (trainer: Trainer<string, string>): Promise<unknown> =>
  Object.values(await trainer.model.stateDict()).map(({ data }) => [...data]);
const fitOptions: FitOptions = { epochs: 1, batchSize: 2, shuffle: false };
const even = defineLoss({
  name: "evenError",
  link: "identity",
  inputs: [{ name: "guess" }, { name: "count", values: valueRule("counts are even", (value) => value % 2 === 0) }],
  elements: ([guess, count]) => ({ value: square(sub(guess, count)) }),
});

describe.each([
  ["one after the other", {}, { late: false }],
  ["without compiling", { compile: false }, { late: false }],
  ["on a backend that answers later", {}, { late: true }],
  ["accumulated", { accumulate: 2 }, { late: false }],
] as const)("targets of a stream, %s", (_, options, backend) => {
  const over = { ...options, backend: reference(backend) };

  it.each([
    [
      "classes",
      crossEntropy,
      3,
      classes([0, 1, 2, 0, 1, 3, 0, 0]),
      "crossEntropy (training set, batch 3): target 1 is 3, and classes",
    ],
    [
      "classes below 0",
      focal,
      3,
      classes([0, 1, 2, 0, -1, 2, 0, 0]),
      "focal (training set, batch 3): target 0 is -1, and classes",
    ],
    [
      "labels",
      bceWithLogits,
      1,
      samples([0, 1, 1, 0, 0, 2, 1, 1].map((label) => [label])),
      "bceWithLogits (training set, batch 3): target 1 is 2, and labels and probabilities are in [0, 1].",
    ],
    [
      "what a user's loss does not take",
      even,
      1,
      samples([0, 2, 4, 0, 1, 2, 2, 2].map((label) => [label])),
      "evenError (training set, batch 3): count 0 is 1, and counts are even.",
    ],
    [
      "those of a part of the loss",
      weightedSum([
        { name: "all", loss: mse },
        { name: "sides", loss: bceWithLogits, weight: 2 },
      ]),
      1,
      samples([0, 1, 1, 0, 0, 3, 1, 1].map((label) => [label])),
      "bceWithLogits (training set, batch 3): target 1 is 3",
    ],
  ])("%s: the steps before are taken, no step uses them, and training ends", async (__, loss, outputs, data, message) => {
    const trainer = trainerOf(loss, outputs, over);
    await expect(trainer.fit(data, fitOptions)).rejects.toMatchObject({
      code: "ERMINE_VALUE",
      message: expect.stringContaining(message) as string,
    });
    expect(trainer.step).toBe("accumulate" in options ? 1 : 2);
    const same = trainerOf(loss, outputs, over);
    const before = data.batches;
    await same.fit({ ...data, batches: (request) => firstOf(before(request), 2) }, fitOptions);
    expect(await weightsOf(trainer)).toEqual(await weightsOf(same));
    for (const one of [trainer, same]) one.dispose();
  });

  it("are left out with a notice where fit is to skip, and the rest is trained on", async () => {
    const labels = [0, 1, 1, 0, 0, 2, 1, 1, 1, 0, 0, 1].map((label) => [label]);
    const trainer = trainerOf(bceWithLogits, 1, over);
    const notices: string[] = [];
    await trainer.fit(samples(labels), { ...fitOptions, onRefusal: "skip", notice: (text) => notices.push(text) });
    expect(notices).toHaveLength(1);
    const isAccumulated = "accumulate" in options;
    expect(notices[0]).toContain(
      `ermine: batch ${isAccumulated ? 2 : 3} was left out. bceWithLogits (training set, batch 3): target 1 is 2`,
    );
    expect(trainer.step).toBe(isAccumulated ? 2 : 5);
    const good = trainerOf(bceWithLogits, 1, over);
    const rest = samples(labels);
    const keptIndices = isAccumulated ? [0, 1, 4, 5] : [0, 1, 3, 4, 5];
    await good.fit({ ...rest, batches: (request) => chosenOf(rest.batches(request), keptIndices) }, fitOptions);
    expect(await weightsOf(trainer)).toEqual(await weightsOf(good));
    for (const one of [trainer, good]) one.dispose();
  });

  it("are refused by evaluate, and as validation, naming the set", async () => {
    const trainer = trainerOf(bceWithLogits, 1, over);
    const bad = samples([[0], [1], [1], [5]]);
    await expect(trainer.evaluate(bad, { batchSize: 2 })).rejects.toThrow(
      "bceWithLogits (evaluated set, batch 2): target 1 is 5",
    );
    const good = samples([[0], [1], [1], [0]]);
    await expect(trainer.fit(good, { ...fitOptions, validation: bad })).rejects.toThrow(
      "(validation set, batch 2): target 1 is 5",
    );
    expect(await trainer.evaluate(good)).toMatchObject({ loss: expect.any(Number) as number });
    trainer.dispose();
  });
});

it("a loss that takes any target has nothing copied for it", async () => {
  const trainer = trainerOf(mse, 1);
  let copies = 0;
  const data = samples([[0], [1], [7], [-5]]);
  const counted: DataSource = {
    ...data,
    *batches(request) {
      for (const batch of data.batches(request) as Iterable<never>) {
        const { targets, ...columns } = (batch as { columns: { targets: { copyInto(target: unknown): void } } }).columns;
        const copyInto = (target: unknown): void => (copies++, targets.copyInto(target));
        yield { ...(batch as object), columns: { ...columns, targets: { ...targets, copyInto } } } as never;
      }
    },
  };
  await trainer.fit(counted, fitOptions);
  expect(copies).toBe(2);
  trainer.dispose();
});

type Batches = ReturnType<DataSource["batches"]>;
const firstOf = (batches: Batches, count: number): Batches =>
  chosenOf(
    batches,
    Array.from({ length: count }, (_, i) => i),
  );

async function* chosenOf(batches: Batches, keptIndices: readonly number[]): AsyncGenerator<never> {
  let place = 0;
  for await (const batch of batches) if (keptIndices.includes(place++)) yield batch as never;
}
