/** Every workload, in the order in which they are shown. */
import { gan } from "./gan.js";
import { kernels } from "./kernels.js";
import { loader } from "./loader.js";
import { memory } from "./memory.js";
import { networkWorkloads } from "./networks.js";
import { optimizers } from "./optimizers.js";
import { predict } from "./predict.js";
import { startup } from "./startup.js";
import { trainingWorkloads } from "./training.js";
import type { Workload } from "./workload.js";

export const workloads: readonly Workload[] = [
  ...trainingWorkloads,
  ...networkWorkloads,
  predict,
  gan,
  kernels,
  optimizers,
  startup,
  memory,
  loader,
];

const names = (group: readonly Workload[]): readonly string[] => group.map(({ name }) => name);

/** Names for several. */
export const workloadGroups: Readonly<Record<string, readonly string[]>> = { networks: names(networkWorkloads) };

export const workloadNames = names(workloads);
