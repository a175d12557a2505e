/**
 * Files against the model that they were written from, by onnxruntime. Where ERMINE_ONNX_FILES names a folder, every file is kept there with its inputs and outputs, for
 * scripts/check.py.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { expect } from "vitest";
import { add, cast, leaves, mul, scalar, sum, tensor, Tensor, valueAndGrad, type DType, type Parameter } from "@ermine/core";
import { Embedding, EmbeddingBag, type Module } from "@ermine/core/nn";
import { loadModel, saveModel, type SaveOptions } from "../src/index.js";

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

/** Loaded again the file gives these outputs too, compiled or not, and saved again it is the same file. */
async function expectLoads(
  model: Module,
  bytes: Uint8Array,
  inputs: readonly Tensor[],
  expected: readonly Tensor[],
  tolerance: number,
): Promise<void> {
  const loaded = loadModel(bytes).eval();
  // Bytes of a file are integers.
  const given = loaded
    .inputs()
    .map(({ type }, i) => (type === "float32" || type === "bool" ? inputs[i]! : cast(inputs[i]!, "int32")));
  const actual = leaves(loaded.forward(...given)).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
  expect(actual.length).toBe(expected.length);
  for (const [i, t] of expected.entries()) {
    expect(actual[i]!.shape).toEqual(t.shape);
    expect(actual[i]!.dtype).toBe(t.dtype);
    expect(difference(actual[i]!.dataSync(), t.dataSync()), `output ${i} of the loaded model`).toBeLessThanOrEqual(tolerance);
  }
  expect(Buffer.compare(await saveModel(loaded), bytes), "saved again").toBe(0);
  expectSameGradients(model, loaded, inputs, given);
}

/** Σ over all float outputs of each element by a weight of its own. */
function weighed(model: Module, inputs: readonly Tensor[]): Tensor {
  const outputs = leaves((model.forward as (...given: readonly Tensor[]) => unknown)(...inputs)).filter(
    (leaf): leaf is Tensor => leaf instanceof Tensor && leaf.dtype === "float32",
  );
  return outputs
    .map((t) =>
      sum(
        mul(
          t,
          tensor(
            Float32Array.from({ length: t.size }, (_, i) => Math.sin(i + 1)),
            { shape: t.shape as number[] },
          ),
        ),
      ),
    )
    .reduce<Tensor>((a, b) => add(a, b), scalar(0));
}

/** The loaded model's parameters get the gradients that the model's of the same names get. */
function expectSameGradients(model: Module, loaded: Module, inputs: readonly Tensor[], given: readonly Tensor[]): void {
  const [originals, parameters] = [new Map(model.namedParameters()), new Map(loaded.namedParameters())];
  const names = [...originals.keys()].filter((name) => parameters.has(name));
  if (names.length === 0) return;
  const gradientsOf = (of: Module, variables: ReadonlyMap<string, Parameter>, taken: readonly Tensor[]): readonly Tensor[] =>
    valueAndGrad(
      () => weighed(of, taken),
      names.map((name) => variables.get(name)!),
    ).grads as readonly Tensor[];
  const [expected, actual] = [gradientsOf(model, originals, inputs), gradientsOf(loaded, parameters, given)].map((grads) =>
    grads.map((t) => t.dataSync()),
  );
  // A file has no row of a table that does not train, and of one whose norms are bounded no rows that are replaced.
  for (const [path, module] of model.namedModules()) {
    if (!(module instanceof Embedding || module instanceof EmbeddingBag) || module.paddingIdx === undefined) continue;
    if (module.maxNorm !== undefined) return;
    const row = module.paddingIdx * module.embeddingDim;
    actual![names.indexOf(path === "" ? "weight" : `${path}.weight`)]!.fill(0, row, row + module.embeddingDim);
  }
  for (const [i, name] of names.entries())
    expect(difference(actual![i]!, expected![i]!), `the gradient of ${name}`).toBeLessThanOrEqual(1e-4);
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
    await expectLoads(model, bytes, inputs.slice(), expected, tolerance);
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
