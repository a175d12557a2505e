/** Starts worker threads, in Node or in a browser. What one runs is workerMain.ts. */
import { workerSource } from "../generated/worker.js";
import { builtin } from "./builtin.js";

/** The message to a worker. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  readonly thread: number;
  /** Are vectors of 256 bits in use? */
  readonly wide: boolean;
  /** Node: set to 1 when it begins. */
  readonly begun?: Int32Array;
}

/** A worker as its pool sees it. */
export interface StartedWorker {
  /** Has it ended, as far as can be told without a turn of the event loop? */
  gone(): boolean;
}

interface NodeWorker {
  unref(): void;
  readonly performance?: { eventLoopUtilization(): { readonly idle: number; readonly active: number } };
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
  on(event: "online", listener: () => void): void;
}
type NodeWorkerClass = new (source: string, options: object) => NodeWorker;

interface BrowserWorker {
  onerror: ((event: { message?: string }) => void) | null;
  postMessage(data: unknown): void;
}
interface Browser {
  Worker: new (url: string) => BrowserWorker;
  Blob: new (parts: string[], options: object) => object;
  URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
}

/**
 * Starts a worker, which does not keep the process alive.
 *
 * @param ended called once when it is gone, whatever the reason
 */
export function startWorker(start: WorkerStart, ended: (reason: string) => void): StartedWorker {
  const node = builtin<{ Worker: NodeWorkerClass }>("node:worker_threads");
  if (node !== undefined) {
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const worker = new node.Worker(workerSource, { eval: true, workerData: { ...start, begun }, execArgv: [] });
    let why: string | undefined;
    let isOnline = false;
    worker.on("online", () => (isOnline = true));
    worker.on("error", (error) => (why = error.message));
    worker.on("exit", (code) => ended(why ?? `exit code ${code}`));
    worker.unref();
    return {
      gone() {
        const { idle, active } = worker.performance?.eventLoopUtilization() ?? { idle: 0, active: 1 };
        // Of a loop that has begun and is no more Node says -1, or nothing where it had not been asked before. Nor does it say anything of one that this
        // thread has not heard of yet, although it works.
        return isOnline && Atomics.load(begun, 0) === 1 && (idle < 0 || active === 0);
      },
    };
  }
  const { Worker, Blob, URL } = globalThis as unknown as Browser;
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onerror = ({ message }) =>
    ended(message ?? "its script was refused; does the page's Content-Security-Policy allow blob: workers?");
  worker.postMessage(start);
  // Nobody else has it to end it.
  return { gone: () => false };
}
