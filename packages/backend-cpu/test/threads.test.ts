import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  add,
  amax,
  convolution,
  crossEntropy,
  grad,
  linear,
  logSoftmax,
  matmul,
  mul,
  scope,
  softmax,
  sum,
  tensor,
  valueAndGrad,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { Emitter } from "../src/emitter.js";
import { loadEngine } from "../src/engine.js";
import { Heap } from "../src/heap.js";
import { cpu } from "../src/index.js";
import { Pool } from "../src/threads/pool.js";
import { crowd, watched, watchedCrowd } from "./threads.js";
import { wideFingerprint } from "./trained.js";

/** Numbers without a pattern that a mistake could keep. */
const noise = Float32Array.from({ length: 5_000_000 }, (_, i) => ((i * 0.7548776662 + 0.1) % 1) - 0.5);
const noisy = (...shape: number[]): Tensor =>
  tensor(
    noise.subarray(
      0,
      shape.reduce((a, b) => a * b, 1),
    ),
    { shape },
  );

const classes = (count: number, of: number): Tensor => tensor(Int32Array.from({ length: count }, (_, i) => (i * 7) % of));

const product = (m: number, k: number, n: number, transposeA: boolean, transposeB: boolean) => (): Tensor =>
  matmul(transposeA ? noisy(k, m) : noisy(m, k), transposeB ? noisy(n, k) : noisy(k, n), { transposeA, transposeB });

/** The gradients of x, weight and bias. */
function slopes(images: number, channels: number, out: number, side: number, kernel: number): readonly Tensor[] {
  const sources = [noisy(images, channels, side, side), noisy(out, channels, kernel, kernel), noisy(out)];
  const { grads } = valueAndGrad(() => {
    const y = convolution(sources[0]!, sources[1]!, sources[2], { padding: (kernel - 1) / 2 });
    return sum(mul(y, noisy(...(y.shape as number[]))));
  }, sources);
  return grads;
}

const forking: [name: string, run: () => Tensor][] = [
  ["a · b at 131 × 300 × 257", product(131, 300, 257, false, false)],
  ["a · bᵀ at 131 × 300 × 257", product(131, 300, 257, false, true)],
  ["aᵀ · b at 131 × 300 × 257", product(131, 300, 257, true, false)],
  ["a row times a matrix", product(1, 1031, 1021, false, false)],
  ["a matrix times a column", product(1021, 1031, 1, false, true)],
  ["a row times a transposed matrix", product(1, 1031, 1021, false, true)],
  ["three rows times a matrix", product(3, 301, 1021, false, false)],
  ["three rows times a transposed matrix", product(3, 301, 1023, false, true)],
  ["a product that is deep", product(9, 30_011, 7, true, true)],
  ["a product whose b is packed in two turns", product(5, 2100, 2100, false, false)],
  ["seven products at once", () => matmul(noisy(7, 50, 61), noisy(7, 61, 43))],
  ["a sum of columns", () => sum(noisy(530, 203), { axis: 0 })],
  ["sums of columns in the middle", () => sum(noisy(7, 53, 203), { axis: 1 })],
  ["sums of rows", () => sum(noisy(530, 203), { axis: 1 })],
  ["the largest of rows", () => amax(noisy(530, 203), { axis: 1 })],
  ["softmax", () => softmax(noisy(131, 67), { axis: 1 })],
  ["log-softmax along the first axis but one", () => logSoftmax(noisy(31, 67, 5), { axis: 1 })],
  ["cross-entropy", () => crossEntropy(noisy(531, 67), classes(531, 67), { reduction: "none" })],
  ["the gradient of cross-entropy", () => grad((z: Tensor) => crossEntropy(z, classes(531, 67)))(noisy(531, 67))],
  ["the gradient of softmax", () => grad((z: Tensor) => sum(mul(softmax(z, { axis: 1 }), noisy(531, 67))))(noisy(531, 67))],
  ["a 3 × 3 convolution", () => convolution(noisy(37, 16, 15, 14), noisy(18, 16, 3, 3), noisy(18), { padding: 1 })],
  ["a 5 × 5 convolution of one channel", () => convolution(noisy(67, 1, 28, 28), noisy(18, 1, 5, 5), noisy(18), { padding: 2 })],
  ["the gradient of a 3 × 3 convolution's image", () => slopes(37, 16, 18, 15, 3)[0]!],
  ["the gradient of a 3 × 3 convolution's weight", () => slopes(37, 16, 18, 15, 3)[1]!],
  ["the gradient of a 3 × 3 convolution's weight of many rows", () => slopes(3, 70, 131, 7, 3)[1]!],
  ["the gradient of a 3 × 3 convolution's bias", () => slopes(37, 16, 18, 15, 3)[2]!],
  ["the gradient of a 5 × 5 convolution's weight", () => slopes(67, 1, 18, 28, 5)[1]!],
  ["a linear layer with a bias", () => linear(noisy(67, 400), noisy(131, 400), noisy(131))],
];

describe.each(["fast", "portable"] as const)("every number of threads gives the same bits, %s", async (numerics) => {
  const one = await cpu({ threads: 1, numerics });
  const several = await Promise.all([2, 3, 5].map((threads) => crowd(threads, numerics)));

  it.each(forking)("%s", (_, run) => {
    const alone = withBackend(one, () => run().dataSync());
    expect(alone.every((value) => Number.isFinite(value))).toBe(true);
    expect(alone.some((value) => value !== 0)).toBe(true);
    for (const backend of several) {
      for (let turn = 0; turn < 3; turn++) {
        const together = withBackend(backend, () => scope(() => run().dataSync()));
        expect(together.findIndex((value, i) => !Object.is(value, alone[i]))).toBe(-1);
      }
    }
  });

  it("a training", async () => {
    const alone = await wideFingerprint(one);
    for (const backend of several) expect(await wideFingerprint(backend)).toBe(alone);
  });
});

describe("the number of threads", () => {
  it("is said in the engine's name", async () => {
    expect((await cpu({ threads: 1, vectors: 128 })).engine).toMatch(/, 1 thread$/);
    const three = await cpu({ threads: 3, vectors: 128 });
    expect(three.engine).toMatch(/, 3 threads$/);
    expect(three.threads).toBe(3);
  });

  it.each([0, -1, 1.5, 65, NaN, "all", null])("%s is an error", async (threads) => {
    await expect(cpu({ threads: threads as number })).rejects.toThrow(/threads is "auto" or a whole number from 1 to 64/);
  });

  it("starts no worker for small work", async () => {
    const { backend, workers } = await watchedCrowd(1);
    withBackend(backend, () => add(noisy(100), noisy(100)).dispose());
    expect(workers).toHaveLength(0);
    const many = await cpu({ threads: 4 });
    withBackend(many, () => matmul(noisy(16, 16), noisy(16, 16)).dispose());
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(many.statistics().workers).toBe(0);
  });
});

describe("workers", () => {
  it("end with dispose", async () => {
    const { backend, workers } = await watchedCrowd(3);
    expect(workers).toHaveLength(2);
    const ends = workers.map((worker) => once(worker, "exit"));
    backend.dispose();
    expect(await Promise.all(ends)).toEqual([[0], [0]]);
  });

  it("that are lost make every later run an error", async () => {
    const { backend, workers } = await watchedCrowd(3);
    await workers[1]!.terminate();
    const run = (): unknown => withBackend(backend, () => add(noisy(4), noisy(4)));
    expect(run).toThrow(/cannot go on: worker thread 2 is gone \(exit code 1\)\. Make a new backend/);
    expect(run).toThrow(expect.objectContaining({ code: "ERMINE_BACKEND" }));
  });

  it("that cannot start leave one thread, and the reason", async () => {
    const module = process.getBuiltinModule("node:worker_threads") as { Worker: unknown };
    const { Worker } = module;
    module.Worker = class {
      constructor() {
        throw new Error("no more threads today");
      }
    };
    try {
      const backend = await cpu({ threads: 2, vectors: 128 });
      const size = withBackend(backend, () => matmul(noisy(256, 256), noisy(256, 256)).size);
      expect(size).toBe(65536);
      expect(backend.engine).toMatch(/1 thread \(workers could not start: no more threads today\)/);
    } finally {
      module.Worker = Worker;
    }
  });

  it("do not keep the process alive", async () => {
    const script = `
      import { cpu } from "@ermine/backend-cpu";
      import { matmul, ones, useBackend } from "@ermine/core";
      const backend = await cpu({ threads: 3 });
      useBackend(backend);
      const a = ones([256, 256]);
      while (backend.statistics().workers < 2) {
        matmul(a, a).dispose();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      console.log(matmul(a, a).dataSync()[7]);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      timeout: 20_000,
    });
    expect(stdout).toBe("256\n");
  });
});

describe("a thread that dies in the middle of a part", () => {
  /** An instruction that no kernel knows. */
  const unknown = 255 | (1 << 8);

  /** Two threads, and what they do together: writes of a piece of memory, many for a part that is to take long. */
  async function pair() {
    const engine = await loadEngine({ numerics: "portable", threads: 2 });
    const heap = new Heap(engine.memory, engine.exports.heapBase(), engine.maximumPages);
    const pool = new Pool(engine, (bytes) => heap.allocate(bytes));
    const scratch = [heap.allocate(4096), heap.allocate(4096)];
    engine.exports.useScratch(scratch[0]!, heap.allocate(4096));
    pool.place(scratch);
    const { workers } = await watched(async () => pool.start());
    // Ready, and known to be so: only of such a worker this thread is told that it is gone.
    const isKnown = (): boolean => workers[0]!.performance.eventLoopUtilization().active > 0;
    while (pool.workers === 0 || !isKnown()) await new Promise((resolve) => setTimeout(resolve, 1));
    const places = [heap.allocate(4 << 18), heap.allocate(4 << 18)];
    return {
      engine,
      pool,
      worker: workers[0]!,
      write: (emitter: Emitter, part: number, times: number) => {
        for (let i = 0; i < times; i++) emitter.emit("iota", places[part % 2]!, 1 << 18);
      },
      /** The error of a fork of these parts, as the pool reports it. */
      fork(parts: number, part: (emitter: Emitter, part: number) => void): unknown {
        const emitter = new Emitter(0);
        emitter.fork(parts, (i) => part(emitter, i));
        const program = heap.allocate(emitter.words.length * 4);
        heap.i32.set(emitter.words, program >>> 2);
        try {
          engine.exports.run(program, emitter.words.length);
          return undefined;
        } catch (error) {
          return pool.failed(error);
        }
      },
    };
  }

  /** The worker may be late, and the caller then does its part: tries until it was not. */
  async function whereTheWorkerHelps(attempt: () => Promise<unknown>, message: RegExp): Promise<void> {
    for (let left = 10; ; left--) {
      const error = await attempt();
      if (left > 0 && !(error instanceof Error && message.test(error.message))) continue;
      expect(error).toMatchObject({ code: "ERMINE_BACKEND", message: expect.stringMatching(message) as string });
      return;
    }
  }

  it("of the caller's or a worker's: that run and every later one are an error", async () => {
    const { pool, fork } = await pair();
    const error = fork(8, (emitter, part) => (part === 5 ? emitter.words.push(unknown) : emitter.emit("iota", 0, 0)));
    expect(error).toMatchObject({ code: "ERMINE_BACKEND", message: expect.stringContaining("cannot go on") as string });
    expect(() => pool.check()).toThrow("Make a new backend");
    pool.stop();
  });

  it("by a kernel that fails in a worker", { timeout: 20_000 }, async () => {
    await whereTheWorkerHelps(async () => {
      const { pool, write, fork } = await pair();
      fork(2, (emitter, part) => write(emitter, part, 1));
      const error = fork(2, (emitter, part) => (part === 0 ? write(emitter, part, 200) : emitter.words.push(unknown)));
      expect(() => pool.check()).toThrow("Make a new backend");
      pool.stop();
      return error;
    }, /cannot go on: one of its threads failed in a kernel/);
  });

  it("by the end of its worker, while the caller waits for it", { timeout: 20_000 }, async () => {
    await whereTheWorkerHelps(async () => {
      const { engine, pool, worker, write, fork } = await pair();
      const lost = engine.watch.lost;
      let ended: Promise<number> | undefined;
      engine.watch.lost = () => {
        // The caller asks because a part is begun and not finished: now that part's thread dies.
        ended ??= worker.terminate();
        return lost();
      };
      fork(2, (emitter, part) => write(emitter, part, 1));
      const error = fork(2, (emitter, part) => write(emitter, part, part === 0 ? 100 : 10_000));
      await ended;
      if (error !== undefined) expect(() => pool.check()).toThrow("Make a new backend");
      pool.stop();
      return error;
    }, /cannot go on: a worker thread is gone in the middle of its work/);
  });

  it("but one that takes long is waited for", { timeout: 120_000 }, async () => {
    const { engine, pool, write, fork } = await pair();
    let asked = 0;
    const lost = engine.watch.lost;
    engine.watch.lost = () => {
      asked++;
      return lost();
    };
    // The caller's part gives the worker time to take the other one.
    for (let i = 0; i < 20 && asked === 0; i++) {
      expect(fork(2, (emitter, part) => write(emitter, part, part === 0 ? 500 : 3000))).toBeUndefined();
    }
    expect(asked).toBeGreaterThan(0);
    pool.check();
    pool.stop();
  });
});
