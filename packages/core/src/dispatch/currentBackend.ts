/** The backend that eager operations run on where their tensors do not say. */
import { show } from "../types/options.js";
import type { Backend } from "../ir/contract.js";
import type { OptionalTensors } from "../ir/op.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkFunction, nameOf } from "../types/arguments.js";
import type { Device } from "../types/storage.js";
import { context, within } from "./context.js";

/**
 * Refuses what is no backend.
 *
 * @param signature the call, "trainOn(backend, data)"
 * @throws ErmineError ERMINE_BACKEND where it is no backend, with what to write: `await` before a promise, createBackend(name) for a name
 */
export function checkBackend(signature: string, backend: unknown): asserts backend is Backend {
  checkCopy(nameOf(signature), backend);
  const isObject = typeof backend === "object" && backend !== null;
  if (isObject && "kernels" in backend && "capabilities" in backend && "upload" in backend) return;
  const call = (argument: string): string => signature.replace("backend", argument);
  const remedy =
    typeof backend === "string"
      ? call(`await createBackend(${show(backend)})`)
      : isObject && "probe" in backend && "create" in backend
        ? call("await plugin.create()")
        : call(typeof backend === "function" && backend.name !== "" ? `await ${backend.name}()` : "await cpu()");
  throw new ErmineError("ERMINE_BACKEND", `${nameOf(signature)} takes a backend, got ${show(backend)}. Write ${remedy}.`);
}

/** Makes `backend` the one for eager operations from here on. */
export function useBackend(backend: Backend): void {
  checkBackend("useBackend(backend)", backend);
  if (arguments.length > 1) checkArguments("useBackend", arguments, 1);
  context.backend = backend;
}

/** As `useBackend`, for the (synchronous) length of `fn`. */
export function withBackend<T>(backend: Backend, fn: () => T): T {
  checkBackend("withBackend(backend, fn)", backend);
  if (arguments.length > 2) checkArguments("withBackend", arguments, 2);
  checkFunction("withBackend", fn, "withBackend(backend, () => f(x))");
  return within("backend", backend, fn);
}

/** The one in use. @throws ErmineError ERMINE_BACKEND where there is none yet */
export function currentBackend(): Backend {
  if (arguments.length > 0) checkArguments("currentBackend", arguments, 0);
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
