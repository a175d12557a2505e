/** What a browser would transfer for a program: bundled, minified, compressed. */
import { gzipSync } from "node:zlib";
import { build, type BuildResult } from "esbuild";

export interface Transfer {
  /** Bytes of JavaScript behind gzip, everything that is loaded at once or on demand, WebAssembly left out. */
  readonly javascript: number;
  /** Bytes behind gzip of each WebAssembly build, by the name of its chunk: a browser loads one of them. */
  readonly webAssembly: Readonly<Record<string, number>>;
  /** The modules in the bundle, with their minified bytes, largest first. */
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
  let javascript = 0;
  const webAssembly: Record<string, number> = {};
  for (const { path, contents } of result.outputFiles) {
    const [, { inputs }] = outputs.find(([name]) => path.endsWith(name))!;
    const wasm = Object.keys(inputs).find((name) => /\/wasm\/\w+\.js$/.test(name));
    const bytes = gzipSync(contents, { level: 9 }).length;
    if (wasm === undefined) javascript += bytes;
    else webAssembly[wasm.split("/").at(-1)!] = bytes;
  }
  const modules = outputs
    .flatMap(([, { inputs }]) => Object.entries(inputs).map(([name, { bytesInOutput }]) => [name, bytesInOutput] as const))
    .sort((a, b) => b[1] - a[1]);
  return { javascript, webAssembly, modules };
}
