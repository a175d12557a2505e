/**
 * V8 features behind flags. Flags hold for the whole process, and Node's manual warns that changing them after the start may end in
 * crashes: they are set only where the program asks for what is behind them, in versions that were tested, while one module is compiled, and
 * then taken back. Another thread that compiles WebAssembly in that time (some 50 ms) compiles it under them too.
 */
import { builtin } from "./threads/builtin.js";

export interface Feature {
  /** For people: "256-bit vectors". */
  readonly name: string;
  /** How a program asks for it: an option of `cpu`, */
  readonly option: string;
  /** or an environment variable that is 1. */
  readonly variable: string;
  readonly flags: readonly string[];
  /** Versions of V8. A flag of one that was not tested could end the process. */
  readonly tested: readonly string[];
  /** The processor that it is for; absent: any. */
  readonly arch?: string;
}

/** Node 20 has relaxed SIMD, and does not show it. Later ones need no flag. */
export const relaxedSimd: Feature = {
  name: "relaxed SIMD",
  option: "relaxedSimd: true",
  variable: "ERMINE_RELAXED_SIMD",
  flags: ["--experimental-wasm-relaxed-simd"],
  tested: ["11.3"],
};

/**
 * Two vectors of 128 bits joined into one instruction of AVX2, in Node 24, 25 and 26. The other flags have all of the module optimized at once,
 * which is when vectors are joined; the last one because V8 14 ends the process where it inlines what has not run yet.
 */
export const wideVectors: Feature = {
  name: "256-bit vectors",
  option: "vectors: 256",
  variable: "ERMINE_WIDE_VECTORS",
  flags: [
    "--experimental-wasm-revectorize",
    "--no-liftoff",
    "--no-wasm-lazy-compilation",
    "--no-wasm-dynamic-tiering",
    "--no-wasm-inlining",
  ],
  tested: ["13.6", "14.1", "14.6"],
  arch: "x64",
};

interface NodeProcess {
  readonly arch: string;
  readonly execArgv: readonly string[];
  readonly versions: Readonly<Record<string, string | undefined>>;
}

/** Why the feature's flags cannot be set here; undefined where they can be. */
export function whyNot({ tested, arch }: Feature): string | undefined {
  const { process, Bun, Deno } = globalThis as { process?: NodeProcess; Bun?: unknown; Deno?: unknown };
  const versions = process?.versions ?? {};
  // Both give themselves out as a Node with a version of V8.
  if (Bun !== undefined || versions["bun"] !== undefined) return "Bun has no flags of V8";
  if (Deno !== undefined || versions["deno"] !== undefined) return "V8's flags are not set in Deno";
  if (process === undefined || versions["node"] === undefined || builtin("node:v8") === undefined) return "this is not Node";
  // "13.6.233.17-node.53": others that build V8 in (Electron) have patches of their own.
  const [version = "", build = ""] = versions["v8"]?.split("-") ?? [];
  if (!build.startsWith("node.")) return `this is V8 ${versions["v8"]}, which is not the one of Node`;
  const line = version.split(".", 2).join(".");
  if (!tested.includes(line)) return `the flags were tested with V8 ${tested.join(", ")}, and this is ${line}`;
  if (arch !== undefined && process.arch !== arch) return `it is for ${arch} processors, and this one is ${process.arch}`;
  const chosen = process.execArgv.find((flag) => /wasm|liftoff|jitless/.test(flag));
  return chosen && `the program was started with ${chosen}, and what it chose about WebAssembly is left as it is`;
}

const opposite = (flag: string): string => (flag.startsWith("--no-") ? flag.replace("--no-", "--") : flag.replace("--", "--no-"));

/**
 * The module, compiled under the features' flags, none of which `whyNot` may speak against.
 *
 * V8 gives who compiles the same bytes again what it has compiled before, whatever the flags are now: a section is added that tells it apart.
 */
export function compileUnder(features: readonly Feature[], bytes: Uint8Array): WebAssembly.Module {
  const v8 = builtin<{ setFlagsFromString(flag: string): void }>("node:v8")!;
  const flags = features.flatMap((feature) => feature.flags);
  const section = customSection(flags.join(" "));
  const marked = new Uint8Array(bytes.length + section.length);
  marked.set(bytes);
  marked.set(section, bytes.length);
  try {
    for (const flag of flags) v8.setFlagsFromString(flag);
    return new WebAssembly.Module(marked);
  } finally {
    for (const flag of flags) v8.setFlagsFromString(opposite(flag));
  }
}

/** The name of the custom section of modules that were compiled under flags. */
export const sectionName = "v8 flags";

/** A custom section of less than 16 KB. */
function customSection(text: string): readonly number[] {
  const [name, content] = [sectionName, text].map((part) => [...new TextEncoder().encode(part)]) as [number[], number[]];
  const size = 1 + name.length + content.length;
  return [0, (size & 127) | 128, size >> 7, name.length, ...name, ...content];
}
