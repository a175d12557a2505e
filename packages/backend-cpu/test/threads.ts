/** Backends with their workers at work, and the workers themselves for tests that end them. */
import type * as workerThreads from "node:worker_threads";
import { matmul, tensor, withBackend } from "@ermine/core";
import { cpu, type CpuBackend, type Numerics } from "../src/index.js";

/** A backend whose workers have come. */
export async function crowd(threads: number, numerics: Numerics = "fast"): Promise<CpuBackend> {
  const backend = await cpu({ threads, numerics });
  const square = new Float32Array(256 * 256);
  withBackend(backend, () => {
    const a = tensor(square, { shape: [256, 256] });
    matmul(a, a).dispose();
    a.dispose();
  });
  while (backend.statistics().workers < threads - 1) await new Promise((resolve) => setTimeout(resolve, 1));
  return backend;
}

type WorkerClass = typeof workerThreads.Worker;

/** Does something, and catches the workers that are started meanwhile. */
export async function watched<T>(start: () => Promise<T>): Promise<{ value: T; workers: InstanceType<WorkerClass>[] }> {
  const module = process.getBuiltinModule("node:worker_threads") as { Worker: WorkerClass };
  const { Worker } = module;
  const workers: InstanceType<WorkerClass>[] = [];
  module.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<WorkerClass>) {
      super(...args);
      workers.push(this);
    }
  };
  try {
    return { value: await start(), workers };
  } finally {
    module.Worker = Worker;
  }
}

/** Makes a backend, and catches the workers that it starts. */
export async function watchedCrowd(threads: number): Promise<{ backend: CpuBackend; workers: InstanceType<WorkerClass>[] }> {
  const { value: backend, workers } = await watched(() => crowd(threads));
  return { backend, workers };
}
