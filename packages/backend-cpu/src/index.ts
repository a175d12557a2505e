/**
 * The cpu backend: WebAssembly SIMD, nothing native, in Node and in browsers.
 *
 * @example
 * import { cpu } from "@ermine/backend-cpu";
 * useBackend(await cpu());
 */
import { checkOptions, ErmineError, type BackendPlugin } from "@ermine/core";
import { createBackend, type CpuBackend } from "./backend.js";
import { loadEngine, type Numerics } from "./engine.js";

export type { CpuBackend } from "./backend.js";
export type { Numerics } from "./engine.js";

export interface CpuOptions {
  /**
   * "fast" (default) fuses multiply and add where the engine has relaxed SIMD (in Node 20 it sets a flag of V8's for that, for the whole
   * process); "portable" gives the same bits in every engine.
   */
  readonly numerics?: Numerics;
}

/** @throws ErmineError ERMINE_OPTION for an option that does not exist, ERMINE_UNSUPPORTED without WebAssembly SIMD */
export async function cpu(options: CpuOptions = {}): Promise<CpuBackend> {
  checkOptions("cpu", options, ["numerics"]);
  const { numerics = "fast" } = options;
  if (numerics !== "fast" && numerics !== "portable") {
    throw new ErmineError("ERMINE_OPTION", `cpu: numerics is "fast" or "portable", got "${String(numerics)}".`);
  }
  return createBackend(await loadEngine(numerics));
}

/** For the registry: `use(cpuPlugin)`. */
export const cpuPlugin: BackendPlugin = {
  name: "cpu",
  contract: 1,
  priority: 50,
  async probe() {
    try {
      return { available: true, engine: (await loadEngine("fast")).description };
    } catch (error) {
      return {
        available: false,
        reason: (error as Error).message,
        remedy: "Use Node ≥ 20.20 or a browser with WebAssembly SIMD.",
      };
    }
  },
  create: (options) => cpu(options as CpuOptions | undefined),
};
