/**
 * Vectors of 256 bits. WebAssembly has vectors of 128; V8 from 13.6 on (Node 24) can join two of them into one instruction of AVX2, which
 * doubles what a core multiplies, but it only does so behind a flag. The flag, and four that have all of a module optimized at once, are set
 * while our module is compiled and taken back at once: no other module of the process sees them.
 */
import type { Engine } from "./engine.js";
import { opcode } from "./emitter.js";
import { productScratch } from "./lower/gemm.js";
import { builtin } from "./threads/builtin.js";

const join = "--experimental-wasm-revectorize";
/** The last of them because V8 14 ends the process where it inlines what has not run yet. */
const atOnce = ["--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-dynamic-tiering", "--no-wasm-inlining"];

interface NodeProcess {
  readonly arch: string;
  readonly execArgv: readonly string[];
  readonly versions: { readonly v8?: string };
}

/** Those of Node 24, 25 and 26. A flag of an engine that was not tried could end the process. */
const tried = ["13.6", "14.1", "14.6"];

/** Can it be tried here? Not where somebody else chose flags about WebAssembly. */
function canTry(): boolean {
  const { process } = globalThis as { process?: NodeProcess };
  const version = process?.versions.v8?.split(".", 2).join(".");
  if (process?.arch !== "x64" || version === undefined || !tried.includes(version)) return false;
  return !process.execArgv.some((flag) => /wasm|liftoff|jitless/.test(flag));
}

/** The module as one whose vectors V8 may have joined; undefined where it cannot be asked to. */
export function compileJoined(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
  const v8 = canTry() ? builtin<{ setFlagsFromString(flag: string): void }>("node:v8") : undefined;
  if (v8 === undefined) return undefined;
  try {
    for (const flag of [join, ...atOnce]) v8.setFlagsFromString(flag);
    return new WebAssembly.Module(bytes);
  } finally {
    v8.setFlagsFromString(join.replace("--", "--no-"));
    for (const flag of atOnce) v8.setFlagsFromString(flag.replace("--no-", "--"));
  }
}

const [m, n, k] = [48, 64, 256];

/**
 * Tries a product both ways, which takes some 0.3 ms. Wide kernels are taken where they are faster and give the same bits: on a processor
 * without AVX2, or where V8 joined nothing, they are slower than the narrow ones.
 *
 * @param now a clock
 * @returns what stands in the way, or undefined; the engine is left to use what was found
 */
export function tryWide(
  { exports, memory }: Pick<Engine, "exports" | "memory">,
  now: () => number = () => performance.now(),
): string | undefined {
  const base = Math.ceil(exports.heapBase() / 64) * 64;
  const [a, panels, c, scratch] = [0, m * k, (m + n) * k, (m + n) * k + m * n].map((words) => base + 4 * words) as [
    number,
    number,
    number,
    number,
  ];
  const program = scratch + 4 * productScratch(0, k);
  const words = [opcode.gemmTile | (13 << 8), c, a, panels, 0, m, n, k, 4 * n, 4 * k, 4, 0, scratch];
  const numbers = new Float32Array(memory.buffer, base, (m + n) * k);
  for (let i = 0; i < numbers.length; i++) numbers[i] = Math.sin(i + 1);
  new Int32Array(memory.buffer, program, words.length).set(words);
  const result = new Int32Array(memory.buffer, c, m * n);
  const run = (wide: boolean): { time: number; bits: Int32Array } => {
    exports.useWide(wide);
    let time = Infinity;
    for (let turn = 0; turn < 6; turn++) {
      const started = now();
      exports.run(program, words.length);
      time = Math.min(time, now() - started);
    }
    return { time, bits: result.slice() };
  };
  const [narrow, wide] = [run(false), run(true)];
  new Uint8Array(memory.buffer, base, program + 4 * words.length - base).fill(0);
  const differs = narrow.bits.some((bits, i) => bits !== wide.bits[i]);
  const faster = wide.time < 0.8 * narrow.time;
  exports.useWide(faster && !differs);
  if (differs) return "256-bit vectors gave other numbers";
  return faster ? undefined : "256-bit vectors are not faster";
}
