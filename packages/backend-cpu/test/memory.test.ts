import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  add,
  broadcastTo,
  compile,
  matmul,
  mse,
  mul,
  ones,
  sum,
  tensor,
  transpose,
  Variable,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { dataset, sgd, Trainer } from "@ermine/trainer";
import { describe, expect, it } from "vitest";
import { cpu } from "../src/index.js";

interface Report {
  readonly [name: string]: unknown;
  readonly heapGrowth: number;
  readonly slope: number;
}

// The young generation is held at one size: its growth to the size V8 likes is no leak, and larger than one.
it(
  "20,000 steps through fit, 100,000 more, then 1,000,000 eager ops, leave memory as it was",
  { retry: 3, timeout: 120_000 },
  async () => {
    const fixture = fileURLToPath(new URL("steps.fixture.mjs", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "--max-semi-space-size=2", fixture, "20000"]);
    const report = JSON.parse(stdout) as Report;
    expect(report["after"]).toEqual(report["before"]);
    expect(report["eagerAfter"]).toEqual(report["eagerBefore"]);
    expect(report.heapGrowth).toBeLessThan(1 << 20);
    expect(report.slope).toBeLessThan(0.1);
  },
);

const fixtureOutput = async <T>(name: string, ...options: string[]): Promise<T> => {
  const { stdout } = await promisify(execFile)(process.execPath, [...options, fileURLToPath(new URL(name, import.meta.url))]);
  return JSON.parse(stdout) as T;
};

it.runIf(existsSync("/proc/self/task"))("a backend that nobody holds any more ends its threads", async () => {
  const report = await fixtureOutput("memory.fixture.mjs", "--expose-gc");
  expect(report).toEqual({ results: [256, 256, 256, 256], started: 4, left: 0 });
});

describe("variables move, nothing is copied", () => {
  const side = 1024;
  const parameterPages = (4 * side * side) / 65536;
  const model = (): Sequential =>
    new Sequential(new Linear(side, side, { bias: false }), new ReLU(), new Linear(side, side, { bias: false }));
  const data = dataset({
    inputs: tensor(new Float32Array(4 * side).fill(0.1), { shape: [4, side] }),
    targets: tensor(new Float32Array(4 * side), { shape: [4, side] }),
  });

  it("between fit, predict, evaluate and dispose: memory grows by none of the parameters", async () => {
    const backend = await cpu({ threads: 1 });
    const trainer = new Trainer({ model: model(), loss: mse, optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }), backend });
    await trainer.fit(data, { epochs: 2, batchSize: 2 });
    const { pages } = backend.statistics();
    const before = await Promise.all(trainer.model.parameters().map(async (p) => p.data()));
    await trainer.predict(data);
    await trainer.evaluate(data);
    await trainer.fit(data, { epochs: 1, batchSize: 2 });
    trainer.dispose();
    expect(backend.statistics().pages - pages).toBeLessThan(2 * parameterPages);
    const after = await Promise.all(trainer.model.parameters().map(async (p) => p.data()));
    expect(after.map((values) => values.length)).toEqual(before.map((values) => values.length));
    expect(after[0]).not.toEqual(before[0]);
  });

  it("a tensor that a program has taken over is released for whoever held it", async () => {
    const backend = await cpu({ threads: 1 });
    withBackend(backend, () => {
      const v = new Variable(add(tensor([1, 2]), 1));
      const held = v.value;
      const next = compile(() => (v.value = mul(v.value, 2)), { backend });
      expect([...next().dataSync()]).toEqual([4, 6]);
      expect(() => held.dataSync()).toThrow(/released already/);
      next.dispose();
      expect([...v.value.dataSync()]).toEqual([4, 6]);
    });
  });

  it("where memory is full while a program is made, variables are where they were, and all works with less", async () => {
    const backend = await cpu({ threads: 1 });
    const v = withBackend(backend, () => new Variable(ones([4])));
    const huge = compile((x: Tensor) => sum(mul(broadcastTo(sum(mul(x, v.value)), [40_000, 40_000]), tensor([1]))), { backend });
    const error = await Promise.resolve()
      .then(() => huge(tensor([1, 2, 3, 4])))
      .catch((reason: unknown) => reason);
    huge.dispose();
    expect([...(await v.data())]).toEqual([1, 1, 1, 1]);
    // A broadcast may need no memory of its own: then there is a number.
    if (error instanceof Error) expect(error).toMatchObject({ code: "ERMINE_MEMORY" });
  });
});

it("programs for many sizes keep few arenas, by their bytes too", async () => {
  const backend = await cpu({ threads: 1 });
  const fn = compile((x: Tensor) => sum(matmul(x, transpose(x))), { backend, symbolicBatch: true });
  for (let rows = 3000; rows < 3012; rows++) fn(ones([rows, 2])).dispose();
  // Each arena holds rows² elements: 36 MB.
  expect(backend.memory().bytes).toBeLessThan(2 ** 28 + 2 * 40 * 2 ** 20);
  fn.dispose();
});

describe("a backend that was disposed of", () => {
  it("refuses whatever is asked of it or of what it made, and may be disposed of again", async () => {
    const backend = await cpu({ threads: 2 });
    const v = withBackend(backend, () => new Variable(ones([3])));
    const program = compile((x: Tensor) => (v.value = add(v.value, x)), { backend });
    const result = withBackend(backend, () => program(ones([3])));
    const other = withBackend(backend, () => add(result, 1));
    backend.dispose();
    backend.dispose();
    const refusal = /cpu backend was disposed of.*await cpu\(\)/;
    expect(() => withBackend(backend, () => add(tensor([1]), 2))).toThrow(refusal);
    expect(() => other.dataSync()).toThrow(refusal);
    await expect(other.data()).rejects.toThrow(refusal);
    expect(() => program(ones([3]))).toThrow(refusal);
    await expect(v.data()).rejects.toThrow(refusal);
    expect(() => v.write(new Float32Array(3))).toThrow(refusal);
    expect(() => withBackend(backend, () => compile(() => add(v.value, 1), { backend })())).toThrow();
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0 });
    result.dispose();
    other.dispose();
    program.dispose();
  });
});
