/** The worker threads of a backend: started when a program first forks, asleep when there is nothing to do, ended by `stop`. */
import { ErmineError } from "@ermine/core";
import type { Engine } from "../engine.js";
import { control, controlBytes } from "./control.js";
import { maySleep } from "./count.js";
import { startWorker, type StartedWorker } from "./worker.js";

export class Pool {
  readonly #engine: Engine;
  readonly #block: number;
  readonly #workers: StartedWorker[] = [];
  #started = false;
  #stopped = false;
  #broken: ErmineError | undefined;
  #refused: string | undefined;

  /** @param allocate gives the block on which threads meet */
  constructor(engine: Engine, allocate: (bytes: number) => number) {
    this.#engine = engine;
    const bytes = controlBytes(engine.threads);
    this.#block = allocate(bytes);
    new Uint8Array(engine.memory.buffer, this.#block, bytes).fill(0);
  }

  /** Threads at work, the caller's among them. */
  get threads(): number {
    return this.#refused === undefined ? this.#engine.threads : 1;
  }

  /** Workers that have come. */
  get workers(): number {
    return Atomics.load(this.#words(), this.#at(control.ready));
  }

  /** Why no worker could start. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** Tells the threads where their scratch is. */
  place(scratch: readonly number[]): void {
    const words = this.#words();
    scratch.forEach((address, thread) => (words[this.#at(control.scratch) + thread] = address));
  }

  /** Starts the workers, once. Until they have come, forks run on the caller's thread. */
  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    const { exports, memory, module, threads, vectors } = this.#engine;
    const wide = vectors === 256;
    exports.meetAt(this.#block, maySleep());
    this.#engine.watch.lost = () => this.#workers.some((worker) => worker.gone());
    try {
      for (let thread = 1; thread < threads; thread++) {
        const start = { module, memory, control: this.#block, thread, wide };
        this.#workers.push(startWorker(start, (reason) => this.#gone(thread, reason)));
      }
    } catch (error) {
      this.#refused = (error as Error).message;
    }
  }

  /** @throws ErmineError ERMINE_BACKEND where a worker is gone */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** Marks the pool as broken after a program that did not come to its end, and returns the error for it and all later ones. */
  failed(cause: unknown): unknown {
    if (this.#started) {
      const how = Atomics.load(this.#words(), this.#at(control.failed));
      if (how !== 0) this.#broken ??= ended(failures[how - 1]!, cause);
      else if (cause instanceof WebAssembly.RuntimeError) this.#broken ??= ended("a kernel failed", cause);
    }
    return this.#broken ?? cause;
  }

  /** Ends the workers; forks run on the caller's thread from then on. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#engine.exports.meetAt(0, false);
    const words = this.#words();
    Atomics.store(words, this.#at(control.stop), 1);
    Atomics.add(words, this.#at(control.forks), 1);
    Atomics.notify(words, this.#at(control.forks));
  }

  #gone(thread: number, reason: string): void {
    if (this.#stopped) return;
    // Gone before the first came: there are no threads to be had here. Later: numbers may be lost.
    if (this.workers === 0) this.#refused ??= reason;
    else this.#broken ??= ended(`worker thread ${thread} is gone (${reason})`, undefined);
  }

  #at(offset: number): number {
    return (this.#block + offset) >>> 2;
  }

  #words(): Int32Array {
    return new Int32Array(this.#engine.memory.buffer);
  }
}

/** Values of `control.failed`. */
const failures = [
  "one of its threads failed in a kernel",
  "a thread did not answer for a minute",
  "a worker thread is gone in the middle of its work",
];

const ended = (event: string, cause: unknown): ErmineError =>
  new ErmineError(
    "ERMINE_BACKEND",
    `The cpu backend cannot go on: ${event}. Make a new backend with cpu(), or one without workers: cpu({ threads: 1 }).`,
    { cause },
  );
