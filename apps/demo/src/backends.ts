/** The backends that the demo knows, each loaded only when it is asked for. */
import {
  createBackend,
  ErmineError,
  probeBackends,
  use,
  type Backend,
  type BackendPlugin,
  type BackendStatus,
} from "@ermine/core";

const tfjsPackage = "@ermine/backend-tfjs";

/** Stands for a package that is not installed here. */
const absent: BackendPlugin = {
  name: "tfjs",
  contract: 1,
  priority: 60,
  probe: () =>
    Promise.resolve({
      available: false,
      reason: `${tfjsPackage} is not installed here.`,
      remedy: `Install it: npm install ${tfjsPackage}.`,
    }),
  create: () =>
    Promise.reject(
      new ErmineError("ERMINE_BACKEND", `${tfjsPackage} is not installed here. Install it: npm install ${tfjsPackage}.`),
    ),
};

async function tfjsPlugin(): Promise<BackendPlugin> {
  try {
    const found = (await import(tfjsPackage)) as { tfjsPlugin?: BackendPlugin };
    return found.tfjsPlugin ?? absent;
  } catch {
    return absent;
  }
}

/** Registers cpu, and tfjs where that may be wanted. */
async function register(wanted: string): Promise<void> {
  const { cpuPlugin } = await import("@ermine/backend-cpu");
  use(cpuPlugin);
  if (wanted !== "cpu") use(await tfjsPlugin());
}

/** @throws ErmineError that lists what there is, with the remedy for what is not available */
export async function openBackend(name: string, numerics: "fast" | "portable"): Promise<Backend> {
  await register(name);
  return createBackend(name, name === "tfjs" ? undefined : { numerics });
}

export async function listBackends(): Promise<readonly BackendStatus[]> {
  await register("all");
  return probeBackends();
}
