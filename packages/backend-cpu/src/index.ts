/**
 * The cpu backend: WebAssembly SIMD, nothing native, in Node and in browsers.
 *
 * @example
 * import { cpu } from "@ermine/backend-cpu";
 * useBackend(await cpu());
 */
import { checkOptions, ErmineError, loadChunk, markCopy, type BackendPlugin } from "@ermine/core";
import { Unavailable } from "./availability.js";
import { createBackend, type CpuBackend } from "./backend.js";
import { describeEngine, loadEngine, type Numerics, type Vectors } from "./engine.js";
import { checkThreads, type Threads } from "./threads/count.js";

export type { CpuBackend } from "./backend.js";
export type { Numerics, Vectors } from "./engine.js";
export type { Threads } from "./threads/count.js";

export interface CpuOptions {
  /**
   * "fast" (default) fuses multiply and add where the engine has relaxed SIMD (in Node 20 it sets a flag of V8's for that, for the whole
   * process); "portable" gives the same bits in every engine.
   */
  readonly numerics?: Numerics;
  /**
   * Threads that large ops are spread over: a number, or "auto" (default), as many as the machine runs at once (at most 8). Results are the
   * same bits for any number. Workers start when a program is first large enough to need them, and never keep the process alive. On a page
   * that is not cross-origin isolated there is one thread; `engine` says so.
   */
  readonly threads?: Threads;
  /**
   * "auto" (default) uses vectors of 256 bits where the engine can be asked for them: in Node ≥ 24 on x64, whose V8 joins two vectors of 128
   * behind a flag, which is set while the kernels are compiled and then taken back. They are used only if a short trial finds them faster and
   * the bits the same; results do not depend on it. 128: never.
   */
  readonly vectors?: Vectors;
}

/** @throws ErmineError ERMINE_OPTION for an option that does not exist, ERMINE_UNSUPPORTED or ERMINE_MEMORY with the remedy where WebAssembly cannot be had */
export async function cpu(options: CpuOptions = {}): Promise<CpuBackend> {
  checkOptions("cpu", options, ["numerics", "threads", "vectors"]);
  const { numerics = "fast", threads = "auto", vectors = "auto" } = options;
  if (numerics !== "fast" && numerics !== "portable") {
    throw new ErmineError("ERMINE_OPTION", `cpu: numerics is "fast" or "portable", got "${String(numerics)}".`);
  }
  if (vectors !== "auto" && vectors !== 128) {
    throw new ErmineError("ERMINE_OPTION", `cpu: vectors is "auto" or 128, got ${JSON.stringify(vectors)}.`);
  }
  const engine = await loadEngine(numerics, checkThreads(threads), vectors);
  // On one thread, as on most pages, their code is not even loaded.
  return markCopy(
    "backend",
    createBackend(
      engine,
      engine.threads === 1 ? undefined : (await loadChunk("The cpu backend's threads", () => import("./threads/pool.js"))).Pool,
    ),
  );
}

/** For the registry: `use(cpuPlugin)`. */
export const cpuPlugin: BackendPlugin = {
  name: "cpu",
  contract: 1,
  priority: 50,
  async probe() {
    try {
      const engine = await loadEngine("fast", "auto", "auto");
      return { available: true, engine: describeEngine(engine, engine.threads) };
    } catch (error) {
      if (error instanceof Unavailable) return { available: false, reason: error.reason, remedy: error.remedy };
      return { available: false, reason: (error as Error).message, remedy: "" };
    }
  },
  create: (options) => cpu(options as CpuOptions | undefined),
};
