/**
 * Loads the application's tfjs-node, with what it needs before it is loaded: functions that newer Node has dropped, and TensorFlow's
 * settings, which it reads from the environment once.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ErmineError } from "@ermine/core";
import type { Binding } from "./binding.js";
import { applicationFile, locate, type Device, type TfjsPackage } from "./locate.js";
import { addonPath, nativeProblem, notInstalled, type Problem } from "./problem.js";

export interface NativeSettings {
  /**
   * Threads within TensorFlow's ops, which run one after the other. Default: one for each core, as TensorFlow has it, and between ops what
   * TF_NUM_INTEROP_THREADS says where it is set.
   */
  readonly threads?: number;
  /** The same inputs give the same bits: TF_DETERMINISTIC_OPS. Default true. */
  readonly deterministic?: boolean;
  /**
   * On a GPU: multiply float32 with the 10 bits of TF32, which is up to eight times as fast and gives three digits: NVIDIA_TF32_OVERRIDE. Default false, as
   * PyTorch's products; NVIDIA_TF32_OVERRIDE=1 before Node starts allows it too.
   */
  readonly tf32?: boolean;
  /** Let TensorFlow write its notes on stderr. Default false. */
  readonly log?: boolean;
  /**
   * Mute the stderr of the whole process while TensorFlow's library is loaded: newer ones write two lines before they read any setting. What other
   * threads write in that moment (a fifth of a second) is lost, so that this is for programs to ask for and not for libraries; ERMINE_MUTE_TENSORFLOW=1
   * asks for it too. It takes the addon that `ermine-tfjs install` compiles. Default false.
   */
  readonly muteStderr?: boolean;
}

/** tfjs-node as far as it is used here; its own types are for those who convert tensors. */
export interface Tfjs {
  backend(): { readonly binding: Binding };
  findBackend(name: string): { readonly binding: Binding } | null;
}

export interface Native {
  readonly tfjs: Tfjs;
  readonly binding: Binding;
  readonly package: TfjsPackage;
  /** Sets how many threads the kernels may take that this thread runs; undefined where that cannot be said. */
  readonly limit: ((threads: number) => void) | undefined;
}

export const remedy = "Run: npx ermine-tfjs install (npx ermine-tfjs doctor says what is wrong).";

const failure = ({ problem, remedy }: Problem): ErmineError => new ErmineError("ERMINE_BACKEND", `${problem} ${remedy}`);

let loaded: Native | undefined;

/** A program's ops run one after the other on the thread that calls it: none has to be woken for them, which takes as long as ten small ops. */
const callersThread = "-1";

const environmentOf = (
  { threads, deterministic = true, tf32, log = false }: NativeSettings,
  device: Device | undefined,
): Record<string, string> => ({
  ...(threads === undefined ? {} : { TF_NUM_INTRAOP_THREADS: String(threads) }),
  TF_NUM_INTEROP_THREADS: (threads === undefined ? process.env["TF_NUM_INTEROP_THREADS"] : undefined) ?? callersThread,
  TF_DETERMINISTIC_OPS: deterministic ? "1" : "0",
  NVIDIA_TF32_OVERRIDE: tf32 === undefined ? (process.env["NVIDIA_TF32_OVERRIDE"] ?? "0") : tf32 ? "1" : "0",
  ...(device === "cpu" ? { CUDA_VISIBLE_DEVICES: "-1" } : {}),
  TF_ENABLE_ONEDNN_OPTS: process.env["TF_ENABLE_ONEDNN_OPTS"] ?? "1",
  ...(log ? {} : { TF_CPP_MIN_LOG_LEVEL: process.env["TF_CPP_MIN_LOG_LEVEL"] ?? "2" }),
});

/**
 * @throws ErmineError ERMINE_BACKEND where tfjs-node or its native library is missing, ERMINE_USAGE where settings come too late
 */
export function loadNative(settings: NativeSettings = {}, device?: Device): Native {
  const tfjsPackage = locate(device);
  if (tfjsPackage === undefined) throw failure(notInstalled("@tensorflow/tfjs-node"));
  const problem = nativeProblem(tfjsPackage.root);
  if (problem !== undefined) throw failure(problem);
  const addon = addonPath(tfjsPackage.root);
  const require = createRequire(join(tfjsPackage.root, "package.json"));
  refuseLateSettings(settings, require.cache[addon] !== undefined || loaded !== undefined);
  if (loaded !== undefined) return loaded;
  const quiet = silencer(addon, settings);
  Object.assign(process.env, environmentOf(settings, device));
  supplyDroppedFunctions();
  let tfjs: Tfjs;
  try {
    quiet?.mute();
    tfjs = require(tfjsPackage.root) as Tfjs;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ErmineError("ERMINE_BACKEND", `tfjs-node does not load: ${message}\n${remedy}`, { cause });
  } finally {
    quiet?.unmute();
  }
  const backend = tfjs.findBackend("tensorflow");
  if (backend === null)
    throw new ErmineError("ERMINE_BACKEND", `tfjs-node in ${tfjsPackage.root} has no TensorFlow backend. ${remedy}`);
  loaded = { tfjs, binding: backend.binding, package: tfjsPackage, limit: limiter(addon) };
  return loaded;
}

interface Silencer {
  mute(): void;
  unmute(): void;
}

/** Where it is asked for: compiled next to the addon by `ermine-tfjs install`. @throws ErmineError ERMINE_BACKEND where it is not there */
function silencer(addon: string, { muteStderr }: NativeSettings): Silencer | undefined {
  if (!(muteStderr ?? process.env["ERMINE_MUTE_TENSORFLOW"] === "1")) return undefined;
  const file = join(dirname(addon), "quiet.node");
  if (existsSync(file)) return createRequire(file)(file) as Silencer;
  // The variable is for whatever runs here; the option is a question with an answer.
  if (muteStderr === undefined) return undefined;
  throw failure({
    problem: `muteStderr takes the addon quiet.node next to tfjs-node's, and ${file} is not there.`,
    remedy: "Run: npx ermine-tfjs install --force --source pypi, which compiles it; or leave muteStderr out.",
  });
}

/** Compiled there as well. It looks into the library that is loaded. */
function limiter(addon: string): ((threads: number) => void) | undefined {
  const file = join(dirname(addon), "limit.node");
  if (!existsSync(file)) return undefined;
  const { limit } = createRequire(file)(file) as { limit?: (threads: number) => void };
  return limit;
}

function refuseLateSettings(settings: NativeSettings, isLoaded: boolean): void {
  if (!isLoaded) return;
  const { threads, deterministic, tf32 } = settings;
  const fromEnvironment = process.env["TF_NUM_INTRAOP_THREADS"];
  if (threads !== undefined && fromEnvironment !== String(threads)) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `TensorFlow is loaded already, with ${fromEnvironment ?? "its own number of"} threads, and cannot have ${threads} any more. Create the tfjs backend before anything else loads ` +
        "tfjs-node, or set TF_NUM_INTRAOP_THREADS when you start Node.",
    );
  }
  if (deterministic !== undefined && (process.env["TF_DETERMINISTIC_OPS"] === "1") !== deterministic) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `TensorFlow is loaded already, with deterministic ${String(!deterministic)}. Create the tfjs backend before anything else loads tfjs-node, ` +
        `or set TF_DETERMINISTIC_OPS=${deterministic ? 1 : 0} when you start Node.`,
    );
  }
  if (tf32 !== undefined && (process.env["NVIDIA_TF32_OVERRIDE"] !== "0") !== tf32) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `TensorFlow is loaded already, ${tf32 ? "without" : "with"} TF32. Create the tfjs backend before anything else loads tfjs-node, ` +
        `or set NVIDIA_TF32_OVERRIDE=${tf32 ? 1 : 0} when you start Node.`,
    );
  }
}

/** tfjs-node calls two functions of `util` that Node 23 has dropped (tensorflow/tfjs#8609). */
export function supplyDroppedFunctions(): void {
  const util = createRequire(applicationFile())("node:util") as Record<string, unknown>;
  util["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
  util["isArray"] ??= Array.isArray;
}
