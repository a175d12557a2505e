/** Node as it would be with another version or processor: flags of V8 are noted, and none is set. */
import v8 from "node:v8";
import { vi } from "vitest";

export interface Pretended {
  /** The first two numbers are the version that counts. */
  readonly v8?: string;
  readonly versions?: Readonly<Record<string, string>>;
  readonly arch?: string;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly globals?: Readonly<Record<string, unknown>>;
}

/** Of Node 20 and of Node 24. */
export const [node20, node24] = ["11.3.244.8-node.38", "13.6.233.17-node.53"] as const;

/** The result of `run`, and the flags that were set meanwhile. */
export async function pretending<T>(
  { v8: version = node24, versions = {}, arch = "x64", execArgv = [], env = {}, globals = {} }: Pretended,
  run: () => T | Promise<T>,
): Promise<{ value: T; flags: readonly string[] }> {
  const all = {
    versions: { value: { ...process.versions, v8: version, ...versions } },
    arch: { value: arch },
    execArgv: { value: execArgv },
    env: { value: { ...process.env, ERMINE_WIDE_VECTORS: "", ERMINE_RELAXED_SIMD: "", ...env } },
  };
  vi.stubGlobal("process", Object.create(process, all));
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const set = vi.spyOn(v8, "setFlagsFromString").mockImplementation(() => {});
  try {
    const value = await run();
    return { value, flags: set.mock.calls.map(([flag]) => flag) };
  } finally {
    set.mockRestore();
    vi.unstubAllGlobals();
  }
}
