/** Parts of ermine that a program loads when it first needs them. */
import { checkArgument, checkArguments } from "./arguments.js";
import { ErmineError } from "./errors.js";

/**
 * Awaits an `import()` of a part that is a file of its own.
 *
 * @param label the part, for the message
 * @throws ErmineError ERMINE_UNSUPPORTED with the reason and the remedy where the file cannot be imported
 */
export async function loadChunk<T>(label: string, load: () => Promise<T>): Promise<T> {
  checkArguments("loadChunk", arguments, 2);
  checkArgument("loadChunk(label, load)", "label", label, "string");
  checkArgument("loadChunk(label, load)", "load", load, "function");
  try {
    return await load();
  } catch (cause) {
    if (cause instanceof ErmineError) throw cause;
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${label} is loaded on demand with import(), which failed: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        "Where import() is forbidden (a service worker, a classic worker's bundle), build one file: codeSplitting: false (Vite, Rolldown), " +
        "inlineDynamicImports: true (Rollup), no splitting (esbuild), output.asyncChunks: false (webpack). Jest needs import() transformed " +
        "(@babel/preset-env) or node --experimental-vm-modules. Elsewhere, serve the chunks next to the " +
        "script that imports them.",
      { cause },
    );
  }
}
