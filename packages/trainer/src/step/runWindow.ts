/** The runs that a backend which answers later has not answered yet: as many as it takes. */

export class RunWindow {
  readonly #size: number;
  /** The oldest first. */
  readonly #pending = new Set<Promise<void>>();

  /** @param size how many runs may be queued before the first is read */
  constructor(size: number) {
    this.#size = size;
  }

  /** Is there no room for a further run? */
  get isFull(): boolean {
    return this.#pending.size >= this.#size;
  }

  /** Settles when the oldest run is answered, whatever came of it. */
  async next(): Promise<void> {
    const [oldest] = this.#pending;
    await oldest;
  }

  /** A run is queued. */
  add(answer: Promise<unknown>): void {
    const done = (): void => void this.#pending.delete(pending);
    const pending: Promise<void> = answer.then(done, done);
    this.#pending.add(pending);
  }
}
