/** The block of memory on which threads meet; assembly/pool.ts says what each word is for. */

/** Bytes behind the block's start. What different threads write stands on cache lines of its own. */
export const control = {
  /** The number of forks so far, in the upper half of the word from which parts are claimed. */
  forks: 4,
  ready: 192,
  stop: 320,
  /** 1: a kernel failed in a worker; 2: one did not answer; 3: one is gone. */
  failed: 324,
  /** A word for each thread: where its scratch is. */
  scratch: 384,
} as const;

export const controlBytes = (threads: number): number => control.scratch + 4 * threads;
