/** The backends that the demo knows, each loaded only when it is asked for. */
import { createBackend, ErmineError, registerBackend, type Backend, type BackendPlugin } from "@ermine/core";

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
    const tfjsModule = (await import(tfjsPackage)) as { tfjsPlugin?: BackendPlugin };
    return tfjsModule.tfjsPlugin ?? absent;
  } catch {
    return absent;
  }
}

/**
 * Asks for what is for a program to decide, and this one is nothing else: what Node has behind flags of V8 (256-bit vectors from 24 on, relaxed SIMD in
 * 20; `engine` says what came of it), and that TensorFlow writes nothing while it is loaded. A variable that is set stays as it is.
 */
function askForProgramSettings(): void {
  process.env["ERMINE_WIDE_VECTORS"] ??= "1";
  process.env["ERMINE_RELAXED_SIMD"] ??= "1";
  process.env["ERMINE_MUTE_TENSORFLOW"] ??= "1";
}

/** Registers cpu, and tfjs where that may be wanted. */
export async function registerBackends(wanted: string, numerics: "fast" | "portable"): Promise<void> {
  askForProgramSettings();
  const { cpu, cpuPlugin } = await import("@ermine/backend-cpu");
  registerBackend({ ...cpuPlugin, create: (options) => cpu({ numerics, ...(options as object | undefined) }) });
  if (wanted !== "cpu") registerBackend(await tfjsPlugin());
}

/** @throws ErmineError that lists what there is, with the remedy for what is not available */
export async function openBackend(name: string, numerics: "fast" | "portable"): Promise<Backend> {
  await registerBackends(name, numerics);
  return createBackend(name);
}
