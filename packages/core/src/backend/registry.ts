/** Backends by name: registered explicitly, probed before use, chosen by name or by priority. */
import { show } from "../types/options.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { nearestName } from "../types/spelling.js";
import type { Backend, BackendPlugin, Probe } from "../ir/contract.js";

const plugins = new Map<string, BackendPlugin>();

/** Makes a backend known by its name. The same name again replaces it. */
export function registerBackend(plugin: BackendPlugin): void {
  if (arguments.length > 1) checkArguments("registerBackend", arguments, 1);
  if (typeof plugin?.name !== "string" || typeof plugin.create !== "function" || typeof plugin.probe !== "function")
    throw new ErmineError(
      "ERMINE_BACKEND",
      `registerBackend takes a plugin, got ${show(plugin)}. Write registerBackend(cpuPlugin).`,
    );
  if (plugin.contract !== 1 && plugin.contract !== 2) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `The backend "${plugin.name}" is written for contract ${show(plugin.contract)}, this ermine speaks 1 and 2. Install matching versions.`,
    );
  }
  plugins.set(plugin.name, plugin);
}

/** The registered backends, highest priority first. */
export function registeredBackends(): readonly BackendPlugin[] {
  if (arguments.length > 0) checkArguments("registeredBackends", arguments, 0);
  return [...plugins.values()].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

/** A registered backend, and whether it can run here. */
export type BackendStatus = {
  /** The name that it is registered by. */
  readonly name: string;
  /** "auto" takes the available backend of the highest. */
  readonly priority: number;
} & Probe;

/** Every registered backend with what its probe says; a probe that throws is an unavailable backend. */
export async function probeBackends(): Promise<readonly BackendStatus[]> {
  if (arguments.length > 0) checkArguments("probeBackends", arguments, 0);
  return Promise.all(
    registeredBackends().map(async (plugin) => {
      const { name, priority } = plugin;
      try {
        return { name, priority, ...(await plugin.probe()) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { name, priority, available: false as const, reason, remedy: "Reinstall the backend's package." };
      }
    }),
  );
}

/**
 * Creates the backend of that name, or with "auto" the available one of the highest priority.
 *
 * @throws ErmineError ERMINE_BACKEND that lists what there is and the remedy for what is not available
 */
export async function createBackend(name: string = "auto", options?: unknown): Promise<Backend> {
  if (arguments.length > 2) checkArguments("createBackend", arguments, 2);
  checkArgument("createBackend(name, options)", "name", name, "string");
  const registered = registeredBackends();
  if (name !== "auto" && !plugins.has(name)) {
    const near = nearestName(name, [...plugins.keys()]);
    throw new ErmineError(
      "ERMINE_BACKEND",
      `There is no backend "${name}". ${near === undefined ? "" : `Did you mean "${near}"? `}` +
        `Registered: ${registered.map((p) => p.name).join(", ") || "none (registerBackend(plugin) registers one)"}.`,
    );
  }
  const statuses = await probeBackends();
  const chosen = statuses.find((status) => status.available && (name === "auto" || status.name === name));
  if (chosen === undefined) {
    const list = statuses.map((s) => (s.available ? `${s.name}: available` : `${s.name}: ${s.reason} ${s.remedy}`)).join("\n  ");
    const problem = name === "auto" ? "No backend is available." : `The backend "${name}" is not available.`;
    throw new ErmineError(
      "ERMINE_BACKEND",
      `${problem}\n  ${list || "None is registered: registerBackend(plugin) registers one."}`,
    );
  }
  const backend = await plugins.get(chosen.name)!.create(options);
  checkCopy("createBackend", backend);
  return backend;
}
