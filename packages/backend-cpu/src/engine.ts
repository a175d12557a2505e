/** Loads the WebAssembly build that was asked for and the engine can run. */
import { ErmineError } from "@ermine/core";

export type Numerics = "fast" | "portable";

export interface Engine {
  readonly numerics: Numerics;
  readonly memory: WebAssembly.Memory;
  readonly exports: {
    run(program: number, words: number): void;
    heapBase(): number;
    /** Where this thread's scratch is, and that of all threads. */
    useScratch(own: number, shared: number): void;
  };
  /** For people: what runs, and why not what was asked for. */
  readonly description: string;
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Node 20 has relaxed SIMD behind a flag of V8's, which works at run time and for the whole process. */
function allowRelaxedSimd(): boolean {
  // Not an import: a bundler for browsers would look for node:v8.
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown; versions?: { node?: string } } };
  if (process?.versions?.node === undefined || process.getBuiltinModule === undefined) return false;
  const v8 = process.getBuiltinModule("node:v8") as { setFlagsFromString(flag: string): void };
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  return true;
}

/** @throws ErmineError ERMINE_UNSUPPORTED where the engine has no WebAssembly SIMD */
export async function loadEngine(asked: Numerics): Promise<Engine> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  let note = "";
  if (asked === "fast") {
    const fast = decode((await import("./wasm/fast.js")).wasm);
    if (WebAssembly.validate(fast) || (allowRelaxedSimd() && WebAssembly.validate(fast))) bytes = fast;
    else note = " (this engine has no relaxed SIMD)";
  }
  const numerics: Numerics = bytes === undefined ? "portable" : "fast";
  bytes ??= decode((await import("./wasm/portable.js")).wasm);
  if (!WebAssembly.validate(bytes)) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "This engine has no WebAssembly SIMD. Node ≥ 20.20 and browsers since 2021 (Safari 16.4) have it.",
    );
  }
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const abort = (): never => {
    throw new ErmineError("ERMINE_UNSUPPORTED", "A kernel of the cpu backend met what it does not know. Please report this.");
  };
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, abort } });
  return {
    numerics,
    memory,
    exports: instance.exports as unknown as Engine["exports"],
    description: `WebAssembly, ${numerics === "fast" ? "relaxed SIMD" : "SIMD"}, 1 thread${note}`,
  };
}
