/** What a browser would transfer for a program: bundled, minified, compressed. */
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

export interface Transfer {
  /** Bytes of JavaScript behind gzip that are loaded at once. */
  readonly javascript: number;
  /** The same with all that is loaded only where the program comes to need it. */
  readonly withOnDemand: number;
  /** Bytes behind gzip of each WebAssembly build, by the name of its chunk: a browser loads one of them. */
  readonly webAssembly: Readonly<Record<string, number>>;
  /** The modules that are loaded at once, with their minified bytes, largest first. */
  readonly modules: readonly (readonly [name: string, bytes: number])[];
}

const isWebAssembly = (path: string): boolean => /\/wasm\/\w+\.js$/.test(path);

/**
 * Leaves out what is imported on demand, as bundlers do that make it chunks which take the rest from the program's own, and notes the
 * files.
 */
const leaveOut = (found: Set<string>): Plugin => ({
  name: "leave out",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      found.add(join(resolveDir, path));
      return { path, external: true };
    });
  },
});

/** All of these files as one program, what they import on demand left out. */
async function bundle(files: readonly string[]): Promise<{ bytes: number; modules: Transfer["modules"]; onDemand: string[] }> {
  const found = new Set<string>();
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: files.map((file, i) => `export * as program${i} from ${JSON.stringify(file)};`).join("\n"),
      resolveDir: dirname(files[0]!),
    },
    absWorkingDir: dirname(files[0]!),
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    external: ["node:*"],
    logLevel: "error",
    plugins: [leaveOut(found)],
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const modules = inputs.map(([name, { bytesInOutput }]) => [name, bytesInOutput] as const).sort((a, b) => b[1] - a[1]);
  return { bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length, modules, onDemand: [...found] };
}

/** Bytes that a browser gets for `program`, a file. */
export async function transferOf(program: string): Promise<Transfer> {
  const { bytes: javascript, modules, onDemand } = await bundle([program]);
  const { bytes: withOnDemand } = await bundle([program, ...onDemand.filter((file) => !isWebAssembly(file))]);
  const webAssembly: Record<string, number> = {};
  for (const file of onDemand.filter(isWebAssembly)) webAssembly[file.split("/").at(-1)!] = (await bundle([file])).bytes;
  return { javascript, withOnDemand, webAssembly, modules };
}
