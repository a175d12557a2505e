/**
 * The cpu backend: WebAssembly SIMD, nothing native, in Node and in browsers.
 *
 * @example
 * import { cpu } from "@ermine/backend-cpu";
 * useBackend(await cpu());
 */
import { ErmineError, type BackendPlugin } from "@ermine/core";
import { loadChunk } from "@ermine/core/backend";
import { checkArguments, checkOptions, markCopy, show } from "@ermine/core/define";
import { Unavailable } from "./availability.js";
import { createBackend, type CpuBackend } from "./backend.js";
import { describeEngine, loadEngine, planEngine, type Numerics, type Vectors } from "./engine.js";
import { checkThreads, type Threads } from "./threads/count.js";

export type { CpuBackend } from "./backend.js";
export type { Numerics, Vectors } from "./engine.js";
export type { Threads } from "./threads/count.js";
export { float as floatBits, type Emitter, type IndexSite } from "./emitter.js";
export { kinds, type Family, type InstructionArguments } from "./generated/instructions.js";
export { registerLowering } from "./lower/index.js";
export {
  broadcastStrides,
  collapse,
  contiguous,
  sizeOf,
  type Lowering,
  type Operand,
  type StridedView,
} from "./lower/operand.js";
export type { PointwiseLowering, Step } from "./lower/pointwise.js";
export { splitRange } from "./lower/split.js";

/** The options of `cpu`. */
export interface CpuOptions {
  /**
   * "fast" (default) fuses multiply and add where the engine has relaxed SIMD, and runs the portable build where it has not; "portable" gives the
   * same bits in every engine.
   */
  readonly numerics?: Numerics;
  /**
   * Threads that large ops are spread over: a number, or "auto" (default), as many as the machine runs at once (at most 8). Results are the
   * same bits for any number. Workers start when a program is first large enough to need them, and never keep the process alive. On a page
   * that is not cross-origin isolated there is one thread; `engine` says so.
   */
  readonly threads?: Threads;
  /**
   * Bits of a vector: 128 (default), which every engine has, or 256, which double what a core multiplies a second; results are the same bits.
   * 256 is for Node 24 to 26 on x64 processors with AVX2 (without AVX2 it is slower than 128): it sets five flags of V8's, which hold for the whole
   * process, while the kernels are compiled (some 50 ms), and takes them back. Wide kernels are used after a product had the same bits with them. The environment
   * variable ERMINE_WIDE_VECTORS=1 asks for 256 where there is no option, and where that cannot be had `engine` says why.
   */
  readonly vectors?: Vectors;
  /**
   * true: relaxed SIMD, also where it is behind a flag of V8's (Node 20), which is set while the kernels are compiled and then taken back. false (default):
   * only where the engine has it without a flag. The environment variable ERMINE_RELAXED_SIMD=1 asks for it where there is no option, and where it
   * cannot be had `engine` says why.
   */
  readonly relaxedSimd?: boolean;
}

/**
 * Makes the backend. `engine` says what it runs on, and what could be had.
 *
 * @throws ErmineError ERMINE_OPTION for an option that does not exist or has a wrong value, ERMINE_UNSUPPORTED or ERMINE_MEMORY with the remedy where
 *   WebAssembly, or what an option asks for, cannot be had
 */
export async function cpu(options: CpuOptions = {}): Promise<CpuBackend> {
  if (arguments.length > 1) checkArguments("cpu", arguments, 1);
  checkOptions("cpu", options, ["numerics", "threads", "vectors", "relaxedSimd"]);
  const { numerics = "fast", threads = "auto", vectors, relaxedSimd } = options;
  if (numerics !== "fast" && numerics !== "portable") {
    throw new ErmineError("ERMINE_OPTION", `cpu: numerics is "fast" or "portable", got ${show(numerics)}.`);
  }
  if (vectors !== undefined && vectors !== 128 && vectors !== 256) {
    throw new ErmineError("ERMINE_OPTION", `cpu: vectors is 128 or 256, got ${show(vectors)}.`);
  }
  if (relaxedSimd !== undefined && typeof relaxedSimd !== "boolean") {
    throw new ErmineError("ERMINE_OPTION", `cpu: relaxedSimd is true or false, got ${JSON.stringify(relaxedSimd)}.`);
  }
  if (relaxedSimd === true && numerics === "portable") {
    throw new ErmineError(
      "ERMINE_OPTION",
      'cpu: numerics: "portable" has no relaxed SIMD, whose bits are not the same in every engine. Leave out one of numerics and relaxedSimd.',
    );
  }
  const engine = await loadEngine({ numerics, threads: checkThreads(threads), vectors, relaxedSimd });
  // On one thread, as on most pages, their code is not even loaded.
  return markCopy(
    "backend",
    createBackend(
      engine,
      engine.threads === 1 ? undefined : (await loadChunk("The cpu backend's threads", () => import("./threads/pool.js"))).Pool,
    ),
  );
}

/** For the registry: `registerBackend(cpuPlugin)`. */
export const cpuPlugin: BackendPlugin = {
  name: "cpu",
  contract: 1,
  priority: 50,
  async probe() {
    try {
      const plan = await planEngine({ numerics: "fast", threads: "auto" });
      return { available: true, engine: describeEngine(plan, plan.threads) };
    } catch (error) {
      if (error instanceof Unavailable) return { available: false, reason: error.reason, remedy: error.remedy };
      return { available: false, reason: (error as Error).message, remedy: "" };
    }
  },
  create: (options) => cpu(options as CpuOptions | undefined),
};
