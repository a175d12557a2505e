/**
 * The program of a worker thread, in Node or in a browser. The build makes text of this file (scripts/generate.mjs), because a file of its own would need an
 * address: bundlers for pages find it in some formats only, and a page's bundle that is one script has none.
 */
import { builtin } from "./builtin.js";
import { control } from "./control.js";
import type { WorkerStart } from "./worker.js";

/** The global scope of a worker in a browser. */
interface WorkerScope {
  onmessage: (event: { readonly data: WorkerStart }) => void;
  close(): void;
}

/** The exports of the kernels' module that a worker uses. */
interface Kernels {
  useWide(on: boolean): void;
  work(control: number, thread: number): void;
}

function start({ module, memory, control: block, thread, wide, begun }: WorkerStart): void {
  const abort = (): never => {
    throw new Error("a kernel met what it does not know");
  };
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, lost: () => 0 } });
    const { useWide, work } = exports as unknown as Kernels;
    useWide(wide);
    if (begun !== undefined) Atomics.store(begun, 0, 1);
    work(block, thread);
  } catch (error) {
    Atomics.store(new Int32Array(memory.buffer), (block + control.failed) >> 2, 1);
    throw error;
  }
}

const node = builtin<{ readonly workerData: WorkerStart }>("node:worker_threads");
// In a turn of its own: once the loop has begun, the other side can see it end.
if (node !== undefined) setTimeout(() => start(node.workerData));
else {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = ({ data }) => {
    start(data);
    scope.close();
  };
}
