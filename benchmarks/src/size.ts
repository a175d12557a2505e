/** What a browser would transfer for a program: bundled, minified, compressed. */
import { join, relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { decode } from "@jridgewell/sourcemap-codec";
import { build, type Plugin } from "esbuild";
import { root } from "./place.js";

export interface Transfer {
  /** Bytes of JavaScript behind gzip that are loaded at once. */
  readonly javascript: number;
  /** The same with all that is loaded only where the program comes to need it. */
  readonly withOnDemand: number;
  /** Bytes behind gzip of each WebAssembly build, by the name of its chunk: a browser loads one of them. */
  readonly webAssembly: Readonly<Record<string, number>>;
  /** The sources of what is loaded at once, with their minified bytes, largest first. */
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

/** A program, what it imports on demand left out. */
async function bundle(contents: string): Promise<{ bytes: number; modules: Transfer["modules"]; onDemand: string[] }> {
  const found = new Set<string>();
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    outdir: "dist",
    sourcemap: "external",
    external: ["node:*"],
    logLevel: "error",
    plugins: [leaveOut(found)],
  });
  const file = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))!;
  return {
    bytes: gzipSync(file(".js").contents, { level: 9 }).length,
    modules: bytesOfSources(file(".js").text, file(".map").text),
    onDemand: [...found],
  };
}

/** How many characters of a bundle each source has, by its map. */
function bytesOfSources(code: string, map: string): [name: string, bytes: number][] {
  const { mappings, sources } = JSON.parse(map) as { mappings: string; sources: string[] };
  const bytes = new Map<string, number>();
  const lines = code.split("\n");
  decode(mappings).forEach((segments, line) =>
    segments.forEach(([column, source], i) => {
      if (source === undefined) return;
      const name = relative(join(root, ".."), resolve(root, "dist", sources[source]!));
      bytes.set(name, (bytes.get(name) ?? 0) + (segments[i + 1]?.[0] ?? lines[line]!.length) - column);
    }),
  );
  return [...bytes].sort((a, b) => b[1] - a[1]);
}

const all = (file: string): string => `export * from ${JSON.stringify(file)};\n`;

/** Bytes that a browser gets for a program, its imports seen from this package. */
export async function transferOf(program: string): Promise<Transfer> {
  const { bytes: javascript, modules, onDemand } = await bundle(program);
  const chunks = onDemand.filter((file) => !isWebAssembly(file));
  const { bytes: withOnDemand } = await bundle([program, ...chunks.map(all)].join("\n"));
  const webAssembly: Record<string, number> = {};
  for (const file of onDemand.filter(isWebAssembly)) webAssembly[file.split("/").at(-1)!] = (await bundle(all(file))).bytes;
  return { javascript, withOnDemand, webAssembly, modules };
}

/** The digits MLP. */
export const digitsProgram = all("./programs/digits.mjs");

/** All that can run on a page; prose about definitions is for reference pages. */
export async function everythingProgram(): Promise<string> {
  const core = Object.keys(await import("@ermine/core")).filter((name) => !name.endsWith("Prose"));
  const rest = ["@ermine/core/nn", "@ermine/trainer", "@ermine/backend-cpu"].map(all).join("");
  return `export { ${core.join(", ")} } from "@ermine/core";\n${rest}`;
}
