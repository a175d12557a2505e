/** Callback that reports steps and epochs to the other thread, at a limited rate: each message costs that thread a turn of its event loop. */
import type { Callback } from "../callbacks/callback.js";
import type { TrainingEvent } from "./protocol.js";

export class Reporter {
  readonly #post: (events: readonly TrainingEvent[]) => void;
  readonly #interval: number;
  /** Epochs that the other side is not told of yet. */
  #waiting: TrainingEvent[] = [];
  #posted = -Infinity;
  #postedEpoch = -Infinity;

  /** @param interval milliseconds between two messages of steps, and between two of epochs, at least */
  constructor(post: (events: readonly TrainingEvent[]) => void, interval: number) {
    this.#post = post;
    this.#interval = interval;
  }

  /** It keeps nothing, so that a training goes on without it as well. */
  readonly callback: Callback = {
    name: "reporter",
    state: () => null,
    restore: () => undefined,
    onTrainBegin: (_, { epochs, stepsPerEpoch, resumed }) => this.#post([{ type: "begin", epochs, stepsPerEpoch, resumed }]),
    onStep: (info) => {
      if (performance.now() - this.#posted >= this.#interval) this.flush({ type: "step", ...info });
    },
    onEpochEnd: (info) => {
      this.#waiting.push({ type: "epoch", ...info });
      // Long epochs do not wait for the step after them.
      if (performance.now() - Math.min(this.#posted, this.#postedEpoch) >= this.#interval) this.flush();
    },
    release: () => this.flush(),
  };

  /** Tells of what waits, and of this, in one message. */
  flush(event?: TrainingEvent): void {
    const events = event === undefined ? this.#waiting : [...this.#waiting, event];
    if (events.length === 0) return;
    this.#posted = performance.now();
    if (this.#waiting.length > 0) this.#postedEpoch = this.#posted;
    this.#waiting = [];
    this.#post(events);
  }
}
