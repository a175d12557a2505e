/** How many threads there can be here. */
import { ErmineError } from "@ermine/core";
import { builtin } from "./builtin.js";

/** As many as the machine runs at once (at most 8), a number, or 1. */
export type Threads = number | "auto";

/** Beyond this, what threads wait for each other outweighs what they add for the models that fit here. */
const most = 8;

export interface ThreadCount {
  readonly threads: number;
  /** Why there are fewer than asked. */
  readonly note: string | undefined;
}

/** @throws ErmineError ERMINE_OPTION where it is no number of threads */
export function checkThreads(threads: unknown): Threads {
  if (threads === "auto" || (typeof threads === "number" && Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
    return threads;
  }
  throw new ErmineError(
    "ERMINE_OPTION",
    `cpu: threads is "auto" or a whole number from 1 to 64, got ${JSON.stringify(threads)}.`,
  );
}

export function countThreads(requested: Threads): ThreadCount {
  const threads = requested === "auto" ? Math.min(most, cores()) : requested;
  if (threads === 1) return { threads, note: undefined };
  const reason = whyNot();
  return reason === undefined ? { threads, note: undefined } : { threads: 1, note: reason };
}

function cores(): number {
  const os = builtin<{ availableParallelism(): number }>("node:os");
  if (os !== undefined) return os.availableParallelism();
  return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1;
}

/** Why this place cannot share memory between threads; undefined where it can. */
function whyNot(): string | undefined {
  if (builtin("node:worker_threads") !== undefined) return undefined;
  const { crossOriginIsolated, SharedArrayBuffer, Worker } = globalThis as {
    crossOriginIsolated?: boolean;
    SharedArrayBuffer?: unknown;
    Worker?: unknown;
  };
  if (crossOriginIsolated === false) return "the page is not cross-origin isolated";
  if (SharedArrayBuffer === undefined) return "there is no SharedArrayBuffer here";
  return Worker === undefined ? "there are no workers here" : undefined;
}

/** May this thread sleep until another wakes it? A page's main thread may not. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
