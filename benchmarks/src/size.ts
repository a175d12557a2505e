/** What a browser would transfer for a program: bundled, minified, compressed. */
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type BuildResult } from "esbuild";

export interface Transfer {
  /** Bytes of JavaScript behind gzip that are loaded at once. */
  readonly javascript: number;
  /** And of that which is loaded only where the program comes to need it. */
  readonly onDemand: number;
  /** Bytes behind gzip of each WebAssembly build, by the name of its chunk: a browser loads one of them. */
  readonly webAssembly: Readonly<Record<string, number>>;
  /** The modules that are loaded at once, with their minified bytes, largest first. */
  readonly modules: readonly (readonly [name: string, bytes: number])[];
}

/** Bytes that a browser gets for `program`, a file. */
export async function transferOf(program: string): Promise<Transfer> {
  const result: BuildResult<{ metafile: true; write: false }> = await build({
    entryPoints: [program],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: "out",
    write: false,
    metafile: true,
    external: ["node:*"],
    logLevel: "error",
  });
  const outputs = Object.entries(result.metafile.outputs);
  const entry = outputs.find(([, { entryPoint }]) => entryPoint !== undefined && resolve(entryPoint) === resolve(program))![0];
  const atOnce = new Set<string>();
  const follow = (name: string): void => {
    if (atOnce.has(name)) return;
    atOnce.add(name);
    for (const { path, kind } of result.metafile.outputs[name]!.imports) if (kind === "import-statement") follow(path);
  };
  follow(entry);
  let [javascript, onDemand] = [0, 0];
  const webAssembly: Record<string, number> = {};
  for (const { path, contents } of result.outputFiles) {
    const [name, { inputs }] = outputs.find(([output]) => resolve(output) === path)!;
    const wasm = Object.keys(inputs).find((input) => /\/wasm\/\w+\.js$/.test(input));
    const bytes = gzipSync(contents, { level: 9 }).length;
    if (wasm === undefined && atOnce.has(name)) javascript += bytes;
    else if (wasm === undefined) onDemand += bytes;
    else webAssembly[wasm.split("/").at(-1)!] = bytes;
  }
  const modules = outputs
    .filter(([name]) => atOnce.has(name))
    .flatMap(([, { inputs }]) => Object.entries(inputs).map(([name, { bytesInOutput }]) => [name, bytesInOutput] as const))
    .sort((a, b) => b[1] - a[1]);
  return { javascript, onDemand, webAssembly, modules };
}
