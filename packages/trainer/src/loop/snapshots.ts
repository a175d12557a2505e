/** Snapshots while `fit` runs, and a `fit` that goes on from one. What takes and restores them is loaded when it is first needed. */
import { loadChunk } from "@ermine/core/backend";
import type { Callback, Control } from "../callbacks/callback.js";
import type { SnapshotSettings } from "../step/contract.js";
import type { Training } from "../step/training.js";

/** @internal */
export const resumeChunk = (): Promise<typeof import("./resume.js")> =>
  loadChunk("Snapshots of a training", () => import("./resume.js"));

/** The snapshots of one `fit`. */
export class Snapshots {
  readonly #training: Training;
  readonly #callbacks: readonly Callback<string>[];
  readonly #settings: () => Promise<SnapshotSettings>;
  #control: Control | undefined;
  /** Progress of training at the last snapshot. */
  #last: string | undefined;
  /** Was one asked for? Looked at after each update. */
  isRequested = false;

  constructor(training: Training, callbacks: readonly Callback<string>[], settings: () => Promise<SnapshotSettings>) {
    this.#training = training;
    this.#callbacks = callbacks;
    this.#settings = settings;
  }

  begin(control: Control): void {
    this.#control = control;
    this.#last = this.#place();
    const callbacks = this.#callbacks.filter(({ state }) => state !== undefined);
    if (callbacks.length > 0)
      this.#training.state.callbackStates = () =>
        callbacks.map((callback) => ({ name: callback.name, state: callback.state!(control) }));
  }

  request(): void {
    this.isRequested = true;
  }

  /** Takes one and tells the callbacks. No step is in flight. */
  async take(): Promise<void> {
    this.isRequested = false;
    const control = this.#control!;
    const { turns } = this.#training;
    const { takeSnapshot } = await resumeChunk();
    const settings = await this.#settings();
    this.#last = this.#place();
    const snapshot = await turns.take(() => takeSnapshot(this.#training, settings));
    for (const callback of this.#callbacks) await callback.onSnapshot?.(snapshot, control);
  }

  /** At the end of training: for callbacks that take snapshots, where anything has changed since the last one. */
  async takeLast(): Promise<void> {
    if (this.#callbacks.every(({ onSnapshot }) => onSnapshot === undefined)) return;
    if (this.isRequested || this.#last !== this.#place()) await this.take();
  }

  #place(): string {
    const { batch, update, epoch, stopped } = this.#training.state;
    return JSON.stringify([batch, update, epoch, stopped]);
  }
}
