/**
 * Who works on a trainer's variables: one at a time. A `fit` gives its turn back after each step, so that `evaluate` and `predict` run between
 * two steps; there is one `fit` at most, and after `dispose` what was running ends at its next turn.
 */
import { ErmineError } from "@ermine/core";

/** One call of `fit`, `evaluate` or `predict`. */
export interface Work {
  /** The trainer was disposed since the call began. */
  readonly ended: boolean;
  /** @throws ErmineError ERMINE_USAGE where the trainer was disposed since the call began */
  check(): void;
  /** Runs fn and returns its result; an error that it throws after a dispose is replaced by that of the dispose. */
  run<T>(fn: () => Promise<T>): Promise<T>;
}

export class Turns {
  #last: Promise<void> | undefined;
  #paused: Promise<void> | undefined;
  /** Settles when the steps are done that are in flight now. */
  #flights: Promise<unknown> | undefined;
  #pauses = 0;
  #resume: (() => void) | undefined;
  #fit: Work | undefined;
  #disposals = 0;
  #stepAtDisposal = 0;

  /** Settles when a step may be taken; undefined where one may be taken now. */
  get busy(): Promise<void> | undefined {
    return this.#last ?? this.#paused;
  }

  /** @param name of the call, for messages */
  work(name: string): Work {
    const disposalsAtStart = this.#disposals;
    const ended = (): boolean => this.#disposals !== disposalsAtStart;
    const check = (): void => {
      if (!ended()) return;
      const after = this.#stepAtDisposal === 0 ? "" : ` after update ${this.#stepAtDisposal}`;
      throw new ErmineError(
        "ERMINE_USAGE",
        `${name}: trainer.dispose() was called${after} while ${name} ran, which ended it. The model has the parameters that it had then. ` +
          "To end a fit and go on with its trainer, abort its signal, or call stop() on a callback's control.",
      );
    };
    return {
      get ended() {
        return ended();
      },
      check,
      async run(fn) {
        try {
          return await fn();
        } catch (error) {
          check();
          throw error;
        }
      },
    };
  }

  /** @throws ErmineError ERMINE_USAGE where a `fit` runs, which changes what `name` is about */
  refuseInFit(name: string, remedy: string): void {
    if (this.#fit !== undefined)
      throw new ErmineError(
        "ERMINE_USAGE",
        `${name}: this trainer is in a fit, which changes its state with every step. ${remedy}`,
      );
  }

  /** @throws ErmineError ERMINE_USAGE where a `fit` runs already, or `withAveragedWeights` has put other weights in place */
  beginFit(step: number): Work {
    if (this.#fit !== undefined) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `fit: this trainer is in a fit already${step === 0 ? "" : `, after update ${step}`}. Await that one before the next; its signal ends it.`,
      );
    }
    if (this.#paused !== undefined) {
      throw new ErmineError(
        "ERMINE_USAGE",
        "fit: withAveragedWeights has put the averaged weights into the model. Await it before the next fit.",
      );
    }
    return (this.#fit = this.work("fit"));
  }

  endFit(fit: Work): void {
    if (this.#fit === fit) this.#fit = undefined;
  }

  /** Waits until a step may be taken. @returns what `mayGoOn` says then */
  async free(mayGoOn: () => boolean): Promise<boolean> {
    for (let { busy } = this; busy !== undefined; busy = this.busy) await busy;
    return mayGoOn();
  }

  /** A step of a `fit` that runs on the backend: whoever takes a turn waits for it. */
  fly(step: Promise<unknown>): void {
    const flights = Promise.allSettled([this.#flights, step]).then(() => {
      if (this.#flights === flights) this.#flights = undefined;
    });
    this.#flights = flights;
  }

  /** Runs fn when all that came before is done, steps in flight too. */
  async take<T>(fn: () => T | Promise<T>): Promise<T> {
    const before = this.#last;
    const flights = this.#flights;
    if (before === undefined && flights === undefined) return this.hold((async () => fn())());
    return this.hold(Promise.all([before, flights]).then(fn));
  }

  /** Nobody else has a turn until `running` is settled. */
  async hold<T>(running: Promise<T>): Promise<T> {
    const completion = running.then(
      () => undefined,
      () => undefined,
    );
    this.#last = completion;
    try {
      return await running;
    } finally {
      if (this.#last === completion) this.#last = undefined;
    }
  }

  /** No step of a `fit` is taken while fn runs; `evaluate` and `predict`, which fn may call, are. */
  async pauseSteps<T>(fn: () => Promise<T>): Promise<T> {
    if (this.#pauses++ === 0) this.#paused = new Promise((resolve) => (this.#resume = resolve));
    try {
      return await fn();
    } finally {
      if (--this.#pauses === 0) {
        this.#paused = undefined;
        this.#resume!();
      }
    }
  }

  /** Whatever runs now ends at its next turn. */
  dispose(step: number): void {
    this.#disposals++;
    this.#stepAtDisposal = step;
    this.#fit = undefined;
  }
}
