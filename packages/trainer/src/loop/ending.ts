/** Why a `fit` ends before its last epoch, if it does. */
import type { TrainingState } from "../step/state.js";

export class Ending {
  readonly #state: TrainingState;
  readonly #signal: AbortSignal | undefined;
  #interruption: string | undefined;

  /** @param state keeps the reason of a `stop`: a training that goes on from a snapshot after it has ended */
  constructor(state: TrainingState, signal: AbortSignal | undefined) {
    this.#state = state;
    this.#signal = signal;
  }

  /** The epoch ends with this step, and training with the epoch. */
  stop(reason: string): void {
    this.#state.stopped ??= reason;
  }

  /** Training ends with this step, and may be taken up there. */
  interrupt(reason: string): void {
    this.#interruption ??= reason;
  }

  /** Does the epoch stay where it is? */
  get isInterrupted(): boolean {
    return this.#signal?.aborted === true || this.#interruption !== undefined;
  }

  /** Is no further step to be taken? */
  get isDue(): boolean {
    return this.#state.stopped !== null || this.isInterrupted;
  }

  /** undefined: it does not end before. */
  get reason(): string | undefined {
    if (this.#signal?.aborted === true) return "aborted";
    return this.#interruption ?? this.#state.stopped ?? undefined;
  }
}
