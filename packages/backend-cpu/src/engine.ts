/** Loads the WebAssembly build that was asked for and the engine can run. */
import { ErmineError, loadChunk } from "@ermine/core";
import { checkWebAssembly, orUnavailable, withoutMemory, withoutSimd } from "./availability.js";
import { builtin } from "./threads/builtin.js";
import { countThreads, type Threads } from "./threads/count.js";
import { decode } from "./unpack.js";

export type Numerics = "fast" | "portable";

/** As wide as the engine can, or those of 128 bits that every engine has. */
export type Vectors = "auto" | 128;

export interface Engine {
  readonly numerics: Numerics;
  /** 1: memory is not shared, and there are no workers. */
  readonly threads: number;
  /** Bits of a vector in kernels that have a wide form. */
  readonly vectors: 128 | 256;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly maximumPages: number;
  readonly exports: {
    run(program: number, words: number): void;
    heapBase(): number;
    /** Kernels that have a form for vectors of 256 bits use it from now on, or no more. */
    useWide(on: boolean): void;
    /** Where this thread's scratch is, and that of all threads. */
    useScratch(own: number, shared: number): void;
    /** The block on which threads meet, or 0; and whether this thread may sleep. */
    meetAt(block: number, mayWait: boolean): void;
  };
  /** What the memory's forking thread asks when it has waited long; the pool answers. */
  readonly watch: { lost(): boolean };
  /** Why not what was asked for. */
  readonly notes: readonly string[];
}

/** Each build is a chunk of its own: a program loads the one that it runs. */
const builds = {
  portable: () => import("./wasm/portable.js"),
  fast: () => import("./wasm/fast.js"),
  portableThreads: () => import("./wasm/portableThreads.js"),
  fastThreads: () => import("./wasm/fastThreads.js"),
};

/** A module of one function that multiplies and adds in one: does the engine know relaxed SIMD? */
const relaxed = decode("AGFzbQEAAAABCAFgA3t7ewF7AwIBAAoNAQsAIAAgASAC/YUCCw==");

/** Node 20 has relaxed SIMD behind a flag of V8's, which works at run time and for the whole process. */
function allowRelaxedSimd(): boolean {
  const v8 = builtin<{ setFlagsFromString(flag: string): void }>("node:v8");
  v8?.setFlagsFromString("--experimental-wasm-relaxed-simd");
  return v8 !== undefined;
}

/**
 * @throws ErmineError ERMINE_UNSUPPORTED where WebAssembly or its SIMD is absent or forbidden, ERMINE_MEMORY where there is no room for its memory;
 * each with the remedy
 */
export async function loadEngine(asked: Numerics, wanted: Threads, vectors: Vectors): Promise<Engine> {
  checkWebAssembly();
  const notes: string[] = [];
  let numerics = asked;
  if (asked === "fast" && !WebAssembly.validate(relaxed) && !(allowRelaxedSimd() && WebAssembly.validate(relaxed))) {
    numerics = "portable";
    notes.push("this engine has no relaxed SIMD");
  }
  const { threads, note } = countThreads(wanted);
  if (note !== undefined) notes.push(note);
  const build = builds[threads === 1 ? numerics : (`${numerics}Threads` as const)];
  // It unpacks itself while it is imported.
  const { wasm: bytes } = await loadChunk("The cpu backend's WebAssembly", () => orUnavailable(build));
  if (!WebAssembly.validate(bytes)) throw withoutSimd();
  const { memory, maximumPages } = reserve(threads > 1);
  const abort = (): never => {
    throw new ErmineError("ERMINE_UNSUPPORTED", "A kernel of the cpu backend met what it does not know. Please report this.");
  };
  const watch = { lost: () => false };
  const env = { memory, abort, lost: () => Number(watch.lost()) };
  // Of Node alone; a page does not load it.
  const joining =
    vectors === 128 || builtin("node:v8") === undefined
      ? undefined
      : await loadChunk("The cpu backend's trial of wide vectors", () => import("./vectors.js"));
  const joined = joining?.compileJoined(bytes);
  const module = joined ?? (await orUnavailable(() => WebAssembly.compile(bytes)));
  const { exports } = (await orUnavailable(() => WebAssembly.instantiate(module, { env }))) as unknown as Pick<Engine, "exports">;
  const wide = joined !== undefined && joining!.tryWide({ exports, memory }) === undefined;
  return { numerics, threads, vectors: wide ? 256 : 128, module, memory, maximumPages, exports, watch, notes };
}

/** Memory that may grow to 4 GB. Where it is shared, some engines want all of that address space at once, and then take less. */
function reserve(shared: boolean): { memory: WebAssembly.Memory; maximumPages: number } {
  for (let maximumPages = 65536; ; maximumPages /= 2) {
    try {
      return { memory: new WebAssembly.Memory({ initial: 16, maximum: maximumPages, shared }), maximumPages };
    } catch (cause) {
      if (maximumPages > 4096) continue;
      throw withoutMemory(cause);
    }
  }
}

/** "WebAssembly, relaxed SIMD, 2 threads (…)". */
export function describeEngine({ numerics, notes, vectors }: Engine, threads: number, refused?: string): string {
  const all = refused === undefined ? notes : [...notes, `workers could not start: ${refused}`];
  const said = all.length === 0 ? "" : ` (${all.join("; ")})`;
  const simd = `${numerics === "fast" ? "relaxed SIMD" : "SIMD"}${vectors === 256 ? ", 256-bit vectors" : ""}`;
  return `WebAssembly, ${simd}, ${threads} thread${threads === 1 ? "" : "s"}${said}`;
}
