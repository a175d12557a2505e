/** What a training runs on. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createBackend, ErmineError, registerBackend, type Backend, type BackendPlugin } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import { Trainer, type Dataset, type TrainerOptions } from "@ermine/trainer";

const tfjsPackage = "@ermine/backend-tfjs";

/** The backends that there are, by their names. */
export const backendNames = ["cpu", "tfjs"] as const;

/** Where the package is: next to this one, or in the project that the command runs in; undefined: it is not installed. */
function tfjsLocation(): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return pathToFileURL(createRequire(from).resolve(tfjsPackage)).href;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}

/** The plugin of TensorFlow; undefined where its package is not installed. */
async function tfjsPlugin(): Promise<BackendPlugin | undefined> {
  const location = tfjsLocation();
  return location === undefined ? undefined : ((await import(location)) as { readonly tfjsPlugin: BackendPlugin }).tfjsPlugin;
}

/** Registers those that are installed. @returns the names of these */
export async function registerBackends(): Promise<readonly string[]> {
  const { cpuPlugin } = await import("@ermine/backend-cpu");
  registerBackend(cpuPlugin);
  const tfjs = await tfjsPlugin();
  if (tfjs === undefined) return ["cpu"];
  registerBackend(tfjs);
  return ["cpu", "tfjs"];
}

/** Is one that was installed able to run here? */
const isAvailable = async (): Promise<boolean> => {
  const plugin = await tfjsPlugin();
  return plugin !== undefined && (await plugin.probe()).available;
};

/** Operations below which a training ends before another backend is loaded and timed: some ten seconds on cpu. */
const worthTiming = 1e11;

/**
 * The backend of that name; of "fastest" the one on which the model's steps take the least time.
 *
 * @throws ErmineError ERMINE_BACKEND where it is not there, with what to do
 */
export async function chooseBackend(
  name: "fastest" | "cpu" | "tfjs",
  setup: Pick<TrainerOptions, "model" | "loss" | "optimizer">,
  sample: Dataset,
  batchSize: number,
): Promise<Backend> {
  // Forward and backward, about 40 epochs.
  const operations = 6 * 40 * (setup.model as Module).parameterCount() * sample.length;
  if (name === "cpu" || (name === "fastest" && (operations < worthTiming || !(await isAvailable())))) {
    const { cpu } = await import("@ermine/backend-cpu");
    return (open ??= await cpu());
  }
  const installed = await registerBackends();
  if (name === "tfjs" && !installed.includes("tfjs"))
    throw new ErmineError("ERMINE_BACKEND", `${tfjsPackage} is not installed here. Install it: npm install ${tfjsPackage}.`);
  if (name === "tfjs") return createBackend("tfjs");
  const trainer = new Trainer({ ...setup, backend: "fastest" });
  try {
    await trainer.plan(sample, { batchSize });
    return trainer.backend;
  } finally {
    trainer.dispose();
  }
}

/** One for all trainings of a process. */
let open: Backend | undefined;
