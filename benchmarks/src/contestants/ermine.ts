/** ermine itself, on one of its backends: `node ermine.js cpu|cpu-flags|cpu-portable|tfjs`. */
import { cpu } from "@ermine/backend-cpu";
import { tfjs } from "@ermine/backend-tfjs";
import { ErmineError, type Backend } from "@ermine/core";
import type { Task } from "../task.js";
import { cpuOptions } from "./cpuOptions.js";
import { fitWork } from "./ermineFit.js";
import { ganWork } from "./ermineGan.js";
import { kernelWork } from "./ermineKernels.js";
import { loaderWork } from "./ermineLoader.js";
import { predictWork } from "./erminePrediction.js";
import { trainWork } from "./ermineTraining.js";
import { Absent, serve, type Work } from "./player.js";

/** @throws Absent where the backend's library is not there */
export async function openBackend(name: string, threads: number): Promise<Backend> {
  if (name !== "tfjs") return cpu({ threads, ...cpuOptions(name) });
  try {
    return await tfjs({ threads });
  } catch (error) {
    if (!(error instanceof ErmineError) || error.code !== "ERMINE_BACKEND") throw error;
    throw new Absent({ needs: "TensorFlow's native library", remedy: "node packages/backend-tfjs/scripts/prepare.mjs" });
  }
}

/** The backend of a process: one for all of its tasks. */
let opened: Backend | undefined;

export async function ermineWork(name: string, task: Task, threads: number): Promise<Work> {
  const backend = (opened ??= await openBackend(name, threads));
  if (task.kind === "train") return trainWork(task, backend);
  if (task.kind === "fit") return fitWork(task, backend);
  if (task.kind === "predict") return predictWork(task, backend);
  if (task.kind === "gan") return ganWork(task, backend);
  return task.kind === "loader" ? loaderWork(task) : kernelWork(task.kernel, backend);
}

if (process.argv[1] === import.meta.filename) {
  await serve({ prepare: (task, threads) => ermineWork(process.argv[2] ?? "cpu", task, threads) });
}
