/** The numbers of a task, read from its folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { product, type ParameterSpec } from "../model.js";
import type { Task } from "../task.js";

export type ModelTask = Exclude<Task, { kind: "kernel" | "gan" }>;

function bytes(folder: string, name: string): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = readFileSync(join(folder, name));
  return (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);
}

export interface NamedNumbers extends ParameterSpec {
  readonly data: Float32Array;
}

export function readParameters({ folder, parameters }: ModelTask): readonly NamedNumbers[] {
  const all = new Float32Array(bytes(folder, "parameters.bin"));
  let at = 0;
  return parameters.map((parameter) => {
    const data = all.subarray(at, (at += product(parameter.shape)));
    return { ...parameter, data };
  });
}

export type HostArray = Float32Array | Int32Array;

export interface HostBatch {
  readonly inputs: HostArray;
  readonly shape: readonly number[];
  readonly targets: HostArray;
  readonly targetShape: readonly number[];
}

/** All batches as one set. */
export function readAll({ folder, model, target, batch, batches }: ModelTask): HostBatch {
  const inputs = bytes(folder, "inputs.bin");
  const targets = bytes(folder, "targets.bin");
  return {
    inputs: model.input.indices === undefined ? new Float32Array(inputs) : new Int32Array(inputs),
    shape: [batch * batches, ...model.input.shape],
    targets: target.classes === undefined ? new Float32Array(targets) : new Int32Array(targets),
    targetShape: [batch * batches, ...target.shape],
  };
}

export function readBatches(task: ModelTask): readonly HostBatch[] {
  const { batch, batches } = task;
  const all = readAll(task);
  const shape = [batch, ...all.shape.slice(1)];
  const targetShape = [batch, ...all.targetShape.slice(1)];
  const [size, targetSize] = [product(shape), product(targetShape)];
  return Array.from({ length: batches }, (_, i) => ({
    inputs: all.inputs.subarray(i * size, (i + 1) * size),
    shape,
    targets: all.targets.subarray(i * targetSize, (i + 1) * targetSize),
    targetShape,
  }));
}
