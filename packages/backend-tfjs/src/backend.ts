/** The backend: eager kernels and compiled programs on TensorFlow, through the application's own tfjs-node. */
import { availableParallelism } from "node:os";
import { ErmineError, type Backend, type BackendPlugin } from "@ermine/core";
import { checkArguments, checkOptions, markCopy, show } from "@ermine/core/define";
import { compileProgram } from "./compiled/program.js";
import { Sessions } from "./compiled/session.js";
import { TfVariable, type Variables } from "./compiled/variable.js";
import { Eager } from "./eager.js";
import { dtypes, loweredOps, supports, supportsOnGpu } from "./lowering/index.js";
import { loadNative, remedy, type Native, type NativeSettings } from "./native/load.js";
import { locate, type Device } from "./native/locate.js";
import { nativeProblem, notInstalled } from "./native/problem.js";

/** The options of `tfjs`. */
export interface TfjsOptions extends NativeSettings {
  /** "gpu" needs the library for GPUs (`npx ermine-tfjs install --gpu`, or `@tensorflow/tfjs-node-gpu`) and a visible device. Default: what is installed and there. */
  readonly device?: Device;
}

/** The TensorFlow backend. */
export interface TfjsBackend extends Backend {
  /** The version of TensorFlow. */
  readonly tensorflow: string;
  /** Do ops run on a GPU? */
  readonly isUsingGpuDevice: boolean;
}

const optionKinds = {
  threads: "any",
  deterministic: "boolean",
  log: "boolean",
  muteStderr: "boolean",
  device: "any",
  tf32: "boolean",
} as const;

/**
 * Creates the backend.
 *
 * @throws ErmineError ERMINE_BACKEND with the remedy where TensorFlow's library is not there, ERMINE_USAGE where TensorFlow is
 * loaded already with other settings
 */
export async function tfjs(options: TfjsOptions = {}): Promise<TfjsBackend> {
  if (arguments.length > 1) checkArguments("tfjs", arguments, 1);
  checkOptions("tfjs", options, optionKinds);
  checkThreads(options.threads);
  return markCopy("backend", over(loadNative(options, options.device), options.device));
}

function checkThreads(threads: number | undefined): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new ErmineError("ERMINE_OPTION", `tfjs: threads is a whole number ≥ 1, got ${show(threads)}.`);
  }
}

function over({ binding, limit, package: { name } }: Native, device: Device | undefined): TfjsBackend {
  const isUsingGpuDevice = binding.isUsingGpuDevice();
  if (device === "gpu" && !isUsingGpuDevice) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `${name} is loaded, but TensorFlow sees no GPU. Run: npx ermine-tfjs install --gpu; npx ermine-tfjs doctor says what is wrong (the driver, CUDA, CUDA_VISIBLE_DEVICES).`,
    );
  }
  if (device === "cpu" && isUsingGpuDevice) {
    throw new ErmineError(
      "ERMINE_USAGE",
      'TensorFlow is loaded already, and uses the GPU. Create the tfjs backend with device: "cpu" before anything else loads tfjs-node, or start Node with CUDA_VISIBLE_DEVICES=-1.',
    );
  }
  const eager = new Eager(binding);
  const threads = Number(process.env["TF_NUM_INTRAOP_THREADS"] ?? availableParallelism());
  // Resources of programs and variables, and not these themselves: those that were dropped are collected.
  const sessions = new Sessions(binding);
  let names = 0;
  const variables: Variables = { binding, eager, live: new Set(), name: (kind) => `${kind}${names++}` };
  const backend: TfjsBackend = {
    name: "tfjs",
    engine: engineOf(binding.TF_Version, isUsingGpuDevice),
    details: {
      threads,
      simd: "TensorFlow's",
      device: isUsingGpuDevice ? "GPU" : "CPU",
    },
    tensorflow: binding.TF_Version,
    isUsingGpuDevice,
    capabilities: { ops: loweredOps, dtypes, deterministic: process.env["TF_DETERMINISTIC_OPS"] === "1", conditionals: true },
    kernels: eager.kernels,
    supports: isUsingGpuDevice ? supportsOnGpu : supports,
    upload: (data, shape, dtype) => eager.upload(data, shape, dtype),
    release: (storage) => eager.release(storage),
    read: async (storage) => eager.read(storage),
    readSync: (storage) => eager.read(storage),
    createVariable: ({ shape, dtype }, initial) => new TfVariable(variables, shape, dtype, initial),
    compile(module, places) {
      eager.checkAlive();
      return compileProgram({ ...variables, backend, sessions }, module, places, { threads, limit });
    },
    memory() {
      const total = { ...eager.memory() };
      for (const { bytes } of variables.live) {
        total.tensors++;
        total.bytes += bytes;
      }
      return total;
    },
    dispose() {
      sessions.dispose();
      for (const variable of variables.live) variable.settle();
      variables.live.clear();
      eager.dispose();
    },
  };
  return backend;
}

const engineOf = (version: string, gpu: boolean): string => `TensorFlow ${version}, ${gpu ? "GPU" : "CPU"}`;

/** For the registry. */
export const tfjsPlugin: BackendPlugin = {
  name: "tfjs",
  contract: 1,
  priority: 60,
  async probe() {
    try {
      const tfjsPackage = locate();
      const problem = tfjsPackage === undefined ? notInstalled("@tensorflow/tfjs-node") : nativeProblem(tfjsPackage.root);
      if (problem !== undefined) return { available: false, reason: problem.problem, remedy: problem.remedy };
      const { binding } = loadNative();
      return { available: true, engine: engineOf(binding.TF_Version, binding.isUsingGpuDevice()) };
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(remedy, "").trim() : String(error);
      return { available: false, reason, remedy };
    }
  },
  create: (options) => tfjs(options as TfjsOptions | undefined),
};
