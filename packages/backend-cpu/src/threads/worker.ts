/** One worker thread, in Node or in a browser: it instantiates the module over the shared memory and works until it is told to stop. */
import { builtin } from "./builtin.js";

/** What a worker gets. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  readonly thread: number;
  /** Are vectors of 256 bits in use? */
  readonly wide: boolean;
}

/** Text and not a file: it needs no address under which a bundler would have to serve it. `failed`: control.ts. */
const source = (failed: number): string => `
const start = ({ module, memory, control, thread, wide }) => {
  const abort = () => { throw new Error("a kernel met what it does not know"); };
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
    exports.useWide(wide);
    exports.work(control, thread);
  } catch (error) {
    const words = new Int32Array(memory.buffer);
    Atomics.store(words, (control + ${failed}) >> 2, 1);
    throw error;
  }
};
if (typeof require === "function") start(require("node:worker_threads").workerData);
else onmessage = ({ data }) => { start(data); close(); };
`;

interface NodeWorker {
  unref(): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
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
export function startWorker(start: WorkerStart, failed: number, ended: (reason: string) => void): void {
  const node = builtin<{ Worker: NodeWorkerClass }>("node:worker_threads");
  if (node !== undefined) {
    const worker = new node.Worker(source(failed), { eval: true, workerData: start, execArgv: [] });
    let why: string | undefined;
    worker.on("error", (error) => (why = error.message));
    worker.on("exit", (code) => ended(why ?? `exit code ${code}`));
    worker.unref();
    return;
  }
  const { Worker, Blob, URL } = globalThis as unknown as Browser;
  const url = URL.createObjectURL(new Blob([source(failed)], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onerror = ({ message }) =>
    ended(message ?? "its script was refused; does the page's Content-Security-Policy allow blob: workers?");
  worker.postMessage(start);
}
