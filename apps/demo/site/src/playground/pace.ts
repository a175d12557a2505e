/** How fast a run goes on: not at all, update by update, so many a second, or as fast as it can. It decides when, never what: the bits of a run do not depend on it. */

/** Updates between two looks at the clock at full speed. */
const stride = 16;

/** Milliseconds between two shares of updates at a given speed. */
const tick = 20;

export class Pace {
  /** Called where a look at the run is cheap: some thousand times a second at most, and where it begins to wait. */
  onTurn: () => void = () => {};
  #updatesPerSecond = 0;
  #allowed = 0;
  #taken = 0;
  #go: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;
  #mark = { time: 0, taken: 0 };
  #speed = 0;

  get isRunning(): boolean {
    return this.#updatesPerSecond > 0;
  }

  /** Updates a second, lately. */
  get speed(): number {
    return this.isRunning ? this.#speed : 0;
  }

  play(updatesPerSecond: number): void {
    if (this.#hasEnded) return;
    this.#updatesPerSecond = updatesPerSecond;
    this.#allowed = updatesPerSecond === Infinity ? Infinity : 0;
    this.#mark = { time: performance.now(), taken: this.#taken };
    clearTimeout(this.#timer);
    if (updatesPerSecond !== Infinity) this.#share(performance.now(), 1);
    this.#release();
  }

  pause(): void {
    this.#updatesPerSecond = 0;
    this.#allowed = 0;
    clearTimeout(this.#timer);
  }

  /** So many updates, and no more. */
  advance(updates: number): void {
    if (this.#hasEnded) return;
    this.pause();
    this.#allowed = updates;
    this.#release();
  }

  /** Lets a run that waits come to its end. */
  end(): void {
    this.pause();
    this.#hasEnded = true;
    this.#release();
  }

  /** Before an update: undefined to take it, or what to wait for. */
  gate(): Promise<void> | undefined {
    if (this.#allowed > 0) {
      this.#allowed--;
      this.#taken++;
      if (this.#taken % stride === 0) this.#look();
      return undefined;
    }
    if (this.#hasEnded) return undefined;
    return this.#wait();
  }

  async #wait(): Promise<void> {
    while (this.#allowed <= 0 && !this.#hasEnded) {
      this.#look();
      await new Promise<void>((resolve) => (this.#go = resolve));
    }
    this.#allowed--;
    this.#taken++;
  }

  #look(): void {
    const { time, taken } = this.#mark;
    const now = performance.now();
    if (now - time >= 500) {
      this.#speed = ((this.#taken - taken) / (now - time)) * 1000;
      this.#mark = { time: now, taken: this.#taken };
    }
    this.onTurn();
  }

  /** Every tick its updates; parts of one are carried over. */
  #share(before: number, carried: number): void {
    const now = performance.now();
    const due = carried + (this.#updatesPerSecond * Math.min(200, now - before)) / 1000;
    this.#allowed += Math.floor(due);
    this.#timer = setTimeout(() => this.#share(now, due % 1), tick);
    if (this.#allowed > 0) this.#release();
  }

  #release(): void {
    const go = this.#go;
    this.#go = undefined;
    go?.();
  }
}
