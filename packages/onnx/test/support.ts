/**
 * Files against the model that they were written from, by onnxruntime. Where ERMINE_ONNX_FILES names a folder, every file is kept there with its inputs and outputs, for
 * scripts/check.py.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { expect } from "vitest";
import { leaves, Tensor, type DType } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import { saveModel, type SaveOptions } from "../src/index.js";

const runtimeTypes = { float32: "float32", int32: "int32", bool: "bool" } as const;

/** The tensor as onnxruntime takes it. */
export function runtimeTensor(t: Tensor, type: string = runtimeTypes[t.dtype as DType]): RuntimeTensor {
  const data = t.dataSync();
  const elements =
    type === "uint8" ? Uint8Array.from(data) : type === "int64" ? BigInt64Array.from(data as Int32Array, BigInt) : data.slice();
  return new RuntimeTensor(type as "float32", elements as Float32Array, t.shape as number[]);
}

/** The file's outputs for these inputs, in its order. */
export async function run(bytes: Uint8Array, inputs: readonly Tensor[], types: readonly (string | undefined)[] = []) {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1, interOpNumThreads: 1 });
  const feeds = Object.fromEntries(session.inputNames.map((name, i) => [name, runtimeTensor(inputs[i]!, types[i])]));
  try {
    const results = await session.run(feeds);
    return session.outputNames.map((name) => results[name]!);
  } finally {
    await session.release();
  }
}

/** max |a − b| / max(1, |b|); NaN and infinities must be the same. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(a, b) || a === b) continue;
    const off = Math.abs(a - b) / Math.max(1, Math.abs(b));
    most = Math.max(most, Number.isNaN(off) ? Infinity : off);
  }
  return most;
}

let kept = 0;

function keep(
  bytes: Uint8Array,
  inputs: readonly Tensor[],
  types: readonly (string | undefined)[],
  outputs: readonly Tensor[],
): void {
  const folder = process.env["ERMINE_ONNX_FILES"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const plain = (t: Tensor, type: string = t.dtype) => ({ type, shape: t.shape, data: Array.from(t.dataSync(), String) });
  const name = join(folder, `${process.pid}-${kept++}`);
  writeFileSync(`${name}.onnx`, bytes);
  writeFileSync(
    `${name}.json`,
    JSON.stringify({
      test: expect.getState().currentTestName,
      inputs: inputs.map((t, i) => plain(t, types[i])),
      outputs: outputs.map((t) => plain(t)),
    }),
  );
}

/** The model's file gives what the model gives, for each batch of inputs; the first is its sample. */
export async function expectSame(
  model: Module,
  batches: readonly (readonly Tensor[])[],
  options: Omit<SaveOptions, "sample"> = {},
  tolerance = 1e-5,
): Promise<Uint8Array> {
  const bytes = await saveModel(model, { sample: batches[0]!, ...options });
  const types = Object.values(options.inputs ?? {});
  model.eval();
  for (const inputs of batches) {
    const expected = leaves((model.forward as (...given: readonly Tensor[]) => unknown)(...inputs)).filter(
      (leaf): leaf is Tensor => leaf instanceof Tensor,
    );
    const actual = await run(bytes, inputs, types);
    keep(bytes, inputs, types, expected);
    expect(actual.length).toBe(expected.length);
    for (const [i, t] of expected.entries()) {
      expect(actual[i]!.dims).toEqual(t.shape);
      expect(actual[i]!.type).toBe(t.dtype);
      expect(difference(actual[i]!.data as Float32Array, t.dataSync()), `output ${i} of ${t.shape.join()}`).toBeLessThanOrEqual(
        tolerance,
      );
    }
  }
  return bytes;
}
