/** Checkpoints that somebody made on purpose: their digest is right, and what they say is not. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect } from "vitest";
import { ErmineError, manualSeed, mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { readSafetensors, writeSafetensors, type WritableTensor } from "@ermine/formats";
import { adamw, dataset, earlyStopping, Trainer, type FitOptions } from "../src/index.js";
import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint.js";
import { randomFrom } from "./random.js";
import { interruptAfter } from "./resumed.js";

const data = dataset({ inputs: [[1], [2], [3], [4]], targets: [[2], [4], [6], [8]] });
const make = (): Trainer => new Trainer({ model: new Linear(1, 1), loss: mse, optimizer: adamw(), backend: reference() });
const run = (): FitOptions<never, never> =>
  ({
    epochs: 3,
    batchSize: 1,
    validation: data,
    notice: () => undefined,
    callbacks: [earlyStopping({ monitor: "valLoss" })],
  }) as FitOptions<never, never>;

/** A checkpoint's state, to be changed, and a file that says the changed one, with its right digest. */
export async function laboratory(): Promise<{ text: string; file(state: string, names?: (name: string) => string): Uint8Array }> {
  manualSeed(1);
  const interrupting = interruptAfter(6);
  await make().fit(data, { ...run(), callbacks: [...run().callbacks!, interrupting] } as FitOptions<never, never>);
  const { tensors, metadata } = readSafetensors((await encodeCheckpoint(interrupting.last())).parts[0]!);
  const file = (state: string, names = (name: string) => name): Uint8Array => {
    const written = new Map(
      [...tensors].map(([name, { shape, dtype }]): [string, WritableTensor] => [
        names(name),
        { shape, dtype: dtype as "F32", data: tensors.get(name)!.elements() },
      ]),
    );
    const bytes = writeSafetensors(written, {
      metadata: { format: metadata.get("format")!, layout: metadata.get("layout")!, sha256: "0".repeat(64), state },
    });
    const place = Buffer.from(bytes.buffer).indexOf('"sha256":"') + 10;
    bytes.set(Buffer.from(createHash("sha256").update(bytes).digest("hex")), place);
    return bytes;
  };
  return { text: metadata.get("state")!, file };
}

const values: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e300,
  "",
  "../../secret",
  "https://example.com/x",
  [],
  {},
  [[]],
  { $number: "NaN" },
  { $number: "7" },
  { $tensor: "model.weight" },
  { $tensor: "none" },
  { $object: [["__proto__", { polluted: 1 }]] },
  { $object: [1] },
  { constructor: 1 },
  "__proto__",
];

/** Puts a value into a place of a tree, takes one away, or gives one another name. */
function mutated(text: string, random: () => number): string {
  const state: unknown = JSON.parse(text);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const places: [Record<string, unknown>, string][] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(state);
  const [node, key] = pick(places);
  const kind = random();
  if (kind < 0.6) node[key] = pick(values);
  else if (kind < 0.75) delete node[key];
  else if (kind < 0.9)
    Object.defineProperty(node, pick(["__proto__", "constructor", "toString", "x"]), {
      value: node[key],
      enumerable: true,
      configurable: true,
    });
  else node[key] = pick(places)[0];
  try {
    return JSON.stringify(state);
  } catch {
    return "{";
  }
}

/** Every changed state is refused by name, or read as what it is; a training that goes on from it trains or says what is wrong. @returns how many were read */
export async function checkMutants(count: number, seed: number): Promise<number> {
  const { text, file } = await laboratory();
  const random = randomFrom(seed);
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  let read = 0;
  for (let i = 0; i < count; i++) {
    const state = mutated(text, random);
    try {
      const snapshot = await decodeCheckpoint(file(state));
      read++;
      await make().fit(data, { ...run(), resume: snapshot });
    } catch (error) {
      if (!(error instanceof ErmineError))
        throw new Error(`${i} of seed ${seed}: ${String(error)} of ${state.slice(0, 3000)}`, { cause: error });
    }
    expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  }
  return read;
}

/**
 * Arbitrary JSON in the place of a checkpoint's state, or of one of its parts: refused by name, or read.
 *
 * @returns how many were read
 */
export async function checkArbitraryJson(count: number, seed: number): Promise<number> {
  const { text, file } = await laboratory();
  const state = JSON.parse(text) as Record<string, Record<string, unknown>>;
  const paths: (readonly [string, string | undefined])[] = Object.entries(state).flatMap(([part, members]) => [
    [part, undefined] as const,
    ...Object.keys(members).map((member) => [part, member] as const),
  ]);
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  let read = 0;
  const texts = fc.tuple(fc.option(fc.constantFrom(...paths)), fc.jsonValue({ maxDepth: 4 })).map(([path, value]) => {
    if (path === null) return JSON.stringify(value);
    const [part, member] = path;
    const changed =
      member === undefined ? value : Object.assign(Array.isArray(state[part]) ? [] : {}, state[part], { [member]: value });
    return JSON.stringify({ ...state, [part]: changed });
  });
  await fc.assert(
    fc.asyncProperty(texts, async (json) => {
      try {
        await decodeCheckpoint(file(json));
        read++;
      } catch (error) {
        if (!(error instanceof ErmineError)) throw error;
      }
      expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
    }),
    { numRuns: count, seed },
  );
  return read;
}
