import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed, mse } from "@ermine/core";
import { BatchNorm1d, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  dataset,
  sgd,
  stream,
  Trainer,
  type Batch,
  type BatchColumn,
  type Cursor,
  type Dataset,
  type DataSource,
  type FitOptions,
  type Sample,
  type StreamOptions,
  type StreamPass,
  type TrainerOptions,
} from "../src/index.js";
import { refusal } from "./refusal.js";

const count = 23;
const x = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * 1.3));
const y = Int32Array.from({ length: count }, (_, i) => (i * 7) % 2);
const inMemory = dataset({ inputs: { data: x, shape: [count, 3] }, targets: y });
const columns = {
  inputs: { shape: [3], dtype: "float32" },
  targets: { shape: [], dtype: "int32" },
} as const;

function* samples(): Generator<Sample> {
  for (let i = 0; i < count; i++) yield { inputs: x.subarray(3 * i, 3 * i + 3), targets: y[i]! };
}
async function* late(): AsyncGenerator<Sample> {
  for (const sample of samples()) {
    await new Promise((done) => setTimeout(done, 0));
    yield sample;
  }
}

function make(options: Partial<TrainerOptions<never>> = {}) {
  manualSeed(0);
  const model = new Sequential(new Linear(3, 6), new ReLU(), new Linear(6, 2));
  const given = { model, loss: crossEntropy, optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), backend: reference() };
  return new Trainer({ ...given, ...options } as TrainerOptions<never>);
}

type Data = Parameters<Trainer["fit"]>[0];
async function trained(
  data: Data,
  options: Partial<FitOptions<never, never>> = {},
  trainerOptions: Partial<TrainerOptions<never>> = {},
) {
  const trainer = make(trainerOptions);
  const history = await trainer.fit(data, { epochs: 2, batchSize: 4, shuffle: false, ...options });
  const state = Object.values(await trainer.model.stateDict()).map(({ data: values }) => Array.from(values));
  return { steps: history.steps, state };
}

/** A source of one's own that starts anywhere. */
const seekable: DataSource = {
  resume: "seek",
  columns,
  *batches({ batchSize, from }) {
    for (let at = (from as number | undefined) ?? 0; at < count; at += batchSize)
      yield plainBatch(at, Math.min(count, at + batchSize));
  },
};
function plainBatch(from: number, to: number): Batch {
  const column = (data: Float32Array | Int32Array, type: Pick<BatchColumn, "shape" | "dtype">): BatchColumn => ({
    ...type,
    copyInto: (target) => target.set(data),
  });
  return {
    size: to - from,
    index: from / 4,
    cursor: to,
    columns: { inputs: column(x.slice(3 * from, 3 * to), columns.inputs), targets: column(y.slice(from, to), columns.targets) },
  };
}

describe("a source of unknown length trains as the same data in memory", () => {
  it.each<readonly [string, () => Data, number]>([
    ["a function that makes an iterator", () => stream(samples, { columns }), 2],
    ["one that makes an asynchronous iterator", () => stream(late, { columns }), 2],
    ["a bare iterator, for one epoch", () => stream(samples(), { columns }), 1],
    ["a bare asynchronous iterator, for one epoch", () => stream(late(), { columns }), 1],
    ["an iterator that is nothing but next()", () => stream({ next: nextOf(samples()) } as Iterator<Sample>, { columns }), 1],
    ["data sets of several samples each", () => stream(chunks), 2],
    ["a source of one's own", () => seekable, 2],
  ])("%s", async (_, source, epochs) => {
    expect(await trained(source(), { epochs })).toEqual(await trained(inMemory, { epochs }));
  });

  const nextOf = (iterator: Iterator<Sample>) => () => iterator.next();
  function* chunks() {
    const rows = Array.from({ length: count }, (_, i) => i);
    for (const part of [rows.slice(0, 5), rows.slice(5, 6), rows.slice(6)]) yield inMemory.select(part);
  }

  it.each([1, 2, 3])("with %i micro-batches, and on a backend that answers later", async (accumulate) => {
    const expected = await trained(inMemory, {}, { accumulate });
    expect(await trained(stream(samples, { columns }), {}, { accumulate })).toEqual(expected);
    const options = { accumulate, backend: reference({ late: true }) };
    expect(await trained(stream(samples, { columns }), {}, options)).toEqual(expected);
    expect(await trained(stream(late, { columns }), {}, options)).toEqual(expected);
  });

  it("whose types are those of its first sample", async () => {
    function* numbers(): Generator<Sample> {
      for (let i = 0; i < 10; i++) yield { inputs: [i / 10, 1, 0], targets: [i / 5] };
    }
    const model = () => ({ loss: mse, model: new Linear(3, 1) });
    manualSeed(1);
    const streamed = await trained(stream(numbers), {}, model() as never);
    manualSeed(1);
    const all = [...numbers()];
    const data = dataset({
      inputs: all.map(({ inputs }) => inputs) as number[][],
      targets: all.map(({ targets }) => targets) as number[][],
    });
    expect(streamed).toEqual(await trained(data, {}, model() as never));
  });

  it("is evaluated, predicted and validated on", async () => {
    const source = stream(samples, { columns });
    const trainer = make();
    expect(await trainer.evaluate(source, { batchSize: 5 })).toEqual(await trainer.evaluate(inMemory, { batchSize: 5 }));
    const { epochs } = await trainer.fit(source, { epochs: 1, batchSize: 4, validation: stream(late, { columns }) });
    expect(epochs[0]!["valLoss"]).toBeCloseTo((await trainer.evaluate(inMemory)).loss, 10);
  });

  it("tells callbacks that the number of steps is not known, and leaves out a smaller last batch by dropLast", async () => {
    const reported: (number | undefined)[] = [];
    const callbacks = [
      {
        name: "sees",
        onTrainBegin: (_: unknown, info: { stepsPerEpoch: number | undefined }) => void reported.push(info.stepsPerEpoch),
        onStep: (info: { stepsPerEpoch: number | undefined; samples: number }) =>
          void reported.push(info.stepsPerEpoch, info.samples),
      },
    ];
    await trained(stream(samples, { columns }), { epochs: 1, batchSize: 10, dropLast: true, callbacks });
    expect(reported).toEqual([undefined, undefined, 10, undefined, 20]);
    reported.length = 0;
    await trained(stream(samples, { columns, length: count }), { epochs: 1, batchSize: 10, callbacks });
    expect(reported).toEqual([3, 3, 10, 3, 20, 3, 23]);
  });

  it("leaves out a batch over which a layer cannot measure, with a notice", async () => {
    const net = () => new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Linear(4, 2));
    const notices: string[] = [];
    const notice = (text: string): void => void notices.push(text);
    const { steps, state } = await trained(stream(samples, { columns }), { batchSize: 11, epochs: 1, notice }, { model: net() });
    expect(steps).toHaveLength(2);
    expect(notices).toEqual([expect.stringMatching(/batch 3 of the epoch has 1 sample and was left out/)]);
    expect(state.flat().every(Number.isFinite)).toBe(true);
  });
});

describe("the order of a stream", () => {
  const order = async (source: DataSource, { epoch, seed }: StreamPass): Promise<number[]> => {
    const inputValues: number[] = [];
    for await (const { size, columns: batchColumns } of source.batches({ batchSize: 5, epoch, seed })) {
      const values = new Float32Array(size);
      (batchColumns.inputs as BatchColumn).copyInto(values);
      inputValues.push(...values);
    }
    return inputValues;
  };
  const numbers = stream(
    function* () {
      for (let i = 0; i < 40; i++) yield { inputs: i };
    },
    { shuffle: 8 },
  );
  it("is drawn from a buffer by seed and epoch", async () => {
    const first = await order(numbers, { epoch: 0, seed: 1, skip: 0 });
    expect(first).not.toEqual(first.toSorted((a, b) => a - b));
    expect(first.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(await order(numbers, { epoch: 0, seed: 1, skip: 0 })).toEqual(first);
    expect(await order(numbers, { epoch: 1, seed: 1, skip: 0 })).not.toEqual(first);
    expect(await order(numbers, { epoch: 0, seed: 2, skip: 0 })).not.toEqual(first);
    expect(await order(numbers, { epoch: 0, seed: undefined, skip: 0 })).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
});

describe("batches of a data set", () => {
  const rowsOf = ({ size, columns: batchColumns }: Batch): number[] => {
    const values = new Int32Array(size);
    (batchColumns.targets as BatchColumn).copyInto(values);
    return Array.from(values);
  };
  const data = dataset({ inputs: new Float32Array(6), targets: Int32Array.from({ length: 6 }, (_, i) => i) });
  const request = { batchSize: 3, epoch: 0, seed: undefined };
  it("are one object, filled again, also in the next epoch", () => {
    const objects = new Set([...data.batches(request), ...data.batches({ ...request, epoch: 1 })]);
    expect(objects.size).toBe(1);
  });
  it("are not shared by two passes at once", () => {
    expect([...data.batches(request)]).toHaveLength(2);
    const [one, two] = [data.batches(request), data.batches(request)];
    const first = one.next().value as Batch;
    const other = [two.next(), two.next()].at(-1)!.value as Batch;
    expect(other).not.toBe(first);
    expect([first, other].map(rowsOf)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });
  it("that somebody retains are not filled by a later pass", () => {
    const retainedBatches = [...data.batches({ ...request, retained: 1 })];
    expect([...data.batches({ ...request, seed: 3 })]).toHaveLength(2);
    expect(retainedBatches.map(rowsOf)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });
});

describe("an epoch taken up at a cursor gives the batches that are left", () => {
  const read = async (source: DataSource, from?: Batch["cursor"], batchSize = 4) => {
    const positions: unknown[] = [];
    const request = { batchSize, epoch: 1, seed: 5, ...(from === undefined ? {} : { from }) };
    for await (const { size, index, cursor, columns: batchColumns } of source.batches(request)) {
      const values = new Float32Array(size * 3);
      (batchColumns.inputs as BatchColumn).copyInto(values);
      positions.push({ index, cursor, values: Array.from(values) });
    }
    return positions as { index: number; cursor: Batch["cursor"]; values: number[] }[];
  };
  it.each<readonly [string, () => DataSource]>([
    ["in memory", () => inMemory],
    ["of one's own", () => seekable],
    ["a stream", () => stream(samples, { columns })],
    ["a shuffled stream", () => stream(samples, { columns, shuffle: 7 })],
    ["an asynchronous stream", () => stream(late, { columns })],
  ])("%s", async (_, source) => {
    const allBatches = await read(source());
    for (const [i, { cursor }] of allBatches.entries()) {
      // A cursor is JSON.
      expect(await read(source(), JSON.parse(JSON.stringify(cursor)) as Batch["cursor"])).toEqual(allBatches.slice(i + 1));
    }
  });
  it("is refused where the data are others, or the cursor is of another source", async () => {
    const { cursor } = (await read(stream(samples, { columns })))[1]!;
    function* other(): Generator<Sample> {
      for (const sample of samples()) yield { ...sample, inputs: [0, 0, 1] };
    }
    expect((await refusal(() => read(stream(other, { columns }), cursor))).message).toMatch(/first 8 samples .* hash differs/);
    expect(
      (
        await refusal(() =>
          read(
            stream(() => [...samples()].slice(0, 5), { columns }),
            cursor,
          ),
        )
      ).message,
    ).toMatch(/ends after 5 samples, and training had taken 8/);
    expect((await refusal(() => read(stream(samples, { columns }), 8))).message).toMatch(/no place in a stream/);
    expect((await refusal(() => read(inMemory, cursor))).message).toMatch(/no place between two batches/);
    expect((await refusal(() => read(inMemory, 7))).message).toMatch(/no place between two batches of 4/);
  });
});

describe("what cannot be done with a stream is refused before the first step, with the way out", () => {
  const once = () => stream(samples(), { columns });
  it.each<readonly [string, () => unknown, RegExp]>([
    [
      "a second epoch of an iterator",
      () => trained(once(), { epochs: 2 }),
      /can be read once: there is no second epoch.*Pass a function/,
    ],
    [
      "an iterator without columns",
      () => trained(stream(samples()), { epochs: 1 }),
      /must be stated: stream\(iterator, \{ columns/,
    ],
    ["a second epoch of validation data", () => trained(inMemory, { epochs: 2, validation: once() }), /no second epoch/],
    [
      "validationSplit",
      () => trained(stream(samples, { columns }), { validationSplit: 0.5 }),
      /validationSplit holds out samples of a data set in memory/,
    ],
    ["an empty stream", () => trained(stream(() => [])), /The data are empty/],
    ["a sample without inputs", () => trained(stream(() => [{ x: 1 } as never])), /a sample is \{ inputs, targets \}/],
    ["a function that makes no iterator", () => trained(stream((() => 5) as never)), /which is no iterator/],
    ["a number", () => trained(5 as never), /fit takes a data set or a data source, got 5/],
    ["a function that was not made a source", () => trained(samples as never), /an iterator of samples write stream\(…\)/],
    ["a source without resume", () => trained({ batches: () => [] } as never), /states how it resumes/],
    [
      "samples of two shapes",
      () =>
        trained(
          stream(() => [
            { inputs: [1, 2, 3], targets: Int32Array.of(1) },
            { inputs: [1, 2], targets: Int32Array.of(1) },
          ]),
        ),
      /Sample 1 of the stream: inputs is float32\[2\], and the stream's is float32\[3\]/,
    ],
    ["a length of 0", () => stream(samples, { length: 0 }), /length is a whole number ≥ 1/],
    ["an option that there is not", () => stream(samples, { bufferSize: 3 } as never), /bufferSize/],
    ["skipping what is no choice", () => trained(inMemory, { onRefusal: "ignore" as never }), /onRefusal is "stop" or "skip"/],
  ])("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
  it("a second fit over an iterator", async () => {
    const source = once();
    await trained(source, { epochs: 1 });
    expect((await refusal(() => trained(source, { epochs: 1 }))).message).toMatch(/can be read once/);
  });
  it("an error of the iterator ends training, and the next fit goes on", async () => {
    function* broken(): Generator<Sample> {
      yield* [...samples()].slice(0, 9);
      throw new RangeError("The file ends here.");
    }
    for (const backend of [reference(), reference({ late: true })]) {
      const trainer = make({ backend });
      await expect(trainer.fit(stream(broken, { columns }), { epochs: 1, batchSize: 4 })).rejects.toThrow("The file ends here.");
      expect(trainer.step).toBe(2);
      await trainer.fit(inMemory, { epochs: 1, batchSize: 4 });
      expect(trainer.step).toBe(2 + 6);
    }
  });
  it("an iterator is closed where training is stopped", async () => {
    let closed = 0;
    function* closes(): Generator<Sample> {
      try {
        for (;;) yield* samples();
      } finally {
        closed++;
      }
    }
    const stop = {
      name: "stops",
      onStep: ({ step }: { step: number }, control: { stop(reason: string): void }) =>
        void (step === 9 && control.stop("enough")),
    };
    const history = await make().fit(stream(closes, { columns }), { epochs: 3, batchSize: 4, callbacks: [stop] });
    expect([history.stopped, history.steps.length, closed]).toEqual(["enough", 9, 1]);
  });
});

describe("a stream that seeks", () => {
  const reads: number[] = [];
  const source = (options: StreamOptions = {}) =>
    stream(
      ({ skip }: StreamPass) => {
        reads.push(skip);
        return [...samples()].slice(skip);
      },
      { columns, seek: true, ...options },
    );
  const rest = (data: DataSource, from?: Cursor) => {
    const batches = data.batches({ batchSize: 4, epoch: 0, seed: 1, ...(from === undefined ? {} : { from }) }) as Iterable<Batch>;
    return Array.from(batches, ({ index, size, cursor, columns: { inputs } }) => {
      const target = new Float32Array(3 * size);
      (inputs as BatchColumn).copyInto(target);
      return { index, size, cursor, elements: Array.from(target) };
    });
  };

  it("gives the same rest from every cursor, with the cursors of the unbroken epoch, and reads nothing twice", () => {
    const allSamples = rest(source());
    expect(source().resume).toBe("seek");
    allSamples.forEach(({ cursor }, i) => {
      reads.length = 0;
      expect(rest(source(), cursor)).toEqual(allSamples.slice(i + 1));
      expect(reads).toEqual([Math.min(count, 4 * (i + 1))]);
    });
  });
  it("replays where a shuffle buffer comes after it", () => {
    const shuffled = source({ shuffle: 5 });
    const allSamples = rest(shuffled);
    reads.length = 0;
    expect([shuffled.resume, rest(shuffled, allSamples[1]!.cursor)]).toEqual(["replay", allSamples.slice(2)]);
    expect(reads).toEqual([0]);
  });
  it("seeks by data sets, and goes on within one", () => {
    const all = [...samples()];
    // Of 1, 2, 3, 1, … samples, so that batches end within and between them.
    const items: Dataset[] = [];
    for (let from = 0; from < count; from += 1 + ((items.length - 1) % 3)) {
      const some = all.slice(from, from + 1 + (items.length % 3));
      items.push(
        dataset({
          inputs: some.map(({ inputs }) => inputs as Float32Array),
          targets: Int32Array.from(some, ({ targets }) => targets as number),
        }),
      );
    }
    const ofDatasets = (seek: boolean) =>
      stream(
        ({ skip }: StreamPass) => {
          reads.push(skip);
          return items.slice(skip);
        },
        { columns, seek },
      );
    const withoutItems = (batches: ReturnType<typeof rest>) =>
      batches.map(({ cursor, ...batch }) => ({ ...batch, hash: (cursor as { readonly hash: number }).hash }));
    const allSamples = rest(ofDatasets(true));
    expect(withoutItems(allSamples)).toEqual(withoutItems(rest(source())));
    allSamples.forEach(({ cursor }, i) => {
      reads.length = 0;
      expect(rest(ofDatasets(true), cursor)).toEqual(allSamples.slice(i + 1));
      expect(reads).toEqual([(cursor as { readonly items: number }).items]);
      expect(rest(ofDatasets(false), cursor)).toEqual(allSamples.slice(i + 1));
    });
    expect(new Set(allSamples.map(({ cursor }) => (cursor as { readonly rows: number }).rows)).size).toBeGreaterThan(1);
  });
  it("refuses other data than those that were taken", async () => {
    const short = dataset({ inputs: [[1, 2, 3]], targets: Int32Array.of(1) });
    const cursor = { samples: 5, hash: 1, items: 0, rows: 5 };
    expect(
      (
        await refusal(() =>
          rest(
            stream(() => [short], { columns, seek: true }),
            cursor,
          ),
        )
      ).message,
    ).toMatch(/Item 0 of the stream has 1 samples, and training had taken 5 of it/);
    expect(
      (
        await refusal(() =>
          rest(
            stream(() => [short], { columns }),
            { ...cursor, samples: 1 },
          ),
        )
      ).message,
    ).toMatch(/their hash differs/);
    expect((await refusal(() => rest(source(), 3))).message).toMatch(/no place in a stream/);
  });
  it("is made by a function", async () => {
    expect((await refusal(() => stream([...samples()], { seek: true }))).message).toMatch(/only a function can seek/);
  });
});
