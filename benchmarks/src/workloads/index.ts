/** Every workload, in the order in which they are shown. */
import { gan } from "./gan.js";
import { kernels } from "./kernels.js";
import { loader } from "./loader.js";
import { memory } from "./memory.js";
import { predict } from "./predict.js";
import { startup } from "./startup.js";
import { trainingWorkloads } from "./training.js";
import type { Workload } from "./workload.js";

export const workloads: readonly Workload[] = [...trainingWorkloads, predict, gan, kernels, startup, memory, loader];

export const workloadNames = workloads.map(({ name }) => name);
