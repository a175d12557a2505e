/** The worker's end of the line: Node's `parentPort`, or the global scope of a worker in a page. */
import { ErmineError } from "@ermine/core";

export interface Port {
  post(message: unknown): void;
  /** From now on; messages that came before are kept until then. */
  listen(listener: (message: unknown) => void): void;
  /** Lets Node's worker end by itself. */
  close(): void;
}

interface NodePort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: unknown) => void): void;
  close(): void;
}

interface Scope {
  readonly process?: { getBuiltinModule?(name: string): unknown; readonly versions?: { readonly node?: string } };
  readonly WorkerGlobalScope?: new () => object;
  readonly document?: unknown;
  postMessage?(message: unknown): void;
  addEventListener?(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/** @throws ErmineError ERMINE_USAGE on a main thread */
export function workerPort(scope: Scope = globalThis as unknown as Scope): Port {
  const { process } = scope;
  const threads =
    process?.versions?.node === undefined
      ? undefined
      : (process.getBuiltinModule?.("node:worker_threads") as { readonly parentPort: NodePort | null } | undefined);
  const parent = threads?.parentPort ?? undefined;
  if (parent !== undefined) {
    return {
      post: (message) => parent.postMessage(message),
      listen: (listener) => parent.on("message", listener),
      close: () => parent.close(),
    };
  }
  if (scope.WorkerGlobalScope !== undefined && scope instanceof scope.WorkerGlobalScope) {
    return {
      post: (message) => scope.postMessage!(message),
      listen: (listener) => scope.addEventListener!("message", ({ data }) => listener(data)),
      close: () => undefined,
    };
  }
  throw new ErmineError(
    "ERMINE_USAGE",
    "serveTraining: this module runs on a main thread, where nobody starts its training. Start it as a worker: " +
      'trainInWorker(() => new Worker(new URL("./train.js", import.meta.url), { type: "module" })). A module that is imported for its type alone is imported with `import type`.',
  );
}
