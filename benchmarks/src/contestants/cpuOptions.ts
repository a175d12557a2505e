/** The options of each contestant that is the cpu backend. */
import type { CpuOptions } from "@ermine/backend-cpu";

/**
 * `cpu`: as it comes. `cpu-flags`: with what this Node has behind flags of V8: vectors of 256 bits (24 to 26, on x64), relaxed SIMD (20).
 * `cpu-portable`: the same bits in every engine.
 */
export function cpuOptions(name: string): CpuOptions {
  if (name === "cpu-portable") return { numerics: "portable", vectors: 128 };
  if (name !== "cpu-flags") return { vectors: 128, relaxedSimd: false };
  // What this Node has, whichever it is: by options the other one would be refused.
  Object.assign(process.env, { ERMINE_WIDE_VECTORS: "1", ERMINE_RELAXED_SIMD: "1" });
  return {};
}
