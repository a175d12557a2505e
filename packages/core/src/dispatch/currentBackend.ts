/** The backend that eager operations run on where their tensors do not say. */
import { checkFunction } from "../types/options.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import type { Backend } from "../ir/contract.js";

let current: Backend | undefined;

/** Makes `backend` the one for eager operations from here on. */
export function useBackend(backend: Backend): void {
  checkCopy("useBackend", backend);
  current = backend;
}

/** As `useBackend`, for the (synchronous) length of `fn`. */
export function withBackend<T>(backend: Backend, fn: () => T): T {
  checkCopy("withBackend", backend);
  checkFunction("withBackend", fn, "withBackend(backend, () => f(x))");
  const outer = current;
  current = backend;
  try {
    return fn();
  } finally {
    current = outer;
  }
}

/** @internal The one in use, if any. */
export const backendInUse = (): Backend | undefined => current;

/** The one in use. @throws ErmineError ERMINE_BACKEND where there is none yet */
export function currentBackend(): Backend {
  if (current === undefined) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      'No backend is in use. Start with: import { cpu } from "@ermine/backend-cpu"; useBackend(await cpu());',
    );
  }
  return current;
}
