/**
 * The law of arrays: a data set of bytes (or of any other integers) trains, evaluates and predicts as one of the same numbers in float32, compiled
 * and eagerly; a column of bool stays bool. An array that is detached or resized is refused with its reason, also where a backend holds a copy of
 * its elements, and nothing is left of it.
 */
import {
  bceWithLogits,
  crossEntropy,
  manualSeed,
  multiLabelSoftMargin,
  tensor,
  type Backend,
  type NumberArray,
} from "@ermine/core";
import { Conv2d, Flatten, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { dataset, sgd, Trainer, type Dataset } from "@ermine/trainer";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const samples = 12;
const side = 6;
const pixels = Array.from({ length: samples * side * side }, (_, i) => (i * 37 + (i >> 3) * 11) % 128);
const labels = Array.from({ length: samples }, (_, i) => (i * 5) % 3);

/** Float16Array, where the engine has it. */
const Half = (globalThis as { readonly Float16Array?: typeof Float32Array }).Float16Array;

/** Bytes over a buffer that can be made larger and smaller: an array of a fixed length, or one that is as long as its buffer. */
function resizableBytes(values: readonly number[], tracksLength = false): Uint8Array {
  const buffer = new (ArrayBuffer as unknown as new (size: number, options: { maxByteLength: number }) => ArrayBuffer)(
    values.length,
    { maxByteLength: 2 * values.length },
  );
  const bytes = tracksLength ? new Uint8Array(buffer) : new Uint8Array(buffer, 0, values.length);
  bytes.set(values);
  return bytes;
}

const resize = ({ buffer }: Uint8Array, size: number): void => (buffer as unknown as { resize(size: number): void }).resize(size);
const detach = ({ buffer }: Uint8Array): void => void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });

/** Ways to replace an array under a data set. */
const changes: Readonly<Record<string, () => { readonly bytes: Uint8Array; lose(): void }>> = {
  detached: () => {
    const bytes = Uint8Array.from(pixels);
    return { bytes, lose: () => detach(bytes) };
  },
  "detached, resizable": () => {
    const bytes = resizableBytes(pixels);
    return { bytes, lose: () => detach(bytes) };
  },
  shrunk: () => {
    const bytes = resizableBytes(pixels);
    return { bytes, lose: () => resize(bytes, pixels.length - 1) };
  },
  "shrunk, as long as its buffer": () => {
    const bytes = resizableBytes(pixels, true);
    return { bytes, lose: () => resize(bytes, pixels.length - 1) };
  },
  "grown, as long as its buffer": () => {
    const bytes = resizableBytes(pixels, true);
    return { bytes, lose: () => resize(bytes, pixels.length + 1) };
  },
};

const kinds: Readonly<Record<string, (values: readonly number[]) => NumberArray | BigInt64Array>> = {
  Uint8Array: (values) => Uint8Array.from(values),
  Uint8ClampedArray: (values) => Uint8ClampedArray.from(values),
  Int8Array: (values) => Int8Array.from(values),
  Uint16Array: (values) => Uint16Array.from(values),
  Uint32Array: (values) => Uint32Array.from(values),
  Int32Array: (values) => Int32Array.from(values),
  BigInt64Array: (values) => BigInt64Array.from(values, BigInt),
  Float64Array: (values) => Float64Array.from(values),
  ...(Half === undefined ? {} : { Float16Array: (values: readonly number[]) => Half.from(values) as NumberArray }),
  "resizable Uint8Array": (values) => resizableBytes(values),
  "Uint8Array as long as its buffer": (values) => resizableBytes(values, true),
};

const shape = [samples, 1, side, side];

const setOf = (data: NumberArray | BigInt64Array): Dataset =>
  dataset({ inputs: { data, shape }, targets: Uint8Array.from(labels) });

function trainerOf(backend: Backend, compile: boolean): Trainer {
  manualSeed(3);
  const model = new Sequential(new Conv2d(1, 2, 3), new ReLU(), new Flatten(), new Linear(32, 3));
  return new Trainer({ model, loss: crossEntropy, optimizer: sgd({ learningRate: 1e-4 }), backend, compile, seed: 3 });
}

const run = { epochs: 2, batchSize: 4, shuffle: false } as const;

/** The results of each kind of call. */
async function results(trainer: Trainer, data: Dataset): Promise<number[]> {
  const first = await trainer.predict(data);
  await trainer.fit(data, run);
  const { loss } = await trainer.evaluate(data);
  return [...first.data, loss, ...(await trainer.predict(data)).data];
}

async function trained(backend: Backend, compile: boolean, data: Dataset): Promise<number[]> {
  const trainer = trainerOf(backend, compile);
  try {
    return await results(trainer, data);
  } finally {
    trainer.dispose();
  }
}

/** The losses of a training whose labels are these. */
async function lossesOf(
  backend: Backend,
  compile: boolean,
  loss: typeof bceWithLogits | typeof multiLabelSoftMargin,
  truths: NumberArray | BigInt64Array,
): Promise<readonly number[]> {
  manualSeed(3);
  const trainer = new Trainer({ model: new Linear(2, 1), loss, optimizer: sgd({ learningRate: 0.1 }), backend, compile });
  const inputs = { data: Float32Array.from({ length: 2 * samples }, (_, i) => Math.sin(i)), shape: [samples, 2] };
  try {
    const { steps } = await trainer.fit(dataset({ inputs, targets: { data: truths, shape: [samples, 1] } }), run);
    return steps;
  } finally {
    trainer.dispose();
  }
}

function checkSame(label: string, actual: readonly number[], expected: readonly number[]): void {
  const place = expected.findIndex((value, i) => !Object.is(value, actual[i]));
  if (place >= 0)
    throw new Error(`${label}: number ${place} is ${actual[place]}, and of the same numbers in float32 ${expected[place]}`);
}

/** @param used the array was trained on before it is lost, so that a backend may hold a copy of it */
async function checkLost(backend: Backend, compile: boolean, make: (typeof changes)[string], used: boolean): Promise<void> {
  const data = setOf(Float32Array.from(pixels));
  const { bytes, lose } = make();
  const lost = setOf(bytes);
  const attempt = async (refusals: boolean): Promise<number[]> => {
    const trainer = trainerOf(backend, compile);
    try {
      if (used) await trainer.fit(refusals ? lost : data, run);
      if (refusals) {
        lose();
        for (const [label, call] of [
          ["fit", () => trainer.fit(lost, run)],
          ["evaluate", () => trainer.evaluate(lost)],
          ["predict", () => trainer.predict(lost)],
          ["fit's validation", () => trainer.fit(data, { ...run, validation: lost })],
        ] as const) {
          const { message } = await refused(call);
          if (!message.includes("detached") || !message.includes("resized")) throw new Error(`${label}: ${message}`);
        }
      }
      return await results(trainer, data);
    } finally {
      trainer.dispose();
    }
  };
  const expected = await attempt(false);
  checkSame("after refused calls", await attempt(true), expected);
}

/** bool comes back as bool, and bytes of it are bool where they are said to be. */
async function checkBool(backend: Backend, compile: boolean): Promise<void> {
  const mask = tensor([[true], [false]]);
  const copy = tensor(await mask.data(), { shape: mask.shape as readonly number[], dtype: mask.dtype });
  const model = new Flatten();
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: sgd(), backend, compile });
  try {
    for (const inputs of [copy, [[true], [false]], { data: Uint8Array.of(1, 0), shape: [2, 1], dtype: "bool" } as const]) {
      const output = await trainer.predict(dataset({ inputs }));
      if (output.dtype !== "bool" || output.data.join() !== "1,0")
        throw new Error(`bool became ${output.dtype} ${output.data.join()}`);
    }
  } finally {
    trainer.dispose();
  }
}

export const arraysAreNumbers: Law = {
  name: "a data set's arrays are the numbers that they hold",
  // About backends and not definitions: tried where ermine's own are.
  trials: (definitions) =>
    definitions.losses.some((loss) => loss.lossName === crossEntropy.lossName)
      ? [true, false].flatMap((compile) => {
          const how = compile ? "compiled" : "eager";
          return [
            ...Object.entries(kinds).map(([name, make]) => ({
              name: `${name}, ${how}`,
              async check(backend: Backend) {
                const expected = await trained(backend, compile, setOf(Float32Array.from(pixels)));
                checkSame(name, await trained(backend, compile, setOf(make(pixels))), expected);
              },
            })),
            ...Object.entries(changes).flatMap(([name, make]) =>
              [false, true].map((used) => ({
                name: `${name} ${used ? "between two fits" : "before a fit"}, ${how}`,
                check: (backend: Backend) => checkLost(backend, compile, make, used),
              })),
            ),
            ...Object.entries(kinds).map(([name, make]) => ({
              name: `${name} as labels, ${how}`,
              async check(backend: Backend) {
                const truths = labels.map((label) => label % 2);
                for (const loss of [bceWithLogits, multiLabelSoftMargin]) {
                  const expected = await lossesOf(backend, compile, loss, Float32Array.from(truths));
                  checkSame(`${loss.lossName} of ${name}`, await lossesOf(backend, compile, loss, make(truths)), expected);
                }
              },
            })),
            { name: `bool, ${how}`, check: (backend: Backend) => checkBool(backend, compile) },
          ];
        })
      : [],
};
