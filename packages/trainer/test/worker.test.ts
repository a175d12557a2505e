import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { ErmineError } from "@ermine/core";
import { serveTraining, trainInWorker, type TrainingEvent, type TrainingFunction } from "../src/worker.js";
import { workerPort } from "../src/worker/port.js";
import type { History } from "../src/index.js";
import { inputs, train } from "./worker.fixture.mjs";

interface Input {
  epochs?: number;
  folder?: string;
  fault?: string;
  wait?: number;
}
type Result = History & { state: Record<string, { data: Float32Array }> };
type Served = TrainingFunction<Input, Result>;

const workers: Worker[] = [];
const create = (): Worker => {
  const worker = new Worker(new URL("./workerServed.fixture.mjs", import.meta.url));
  workers.push(worker);
  return worker;
};
const ended = (worker: Worker): Promise<unknown> => vi.waitFor(() => expect(worker.threadId).toBe(-1), { timeout: 20_000 });
const quiet = { onEvent: () => undefined };
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    (value) => Promise.reject(new Error(`no error, but ${JSON.stringify(value)}`)),
    (error: Error) => error,
  );

/** The same training on this thread. */
const here = (input: Input): Promise<Result> =>
  (train as (input: Input, context: object) => Promise<Result>)(input, {
    reporter: undefined,
    signal: undefined,
    notice: () => undefined,
    servePredictions: () => undefined,
    post: () => undefined,
  });

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "ermine-worker-"))));
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.terminate();
  rmSync(folder, { recursive: true, force: true });
});

describe("trainInWorker", () => {
  it("gives the bits of the same training on this thread, tells of it, and ends the worker", async () => {
    const events: TrainingEvent[] = [];
    const messages: unknown[] = [];
    const training = trainInWorker<Served>(create, {
      input: { epochs: 3 },
      stepInterval: 0,
      onEvent: (event) => events.push(event),
      onMessage: (message) => messages.push(message),
    });
    expectTypeOf(training.finished).resolves.toEqualTypeOf<Result>();
    const [history, expected] = [await training.finished, await here({ epochs: 3 })];
    expect(history).toEqual(expected);
    expect(events[0]).toEqual({ type: "begin", epochs: 3, stepsPerEpoch: 8, resumed: false });
    const steps = events.filter((event) => event.type === "step");
    expect(steps.map(({ loss }) => loss)).toEqual(expected.steps);
    const epochs = events.filter((event) => event.type === "epoch");
    expect(epochs.map(({ logs }) => logs)).toEqual(expected.epochs);
    expect(events.at(-1)).toEqual({ type: "notice", message: "that was all" });
    expect(messages).toEqual([{ started: true }]);
    await ended(workers[0]!);
  });

  it("tells of steps no more often than it is asked to", async () => {
    const events: TrainingEvent[] = [];
    let messages = 0;
    const counted = (): Worker => {
      const worker = create();
      worker.on("message", () => void messages++);
      return worker;
    };
    await trainInWorker<Served>(counted, { input: { epochs: 9 }, stepInterval: 1e6, onEvent: (event) => events.push(event) })
      .finished;
    const epochs = events.flatMap((event) => (event.type === "epoch" ? [event.epoch] : []));
    expect(epochs).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(events.map(({ type }) => type)).toEqual(["begin", "step", ...epochs.map(() => "epoch"), "notice"]);
    // Ready, what the training function posts, begin, the first step, the first epoch, the others together, the notice, the end.
    expect(messages).toBe(8);
  });

  it("says notices on the console where nobody listens", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    try {
      await trainInWorker<Served>(create, { input: { epochs: 1 } }).finished;
      expect(warn.mock.calls).toEqual([["that was all"]]);
    } finally {
      warn.mockRestore();
    }
  });

  it("saves what it has when the signal is aborted; started again it ends with the bits of a training that was not", async () => {
    const controller = new AbortController();
    const first = trainInWorker<Served>(create, {
      input: { epochs: 4, folder, wait: 5 },
      signal: controller.signal,
      stepInterval: 0,
      onEvent: (event) => event.type === "step" && event.step === 12 && controller.abort(),
    });
    const { stopped, steps } = await first.finished;
    expect(stopped).toBe("aborted");
    expect(steps.length).toBeGreaterThanOrEqual(12);
    expect(steps.length).toBeLessThan(32);
    const second = await trainInWorker<Served>(create, { input: { epochs: 4, folder, wait: 5 }, ...quiet }).finished;
    const fullTraining = await here({ epochs: 4 });
    expect(second.steps).toEqual(fullTraining.steps);
    expect(second.state).toEqual(fullTraining.state);
  });

  it("takes no step where the signal is aborted already", async () => {
    const { steps, stopped } = await trainInWorker<Served>(create, {
      input: { epochs: 4 },
      signal: AbortSignal.abort(),
      ...quiet,
    }).finished;
    expect([steps.length, stopped]).toEqual([0, "aborted"]);
  });

  it("predicts while it trains, and after it where the worker stays", async () => {
    const rows = { data: Float32Array.of(1, 0, 0, 1), shape: [2, 2] };
    let isTraining = true;
    const training = trainInWorker<Served>(create, { input: { epochs: 4, wait: 5 }, stayOpen: true, ...quiet });
    // Asked before the training function has a trainer.
    const meanwhile = training.predict(rows, { as: "probabilities" }).then((prediction) => ({ prediction, isTraining }));
    await training.finished;
    isTraining = false;
    const { prediction, isTraining: wasTraining } = await meanwhile;
    expect(wasTraining).toBe(true);
    expect(prediction.shape).toEqual([2, 2]);
    expect(prediction.data[0]! + prediction.data[1]!).toBeCloseTo(1, 6);
    const { data } = await training.predict(rows, { as: "classes" });
    expect(Array.from(data)).toEqual([1, 0]);
    // A refusal there is one here, and the worker goes on.
    const refused = await failure(training.predict([[1, 2, 3]]));
    expect(refused).toBeInstanceOf(ErmineError);
    expect(refused.message).toMatch(/^In the training worker: .*2/);
    expect((await training.predict(inputs)).shape).toEqual([60, 2]);
    training.terminate();
    await ended(workers[0]!);
    expect((await failure(training.predict(rows))).message).toMatch(/predict: The training worker was ended by terminate\(\)/);
  });

  it("is over for predictions where the training is", async () => {
    const training = trainInWorker<Served>(create, { input: { epochs: 1 }, ...quiet });
    await training.finished;
    expect((await failure(training.predict([[1, 2]]))).message).toMatch(/The training has ended.*stayOpen: true/);
  });

  it("ends by terminate() without a word where nobody waits for it", async () => {
    const unhandled = vi.fn();
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", unhandled);
    try {
      trainInWorker<Served>(create, { input: { epochs: 1000, wait: 5 }, ...quiet }).terminate();
      await ended(workers[0]!);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const other of others) process.on("unhandledRejection", other);
    }
  });

  it("ends at once by terminate()", async () => {
    const training = trainInWorker<Served>(create, { input: { epochs: 1000, wait: 5 }, ...quiet });
    const asked = failure(training.predict([[1, 2]]).then(() => new Promise(() => undefined)));
    training.terminate();
    training.terminate();
    expect((await failure(training.finished)).message).toMatch(/ended by terminate\(\).*abort its signal/);
    expect((await asked).message).toMatch(/terminate/);
    await ended(workers[0]!);
  });
});

describe("what goes wrong in the worker", () => {
  it.each([
    ["ermine", "ErmineError", /^In the training worker: .*Dropout/],
    ["throws", "TypeError", /^In the training worker: there is no such file$/],
    ["exits", "ErmineError", /ended with exit code 3 before its training did.*goes on from the newest one/],
    ["crashes", "ErmineError", /has crashed: nobody catches this\. .*resume/],
    [
      "result",
      "ErmineError",
      /The training function's result cannot be sent to another thread: it has a Sequential, .*await model\.stateDict\(\)/,
    ],
    ["message", "ErmineError", /A message cannot be sent to another thread: .*could not be cloned/],
  ])("%s", async (fault, name, message) => {
    const error = await failure(trainInWorker<Served>(create, { input: { epochs: 1, fault }, ...quiet }).finished);
    expect(error.name).toBe(name);
    expect(error.message).toMatch(message);
    // The stack of the other side; an exit has none.
    if (fault !== "exits") expect((error.cause as Error).stack).toMatch(/fixture\.mjs|worker\.js/);
    await ended(workers[0]!);
  });

  it("signals of the process, which are told to the main thread alone", async () => {
    const input = { epochs: 1, fault: "signals", folder };
    const error = await failure(trainInWorker<Served>(create, { input, ...quiet }).finished);
    expect([(error as ErmineError).code, error.message]).toEqual([
      "ERMINE_UNSUPPORTED",
      expect.stringMatching(/signals are told to a process's main thread.*controller\.abort\(\)/),
    ]);
  });

  it("a module that is not there, and one that serves no training", async () => {
    const missing = trainInWorker(() => new Worker(new URL("./nothing.fixture.mjs", import.meta.url)));
    expect((await failure(missing.finished)).message).toMatch(/has crashed: Cannot find module/);
    const idle = trainInWorker(() => new Worker("", { eval: true }));
    expect((await failure(idle.finished)).message).toMatch(/exit code 0 .*does not call serveTraining/);
  });

  it("a training function that names no trainer is no one to ask", async () => {
    const training = trainInWorker<Served>(create, { input: { epochs: 1, fault: "no trainer" }, stayOpen: true, ...quiet });
    expect((await failure(training.predict([[1, 2]]))).message).toMatch(/named no trainer.*servePredictions\(trainer\)/);
    training.terminate();
    await training.finished.catch(() => undefined);
  });
});

describe("wrong arguments", () => {
  it.each([
    [() => trainInWorker("./train.js" as never), /trainInWorker takes a function, got "\.\/train\.js"/],
    [() => trainInWorker(() => "worker" as never), /create gives a Worker/],
    [() => trainInWorker(create, { input: () => 1 }), /input cannot be sent to a worker \(.*in the training function/],
    [() => trainInWorker(create, { onevent: () => undefined } as never), /no option "onevent".*"onEvent"/],
    [() => trainInWorker(create, { onEvent: "log" as never }), /onEvent takes a function/],
    [() => trainInWorker(create, { onMessage: 1 as never }), /onMessage takes a function/],
    [() => trainInWorker(create, { stepInterval: -1 }), /stepInterval is a number of milliseconds ≥ 0, got -1/],
    [() => trainInWorker(create, { stepInterval: NaN }), /stepInterval is a number of milliseconds ≥ 0, got NaN/],
    [() => trainInWorker(create, { signal: new AbortController() as never }), /signal: controller\.signal/],
    [() => serveTraining("train" as never), /serveTraining takes a function/],
  ])("%s", (call, message) => {
    const started = workers.length;
    expect(call).toThrow(ErmineError);
    expect(call).toThrow(message);
    expect(workers.length).toBe(started);
  });

  it("serveTraining on a main thread says how to start it", () => {
    const page = { document: {}, postMessage: () => undefined };
    expect(() => workerPort(page)).toThrow(/runs on a main thread.*trainInWorker\(\(\) => new Worker.*import type/);
  });

  it("predict refuses what it has no option for, and what cannot be sent", async () => {
    const training = trainInWorker<Served>(create, { input: { epochs: 1000, wait: 20 }, ...quiet });
    await training.predict([[1, 2]]);
    expect((await failure(training.predict([[1, 2]], { of: "x" } as never))).message).toMatch(/no option "of"/);
    expect((await failure(training.predict((() => 1) as never))).message).toMatch(
      /inputs cannot be sent to the worker.*\{ data, shape \}/,
    );
    training.terminate();
    await training.finished.catch(() => undefined);
  });
});
