/** The side that starts a training in a worker, and stays free meanwhile. */
import { ErmineError, type Tree } from "@ermine/core";
import { checkArguments, checkFunction, checkOptions } from "@ermine/core/define";
import type { ColumnSource } from "../data/dataset.js";
import type { Prediction, Reading } from "../loop/predict.js";
import { opened, receivedError, sealed, type Reply, type Request, type TrainingEvent } from "./protocol.js";
import type { TrainingFunction } from "./serve.js";

/** A worker of `node:worker_threads`. */
export interface NodeWorker {
  /** Told of messages, of an error that nobody caught, and of its end with the exit code. */
  on(event: "message" | "error" | "exit" | "messageerror", listener: (value: any) => void): unknown;
  /** Sends a clone. */
  postMessage(message: unknown): void;
  /** Ends it at once. */
  terminate(): unknown;
}

/** A worker of a page. */
export interface WebWorker {
  /** Told of messages (`event.data`), and of an error that nobody caught. */
  addEventListener(type: "message" | "error" | "messageerror", listener: (event: any) => void): void;
  /** Sends a clone. */
  postMessage(message: unknown): void;
  /** Ends it at once. */
  terminate(): void;
}

/** The options of `trainInWorker`. */
export interface TrainInWorkerOptions<Input> {
  /** Input of the training function: anything that can be cloned (plain data, typed arrays). Default undefined. */
  readonly input?: Input;
  /** Aborted: the training ends after the step that runs, saved where it has a checkpoint, and `finished` gives its result. Default: none. */
  readonly signal?: AbortSignal;
  /** Told of the training's begin, steps, epochs and notices. Default: nobody is told, and notices go to console.warn. */
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Told of what the training function posts. Default: nobody is told. */
  readonly onMessage?: (message: unknown) => void;
  /**
   * Milliseconds between two events of steps, at least, and between two messages of epochs: those that end in between come together. Each message costs
   * this thread a turn. Default 500; 0: every step, and each epoch at once.
   */
  readonly stepInterval?: number;
  /** Leave the worker running when the training has ended, for predictions: `terminate()` ends it. Default false. */
  readonly stayOpen?: boolean;
}

/** The options of `predict`, as those of a trainer. */
export interface WorkerPredictOptions {
  /** "output" (default), "probabilities" or "classes". */
  readonly as?: Reading;
  /** Key or index of one of several outputs. Default: the one that the main part of the loss reads. */
  readonly output?: string | number;
  /** From which probability on the class is 1, where there is one probability for each. Default 0.5. */
  readonly threshold?: number;
  /** Samples at a time. Default 256. */
  readonly batchSize?: number;
}

/** A training that runs in a worker. */
export interface WorkerTraining<Result> {
  /** Result of the training function. @throws ErmineError, or the error that it threw; ERMINE_USAGE if the worker ended earlier */
  readonly finished: Promise<Result>;
  /** Predicts with the current parameters, also during training. The training function has to call `servePredictions(trainer)`. */
  predict(inputs: Tree<ColumnSource>, options?: WorkerPredictOptions): Promise<Prediction>;
  /** Ends the worker at once, in the middle of a step: nothing is saved. `finished` and predictions that are waited for fail. */
  terminate(): void;
}

/**
 * Runs a training in a worker that it starts: the calling thread stays free.
 *
 * @param create makes the worker, of a module that calls `serveTraining`. Written out as `new Worker(new URL("./train.js", import.meta.url), { type: "module" })`
 * bundlers find the module.
 * @throws ErmineError ERMINE_OPTION where an option does not fit
 * @example
 * // The type of the module's default export says what goes in and what comes out: import type train from "./train.js".
 * type train = TrainingFunction<{ epochs: number }, History>;
 * const start = () =>
 *   trainInWorker<train>(() => new Worker(new URL("./train.js", import.meta.url), { type: "module" }), {
 *     input: { epochs: 20 },
 *     onEvent: (event) => event.type === "epoch" && console.log(event.logs),
 *   });
 */
export function trainInWorker<Train extends TrainingFunction<any, any> = TrainingFunction<any, any>>(
  create: () => NodeWorker | WebWorker,
  options: TrainInWorkerOptions<Parameters<Train>[0]> = {},
): WorkerTraining<Awaited<ReturnType<Train>>> {
  checkArguments("trainInWorker", arguments, 2);
  checkFunction(
    "trainInWorker",
    create,
    'trainInWorker(() => new Worker(new URL("./train.js", import.meta.url), { type: "module" }))',
  );
  checkOptions(
    "trainInWorker",
    options,
    { input: "any", signal: "any", onEvent: "any", onMessage: "any", stepInterval: "number", stayOpen: "boolean" },
    "create",
  );
  const { input, signal, onEvent, onMessage, stepInterval = 500, stayOpen = false } = options;
  if (onEvent !== undefined) checkFunction("trainInWorker: onEvent", onEvent, "onEvent: (event) => console.log(event)");
  if (onMessage !== undefined)
    checkFunction("trainInWorker: onMessage", onMessage, "onMessage: (message) => console.log(message)");
  if (!(stepInterval >= 0))
    throw new ErmineError("ERMINE_OPTION", `trainInWorker: stepInterval is a number of milliseconds ≥ 0, got ${stepInterval}.`);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ErmineError(
      "ERMINE_OPTION",
      "trainInWorker: signal is the signal of an AbortController: signal: controller.signal.",
    );
  checkCloneable(input);
  const worker = create();
  checkWorker(worker);
  return new Client(worker, { input, signal, onEvent, onMessage, stepInterval, stayOpen }) as WorkerTraining<
    Awaited<ReturnType<Train>>
  >;
}

/** Before there is a worker, which would have to be ended. */
function checkCloneable(input: unknown): void {
  try {
    structuredClone(input);
  } catch (cause) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `trainInWorker: input cannot be sent to a worker (${cause instanceof Error ? cause.message : String(cause)}). Send plain data and typed arrays, and make ` +
        "models, losses and callbacks in the training function.",
      { cause },
    );
  }
}

function checkWorker(worker: unknown): void {
  const { postMessage, terminate } = (worker ?? {}) as Partial<NodeWorker>;
  if (typeof postMessage === "function" && typeof terminate === "function") return;
  throw new ErmineError(
    "ERMINE_OPTION",
    "trainInWorker: create gives a Worker, of node:worker_threads or of the page: " +
      '() => new Worker(new URL("./train.js", import.meta.url), { type: "module" }).',
  );
}

interface Listeners {
  message(message: unknown): void;
  /** An error that nobody caught there, or a module that does not load. */
  error(error: unknown): void;
  /** Only Node says it. */
  exit(code: number): void;
}

function listen(worker: NodeWorker | WebWorker, { message, error, exit }: Listeners): void {
  const unreadable = (): void => error("a message could not be read");
  if ("on" in worker) {
    worker.on("message", message);
    worker.on("error", error);
    worker.on("messageerror", unreadable);
    worker.on("exit", exit);
  } else {
    worker.addEventListener("message", ({ data }) => message(data));
    worker.addEventListener("error", (event) => error(event));
    worker.addEventListener("messageerror", unreadable);
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Settings {
  readonly input: unknown;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: TrainingEvent) => void) | undefined;
  readonly onMessage: ((message: unknown) => void) | undefined;
  readonly stepInterval: number;
  readonly stayOpen: boolean;
}

class Client implements WorkerTraining<unknown> {
  readonly #worker: NodeWorker | WebWorker;
  readonly #settings: Settings;
  readonly #predictions = new Map<number, Waiting>();
  readonly finished: Promise<unknown>;
  #finish!: Waiting;
  #asked = 0;
  #isReady = false;
  /** Sent when the worker listens: a page's worker loses what comes before. */
  readonly #early: Request[] = [];
  /** Why there is nobody to ask any more. */
  #ended: Error | undefined;
  #isFinished = false;
  #unfollow: (() => void) | undefined;

  constructor(worker: NodeWorker | WebWorker, settings: Settings) {
    this.#worker = worker;
    this.#settings = settings;
    this.finished = new Promise((resolve, reject) => (this.#finish = { resolve, reject }));
    const { input, signal, stepInterval } = settings;
    const aborted = signal?.aborted === true ? { aborted: String(signal.reason) } : {};
    this.#send({ kind: "start", input, stepInterval, ...aborted });
    if (signal !== undefined) this.#follow(signal);
    listen(worker, {
      message: (message) => {
        const reply = opened<Reply>(message);
        if (reply !== undefined) this.#take(reply);
      },
      error: (error) => this.#end(crash(error)),
      exit: (code) => this.#end(exited(code)),
    });
  }

  #follow(signal: AbortSignal): void {
    const abort = (): void => this.#send({ kind: "abort", reason: String(signal.reason) });
    signal.addEventListener("abort", abort, { once: true });
    this.#unfollow = () => signal.removeEventListener("abort", abort);
  }

  async predict(inputs: Tree<ColumnSource>, options: WorkerPredictOptions = {}): Promise<Prediction> {
    checkOptions("predict", options, { as: "string", output: "any", threshold: "any", batchSize: "number" }, "inputs");
    if (this.#ended !== undefined)
      throw new ErmineError("ERMINE_USAGE", `predict: ${this.#ended.message}`, { cause: this.#ended });
    const id = this.#asked++;
    const answer = new Promise((resolve, reject) => this.#predictions.set(id, { resolve, reject }));
    try {
      this.#send({ kind: "predict", id, inputs, options });
    } catch (cause) {
      this.#predictions.delete(id);
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ErmineError(
        "ERMINE_DATA",
        `predict: the inputs cannot be sent to the worker (${why}). Give nested arrays, or { data, shape } with a typed array.`,
        { cause },
      );
    }
    return (await answer) as Prediction;
  }

  terminate(): void {
    // Whoever ends it need not wait for it.
    this.finished.catch(() => undefined);
    this.#end(
      new ErmineError(
        "ERMINE_USAGE",
        "The training worker was ended by terminate(). To end a training and keep what it has, abort its signal and await finished.",
      ),
    );
  }

  #send(request: Request): void {
    if (this.#ended !== undefined) return;
    if (this.#isReady) this.#worker.postMessage(sealed(request));
    // Input that cannot be cloned is refused here, in the sender's call.
    else this.#early.push(structuredClone(request));
  }

  #take(reply: Reply): void {
    const { onEvent, onMessage, stayOpen } = this.#settings;
    if (reply.kind === "ready") {
      this.#isReady = true;
      for (const request of this.#early.splice(0)) this.#send(request);
    } else if (reply.kind === "events") {
      for (const event of reply.events) {
        if (onEvent !== undefined) onEvent(event);
        else if (event.type === "notice") console.warn(event.message);
      }
    } else if (reply.kind === "message") onMessage?.(reply.message);
    else if (reply.kind === "prediction") this.#settle(reply.id)?.resolve(reply.value);
    else if (reply.kind === "refused") this.#settle(reply.id)?.reject(receivedError(reply.error));
    else if (reply.kind === "failed") this.#end(receivedError(reply.error));
    else {
      this.#isFinished = true;
      this.#finish.resolve(reply.result);
      if (!stayOpen) this.#end(new ErmineError("ERMINE_USAGE", closed));
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#predictions.get(id);
    this.#predictions.delete(id);
    return waiting;
  }

  /** Nobody is asked or told any more. */
  #end(why: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#unfollow?.();
    if (!this.#isFinished) this.#finish.reject(why);
    for (const { reject } of this.#predictions.values()) reject(why);
    this.#predictions.clear();
    void this.#worker.terminate();
  }
}

const closed = "The training has ended, and its worker with it. With stayOpen: true it stays for predictions, until terminate().";

const resumable =
  "What a checkpoint has saved is there: started again with the same folder (resume), the training goes on from the newest one.";

/** An error event of a page's worker, or the error that Node gives. */
function crash(error: unknown): ErmineError {
  const { message, filename, lineno } = (typeof error === "object" && error !== null ? error : { message: String(error) }) as {
    readonly message?: string;
    readonly filename?: string;
    readonly lineno?: number;
  };
  const place = filename === undefined || filename === "" ? "" : ` (${filename}:${lineno ?? "?"})`;
  const reason = message === undefined || message === "" ? "its module does not load" : message;
  return new ErmineError("ERMINE_USAGE", `The training worker has crashed: ${reason}${place}. ${resumable}`, { cause: error });
}

const exited = (code: number): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `The training worker has ended with exit code ${code} before its training did: something called process.exit(), or its module does not call serveTraining. ${resumable}`,
  );
