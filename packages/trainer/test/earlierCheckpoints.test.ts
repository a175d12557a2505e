/** Checkpoints that earlier versions have written (golden/checkpoints) are read, and trainings go on from them. `UPDATE_GOLDEN=1` writes one of this layout. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { manualSeed, mse } from "@ermine/core";
import { BatchNorm1d, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { readSafetensors } from "@ermine/formats";
import {
  adam,
  dataset,
  earlyStopping,
  exponentialAverage,
  Trainer,
  type FitOptions,
  type TrainingSnapshot,
} from "../src/index.js";
import { decodeCheckpoint, encodeCheckpoint, modelState } from "../src/checkpoint.js";
import { interruptAfter } from "./resumed.js";

const folder = new URL("../golden/checkpoints/", import.meta.url);

// Nothing whose last bit is that of the engine: no exp, no tanh.
const inputs = [
  [0, 1],
  [1, 0.5],
  [2, -1],
  [3, 0.25],
];
const data = dataset({ inputs, targets: [[1], [2.5], [2], [4]] });
const make = (): Trainer =>
  new Trainer({
    model: new Sequential(new Linear(2, 3), new BatchNorm1d(3), new ReLU(), new Linear(3, 1)),
    loss: mse,
    optimizer: exponentialAverage(adam({ learningRate: 0.05 })),
    backend: reference({ precision: "float32" }),
    seed: 3,
  });
const run = (resume?: TrainingSnapshot): FitOptions<never, never> =>
  ({
    epochs: 4,
    batchSize: 2,
    validation: data,
    notice: () => undefined,
    callbacks: [earlyStopping({ monitor: "valLoss", patience: 9 })],
    ...(resume === undefined ? {} : { resume }),
  }) as FitOptions<never, never>;
const listed = (values: Readonly<Record<string, { readonly data: ArrayLike<number> }>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(values).map(([name, { data: elements }]) => [name, Array.from(elements)]));

/** Parameters of the training's model at its end. */
async function end(resume?: TrainingSnapshot): Promise<Record<string, number[]>> {
  manualSeed(resume === undefined ? 1 : 9);
  const trainer = make();
  await trainer.fit(data, run(resume));
  return listed(modelState(await trainer.snapshot()) as never);
}

if (process.env.UPDATE_GOLDEN === "1") {
  manualSeed(1);
  const interrupting = interruptAfter(3);
  await make().fit(data, { ...run(), callbacks: [...run().callbacks!, interrupting] });
  const snapshot = interrupting.last();
  const file = (await encodeCheckpoint(snapshot)).parts[0]!;
  writeFileSync(new URL("layout-1.safetensors", folder), file);
  const expected = { saved: listed(modelState(snapshot) as never), end: await end() };
  writeFileSync(new URL("layout-1.json", folder), `${JSON.stringify(expected)}\n`);
}

const names = readdirSync(folder).flatMap((name) => (name.endsWith(".safetensors") ? [name.slice(0, -12)] : []));

it("there are some", () => expect(names).toContain("layout-1"));

it.each(names)("%s is read, and its training goes on to the values of one that was never stopped", async (name) => {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));
  const expected = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as Record<string, Record<string, number[]>>;
  const snapshot = await decodeCheckpoint(bytes);
  expect(snapshot.host.update).toBe(3);
  expect(listed(modelState(snapshot) as never)).toEqual(expected["saved"]);
  const { tensors } = readSafetensors(bytes);
  for (const [key, values] of Object.entries(expected["saved"]!))
    expect(Array.from(tensors.get(`model.${key}`)!.elements() as Float32Array)).toEqual(values);
  expect(await end(snapshot)).toEqual(expected["end"]);
});
