/** Why WebAssembly cannot be had here, and what to do about it. */
import { ErmineError } from "@ermine/core";
import { decode } from "./base64.js";
import { decompression } from "./decompression.js";

/** The reason and the remedy as a plugin's `probe` reports them; the message is both. */
export class Unavailable extends ErmineError {
  readonly reason: string;
  readonly remedy: string;

  constructor(code: "ERMINE_UNSUPPORTED" | "ERMINE_MEMORY", reason: string, remedy: string, cause?: unknown) {
    super(code, `${reason} ${remedy}`, cause === undefined ? {} : { cause });
    this.reason = reason;
    this.remedy = remedy;
  }
}

const otherwise =
  'Without WebAssembly, use the reference backend, which is slow: import { reference } from "@ermine/core/reference".';

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

export const withoutSimd = (): Unavailable =>
  new Unavailable(
    "ERMINE_UNSUPPORTED",
    "This engine has no WebAssembly SIMD.",
    "Node ≥ 20.20 and browsers since 2021 (Safari 16.4) have it.",
  );

const forbidden = (cause: unknown): Unavailable =>
  new Unavailable(
    "ERMINE_UNSUPPORTED",
    `Compiling WebAssembly is forbidden here (${messageOf(cause)}).`,
    "On a page with a Content-Security-Policy, add 'wasm-unsafe-eval' to script-src; in a browser extension, write " +
      `"content_security_policy": { "extension_pages": "script-src 'self' 'wasm-unsafe-eval'" } into the manifest; Cloudflare Workers and edge runtimes ` +
      `never allow it. ${otherwise}`,
    cause,
  );

export const withoutMemory = (cause: unknown): Unavailable =>
  new Unavailable(
    "ERMINE_MEMORY",
    `The engine cannot reserve memory for WebAssembly (${messageOf(cause)}).`,
    "V8 reserves about 10 GB of address space for each WebAssembly memory, whatever its size: raise the limit (ulimit -v unlimited), or start Node " +
      `with --disable-wasm-trap-handler, which reserves no more than the memory. ${otherwise}`,
    cause,
  );

/** Translates an engine's refusal to compile or instantiate into an error with a remedy; returns anything else unchanged. */
function explained(cause: unknown): unknown {
  if (cause instanceof RangeError) return withoutMemory(cause);
  return cause instanceof WebAssembly.CompileError || cause instanceof EvalError ? forbidden(cause) : cause;
}

/** Awaits what compiles or instantiates WebAssembly. @throws Unavailable where the engine refuses that */
export async function orUnavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw explained(cause);
  }
}

/** A module of 30 bytes with one function, which counts the bits of a vector's bytes: does the engine know SIMD? */
const simd = decode("AGFzbQEAAAABBgFgAXsBewMCAQAKCAEGACAA/WIL");

/** @throws Unavailable where WebAssembly or its SIMD is absent or forbidden. There is no memory, and nothing runs. */
export function checkWebAssembly(): void {
  if (typeof WebAssembly === "undefined") {
    throw new Unavailable(
      "ERMINE_UNSUPPORTED",
      "This engine has no WebAssembly.",
      `Start Node without --jitless; in a browser, leave the mode that turns WebAssembly off (Lockdown Mode, for one). ${otherwise}`,
    );
  }
  if (!WebAssembly.validate(simd)) throw withoutSimd();
  if (decompression() === undefined) {
    throw new Unavailable(
      "ERMINE_UNSUPPORTED",
      "This engine has no DecompressionStream, which unpacks the kernels.",
      `Node ≥ 20.20 and browsers since 2023 (Safari 16.4) have it. ${otherwise}`,
    );
  }
  try {
    new WebAssembly.Module(simd);
  } catch (cause) {
    throw explained(cause);
  }
}
