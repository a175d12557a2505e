/** The numbers of a task, read from its folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { product, sampleShape, type ParameterSpec } from "../model.js";
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

export interface HostBatch {
  readonly inputs: Float32Array;
  readonly shape: readonly number[];
  readonly labels: Int32Array;
}

export function readBatches({ folder, model, batch, batches }: ModelTask): readonly HostBatch[] {
  const inputs = new Float32Array(bytes(folder, "inputs.bin"));
  const labels = new Int32Array(bytes(folder, "labels.bin"));
  const shape = [batch, ...sampleShape(model)];
  const size = product(shape);
  return Array.from({ length: batches }, (_, i) => ({
    inputs: inputs.subarray(i * size, (i + 1) * size),
    labels: labels.subarray(i * batch, (i + 1) * batch),
    shape,
  }));
}

/** All batches as one set. */
export function readAll(task: ModelTask): HostBatch {
  return {
    inputs: new Float32Array(bytes(task.folder, "inputs.bin")),
    labels: new Int32Array(bytes(task.folder, "labels.bin")),
    shape: [task.batch * task.batches, ...sampleShape(task.model)],
  };
}
