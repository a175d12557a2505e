/** Loads the WebAssembly build that was asked for and the engine can run. */
import { ErmineError } from "@ermine/core";
import { loadChunk } from "@ermine/core/backend";
import { checkWebAssembly, orUnavailable, Unavailable, withoutMemory, withoutSimd } from "./availability.js";
import { decode } from "./base64.js";
import { isSwitchedOn } from "./environment.js";
import { builtin } from "./threads/builtin.js";
import { countThreads, type Threads } from "./threads/count.js";
import type { Feature } from "./v8Flags.js";

/** Multiply and add in one ("fast"), or the same bits in every engine ("portable"). */
export type Numerics = "fast" | "portable";

/** Bits of a vector. */
export type Vectors = 128 | 256;

/** Options of cpu() (src/index.ts). Absent: the environment variables decide, or the default. */
export interface EngineOptions {
  readonly numerics: Numerics;
  readonly threads: Threads;
  readonly vectors?: Vectors | undefined;
  readonly relaxedSimd?: boolean | undefined;
}

export interface Engine {
  readonly numerics: Numerics;
  /** 1: memory is not shared, and there are no workers. */
  readonly threads: number;
  /** In kernels that have a wide form. */
  readonly vectors: Vectors;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly maximumPages: number;
  readonly exports: {
    run(program: number, words: number): void;
    heapBase(): number;
    /** Kernels that have a form for vectors of 256 bits use it from now on, or no more. */
    useWide(on: boolean): void;
    /** Where this thread's scratch is, and that of all threads. */
    useScratch(ofThread: number, shared: number): void;
    /** The block on which threads meet, or 0; and whether this thread may sleep. */
    meetAt(block: number, mayWait: boolean): void;
  };
  /** Called by the memory's forking thread when it has waited long; the pool answers. */
  readonly watch: { lost(): boolean };
  /** Why not what was asked for, and what could be. */
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

/** The engine to be loaded, decided before anything of it is. */
interface EnginePlan extends Pick<Engine, "numerics" | "threads" | "vectors"> {
  readonly notes: string[];
  /** Features of V8 under whose flags the build is compiled. */
  readonly under: readonly Feature[];
}

const loadFlags = () => loadChunk("The cpu backend's flags of V8", () => import("./v8Flags.js"));

const refused = ({ option, variable }: Feature, problem: string): Unavailable =>
  new Unavailable(
    "ERMINE_UNSUPPORTED",
    `cpu: ${option} cannot be had here: ${problem}.`,
    `Leave the option out, or set the environment variable ${variable}=1 instead, which asks for it only where it is to be had.`,
  );

/**
 * Is a feature behind V8's flags taken? If not, what there is to say of it.
 *
 * @throws ErmineError ERMINE_UNSUPPORTED where an option asks for what cannot be had
 */
function decide(
  feature: Feature,
  problem: string | undefined,
  requested: boolean | undefined,
): { taken: boolean; note?: string } {
  const isWanted = requested ?? isSwitchedOn(feature.variable);
  if (isWanted && problem === undefined) return { taken: true };
  if (requested === true) throw refused(feature, problem!);
  if (isWanted) return { taken: false, note: `no ${feature.name}: ${problem}` };
  if (requested === false || problem !== undefined) return { taken: false };
  return { taken: false, note: `no ${feature.name} without flags of V8: ${feature.option} sets them` };
}

/**
 * Decides without an engine: no memory, no workers.
 *
 * @throws ErmineError ERMINE_UNSUPPORTED where WebAssembly or its SIMD is absent or forbidden, or an option asks for what cannot be had;
 *   ERMINE_OPTION for an environment variable that is neither 1 nor 0
 */
export async function planEngine({
  numerics: requestedNumerics,
  threads: count,
  vectors,
  relaxedSimd,
}: EngineOptions): Promise<EnginePlan> {
  checkWebAssembly();
  const notes: string[] = [];
  const under: Feature[] = [];
  let numerics = requestedNumerics;
  // A page that does not ask for them does not load them.
  const concerned = vectors === 256 || relaxedSimd === true || builtin("node:v8") !== undefined;
  const flags = concerned ? await loadFlags() : undefined;
  const take = (feature: Feature, requested: boolean | undefined, otherwise?: string): boolean => {
    const { taken, note = otherwise } = decide(feature, flags!.whyNot(feature), requested);
    if (taken) under.push(feature);
    else if (note !== undefined) notes.push(note);
    return taken;
  };
  if (numerics === "fast" && !WebAssembly.validate(relaxed)) {
    const without = "without relaxed SIMD";
    if (flags === undefined) notes.push(without);
    if (flags === undefined || !take(flags.relaxedSimd, relaxedSimd, without)) numerics = "portable";
  }
  const wide = flags !== undefined && take(flags.wideVectors, vectors === undefined ? undefined : vectors === 256);
  const { threads, note } = countThreads(count);
  if (note !== undefined) notes.push(note);
  return { numerics, threads, vectors: wide ? 256 : 128, notes, under };
}

/**
 * @throws ErmineError ERMINE_UNSUPPORTED where WebAssembly, its SIMD or what an option asks for is absent or forbidden, ERMINE_MEMORY where there
 *   is no room for its memory; each with the remedy
 */
export async function loadEngine(options: EngineOptions): Promise<Engine> {
  const { numerics, threads, notes, ...planned } = await planEngine(options);
  let { under, vectors } = planned;
  const build = builds[threads === 1 ? numerics : (`${numerics}Threads` as const)];
  const { load } = await loadChunk("The cpu backend's WebAssembly", build);
  const bytes = await load();
  if (under.length === 0 && !WebAssembly.validate(bytes)) throw withoutSimd();
  const { memory, maximumPages } = reserve(threads > 1);
  const abort = (): never => {
    throw new ErmineError("ERMINE_UNSUPPORTED", "A kernel of the cpu backend met what it does not know. Please report this.");
  };
  const watch = { lost: () => false };
  const env = { memory, abort, lost: () => Number(watch.lost()) };
  const start = () =>
    orUnavailable(async () => {
      const module = under.length === 0 ? await WebAssembly.compile(bytes) : (await loadFlags()).compileUnder(under, bytes);
      const { exports } = (await WebAssembly.instantiate(module, { env })) as unknown as Pick<Engine, "exports">;
      return { module, exports };
    });
  let started = await start();
  if (vectors === 256) {
    const { agreeWide } = await loadChunk("The cpu backend's check of wide vectors", () => import("./vectors.js"));
    const { wideVectors } = await loadFlags();
    if (!agreeWide({ exports: started.exports, memory })) {
      const problem = "a product had other bits with them";
      if (options.vectors === 256) throw refused(wideVectors, problem);
      notes.push(`no ${wideVectors.name}: ${problem}`);
      [vectors, under] = [128, under.filter((feature) => feature !== wideVectors)];
      started = await start();
    }
  }
  return { numerics, threads, vectors, memory, maximumPages, watch, notes, ...started };
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
export function describeEngine(
  { numerics, notes, vectors }: Pick<Engine, "numerics" | "notes" | "vectors">,
  threads: number,
  refused?: string,
): string {
  const all = refused === undefined ? notes : [...notes, `workers could not start: ${refused}`];
  const remarks = all.length === 0 ? "" : ` (${all.join("; ")})`;
  const simd = `${numerics === "fast" ? "relaxed SIMD" : "SIMD"}${vectors === 256 ? ", 256-bit vectors" : ""}`;
  return `WebAssembly, ${simd}, ${threads} thread${threads === 1 ? "" : "s"}${remarks}`;
}
