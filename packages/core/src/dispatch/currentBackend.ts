/** The backend that eager operations run on where their tensors do not say. */
import type { Backend } from "../ir/contract.js";
import type { OptionalTensors } from "../ir/op.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkFunction } from "../types/options.js";
import type { Device } from "../types/storage.js";
import { context, within } from "./context.js";

/** Makes `backend` the one for eager operations from here on. */
export function useBackend(backend: Backend): void {
  checkCopy("useBackend", backend);
  context.backend = backend;
}

/** As `useBackend`, for the (synchronous) length of `fn`. */
export function withBackend<T>(backend: Backend, fn: () => T): T {
  checkCopy("withBackend", backend);
  checkFunction("withBackend", fn, "withBackend(backend, () => f(x))");
  return within("backend", backend, fn);
}

/** The one in use. @throws ErmineError ERMINE_BACKEND where there is none yet */
export function currentBackend(): Backend {
  if (context.backend === undefined) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      'No backend is in use. Start with: import { cpu } from "@ermine/backend-cpu"; useBackend(await cpu());',
    );
  }
  return context.backend;
}

/** Tensors are placed on backends only. */
const asBackend = (device: Device): Backend => device as Backend;

/** @internal Where an op over these runs: with the first tensor that only a backend has; what the host has too can move to the one in use. */
export function backendOf(inputs: OptionalTensors): Backend {
  let placed: Device | undefined;
  for (const t of inputs) {
    if (t === undefined || t.state.kind === "traced" || t.state.backend === undefined) continue;
    if (t.state.host === undefined) return asBackend(t.state.backend);
    placed ??= t.state.backend;
  }
  return context.backend ?? (placed === undefined ? currentBackend() : asBackend(placed));
}
