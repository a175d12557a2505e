/** The worker's side: waits for the training to be started, tells of it, and answers questions to its model meanwhile. */
import { ErmineError, Tensor, Variable } from "@ermine/core";
import { checkArguments, checkFunction } from "@ermine/core/define";
import { Module } from "@ermine/core/nn";
import type { Callback } from "../callbacks/callback.js";
import { workerPort, type Port } from "./port.js";
import { opened, sealed, sentError, type Reply, type Request } from "./protocol.js";
import { Reporter } from "./reporter.js";

/** Context that is passed to a training function next to its input. */
export interface TrainingContext {
  /** Aborted when the other side's signal is: give it to `fit`. With a checkpoint's callback the training is saved then. */
  readonly signal: AbortSignal;
  /** Tells the other side of steps and epochs: give it to `fit` among its callbacks. */
  readonly reporter: Callback;
  /** Tells the other side: give it to `fit` as its `notice`. */
  readonly notice: (message: string) => void;
  /** From now on `predict` of the other side asks this trainer, also while it trains: between two steps. */
  servePredictions(trainer: PredictingTrainer): void;
  /** Sends a message of your own to the other side's `onMessage`: anything that can be cloned (plain data, typed arrays). */
  post(message: unknown): void;
}

/** A trainer, as far as predictions need it. */
export interface PredictingTrainer {
  predict(inputs: never, options?: never): Promise<unknown>;
}

/** Entry point of the worker: receives the input from the main thread and sends the result back. */
export type TrainingFunction<Input, Result> = (input: Input, context: TrainingContext) => Result | Promise<Result>;

/**
 * Makes the module that calls it a training worker: `train` runs once, when `trainInWorker` starts it.
 *
 * @param train makes the model and the trainer, and trains; what it returns must be cloneable, as a `History` is
 * @returns the same function, whose type tells `trainInWorker` what goes in and what comes out: `import type train from "./train.js"`
 * @throws ErmineError ERMINE_USAGE on a main thread
 * @example
 * // train.ts
 * export default serveTraining(async ({ epochs }: { epochs: number }, { signal, reporter, notice, servePredictions }) => {
 *   const trainer = new Trainer({ model: new Linear(2, 3), loss: crossEntropy, optimizer: adamw(), backend: await cpu() });
 *   servePredictions(trainer);
 *   const data = dataset({ inputs: [[0, 1], [1, 0], [1, 1]], targets: Int32Array.of(0, 1, 2) });
 *   return trainer.fit(data, { epochs, signal, notice, callbacks: [reporter] });
 * });
 */
export function serveTraining<Input, Result>(train: TrainingFunction<Input, Result>): TrainingFunction<Input, Result> {
  checkArguments("serveTraining", arguments, 1);
  checkFunction("serveTraining", train, "serveTraining(async (input, context) => trainer.fit(data, { epochs: 3 }))");
  new Server(workerPort(), train as TrainingFunction<unknown, unknown>).open();
  return train;
}

class Server {
  readonly #port: Port;
  readonly #train: TrainingFunction<unknown, unknown>;
  readonly #controller = new AbortController();
  #isStarted = false;
  #reporter: Reporter | undefined;
  /** Predictions that were asked for before there is a trainer to ask. */
  #trainer: PredictingTrainer | undefined;
  #settleTrainer: (() => void) | undefined;
  readonly #trainerSettled = new Promise<void>((resolve) => (this.#settleTrainer = resolve));

  constructor(port: Port, train: TrainingFunction<unknown, unknown>) {
    this.#port = port;
    this.#train = train;
  }

  open(): void {
    this.#port.listen((message) => {
      const request = opened<Request>(message);
      if (request !== undefined) this.#take(request);
    });
    this.#send({ kind: "ready" });
  }

  #send(reply: Reply): void {
    // In the order in which it happened.
    this.#reporter?.flush();
    this.#port.post(sealed(reply));
  }

  #take(request: Request): void {
    if (request.kind === "abort") this.#controller.abort(request.reason);
    else if (request.kind === "predict") void this.#predict(request);
    else if (!this.#isStarted) {
      this.#isStarted = true;
      if (request.aborted !== undefined) this.#controller.abort(request.aborted);
      void this.#run(request.input, request.stepInterval);
    }
  }

  async #run(input: unknown, stepInterval: number): Promise<void> {
    try {
      const result = await this.#train(input, this.#context(stepInterval));
      this.#sendOrRefuse({ kind: "done", result }, "The training function's result");
    } catch (error) {
      this.#send({ kind: "failed", error: sentError(error) });
    } finally {
      this.#settleTrainer?.();
    }
  }

  /** @throws ErmineError ERMINE_USAGE where it cannot be cloned */
  #sendOrRefuse(reply: Reply, subject: string): void {
    const refusal = (why: string, cause?: unknown): ErmineError =>
      new ErmineError(
        "ERMINE_USAGE",
        `${subject} cannot be sent to another thread: ${why}. Send plain data and typed arrays: a history, await model.stateDict(); a model stays here, and ` +
          "answers by predict.",
        { cause },
      );
    const bound = Object.values(reply).flatMap(contents).find(isBoundToThread);
    if (bound !== undefined) throw refusal(`it has a ${bound.constructor.name}, whose elements are in this thread's memory`);
    try {
      this.#send(reply);
    } catch (cause) {
      throw refusal(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  #context(stepInterval: number): TrainingContext {
    const reporter = new Reporter((events) => this.#port.post(sealed({ kind: "events", events })), stepInterval);
    this.#reporter = reporter;
    return {
      signal: this.#controller.signal,
      reporter: reporter.callback,
      notice: (message) => reporter.flush({ type: "notice", message: String(message) }),
      servePredictions: (trainer) => {
        if (typeof (trainer as Partial<PredictingTrainer> | undefined)?.predict !== "function")
          throw new ErmineError("ERMINE_OPTION", "servePredictions takes a Trainer: servePredictions(trainer).");
        this.#trainer = trainer;
        this.#settleTrainer?.();
      },
      post: (message) => this.#sendOrRefuse({ kind: "message", message }, "A message"),
    };
  }

  async #predict({ id, inputs, options }: Extract<Request, { kind: "predict" }>): Promise<void> {
    try {
      await this.#trainerSettled;
      if (this.#trainer === undefined) {
        throw new ErmineError(
          "ERMINE_USAGE",
          "predict: the training function has named no trainer to ask. Call servePredictions(trainer) in it, before fit.",
        );
      }
      const value = await this.#trainer.predict(inputs as never, options as never);
      this.#sendOrRefuse({ kind: "prediction", id, value }, "A prediction");
    } catch (error) {
      this.#send({ kind: "refused", id, error: sentError(error) });
    }
  }
}

/** The value and what it has one level down. */
const contents = (value: unknown): readonly unknown[] =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value) ? [value, ...Object.values(value)] : [];

/** A clone would be an object without what makes it one. */
const isBoundToThread = (value: unknown): value is object =>
  value instanceof Module || value instanceof Variable || value instanceof Tensor;
