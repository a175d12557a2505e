/** What a browser would transfer for a program: bundled and minified by rolldown, as Vite does it, and compressed. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { decode } from "@jridgewell/sourcemap-codec";
import { rolldown, type OutputChunk, type Plugin } from "rolldown";
import { root } from "./place.js";

export interface Transfer {
  /** Bytes of JavaScript behind gzip that are loaded at once. */
  readonly javascript: number;
  /** The same with all that is loaded only where the program comes to need it. */
  readonly withOnDemand: number;
  /** Bytes behind gzip of each WebAssembly build, by the name of its chunk, what unpacks it included: a browser loads one of them. */
  readonly webAssembly: Readonly<Record<string, number>>;
  /** The sources of what is loaded at once, with their minified bytes, largest first. */
  readonly modules: readonly (readonly [name: string, bytes: number])[];
}

const isWebAssembly = (path: string): boolean => /\/wasm\/\w+\.js$/.test(path);

/** What only Node asks for: the flags of its V8, and the check of what it compiled under them. */
const isOfNode = (path: string): boolean => /\/(v8Flags|vectors)\.js$/.test(path);

/** A program that is text, its imports seen from this package. */
const program = (contents: string): Plugin => ({
  name: "program",
  resolveId(source, importer) {
    if (source === "program") return "\0program";
    if (importer !== "\0program") return undefined;
    return this.resolve(source, join(root, "package.json"), { skipSelf: true });
  },
  load: (id) => (id === "\0program" ? contents : undefined),
});

/** Leaves out what is imported on demand, and notes the files: as chunks they take the rest from the program's own. */
const leaveOut = (found: Set<string>): Plugin => ({
  name: "leave out",
  resolveDynamicImport(path, importer) {
    if (typeof path !== "string" || !path.startsWith(".")) return undefined;
    found.add(join(dirname(importer!), path));
    return { id: path, external: true };
  },
});

/** Bundled packages say by their maps which sources they are made of. */
const withMaps: Plugin = {
  name: "maps",
  load(id) {
    if (!existsSync(`${id}.map`)) return undefined;
    return { code: readFileSync(id, "utf8"), map: readFileSync(`${id}.map`, "utf8") };
  },
};

/** A program, what it imports on demand left out. The names under which it exports are for tests: a page exports nothing. */
async function bundle(contents: string): Promise<{ bytes: number; modules: Transfer["modules"]; onDemand: string[] }> {
  const found = new Set<string>();
  const build = await rolldown({
    input: "program",
    cwd: root,
    platform: "browser",
    external: /^node:/,
    plugins: [program(contents), leaveOut(found), withMaps],
  });
  const { output } = await build.generate({ format: "esm", minify: true, sourcemap: "hidden" });
  await build.close();
  const { code, map } = output[0] satisfies OutputChunk;
  const bytes = gzipSync(code.replace(/export\s*\{[^}]*\};?\s*$/, ""), { level: 9 }).length;
  return { bytes, modules: bytesOfSources(code, map!), onDemand: [...found] };
}

/** How many characters of a bundle each source has, by its map. */
function bytesOfSources(code: string, { mappings, sources }: NonNullable<OutputChunk["map"]>): [name: string, bytes: number][] {
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
export async function transferOf(contents: string): Promise<Transfer> {
  const { bytes: javascript, modules, onDemand } = await bundle(contents);
  const chunks = onDemand.filter((file) => !isWebAssembly(file) && !isOfNode(file));
  const { bytes: withOnDemand } = await bundle([contents, ...chunks.map(all)].join("\n"));
  const webAssembly: Record<string, number> = {};
  for (const file of onDemand.filter(isWebAssembly)) webAssembly[file.split("/").at(-1)!] = (await bundle(all(file))).bytes;
  return { javascript, withOnDemand, webAssembly, modules };
}

/** The digits MLP, trained. */
export const digitsProgram = all("./programs/digits.mjs");

/** A page that predicts, with every operator that a file may have. */
export const predictProgram = all("./programs/predict.mjs");

/** The digits MLP, which predicts alone. */
export const digitsPredictionProgram = all("./programs/digits-predict.mjs");

const packages = ["@ermine/core", "@ermine/core/nn", "@ermine/trainer", "@ermine/backend-cpu"];

/** All that can run on a page, and what definitions say of themselves; the reference backend is for tests. */
export async function everythingProgram(): Promise<string> {
  // By name, for two packages have a `split`, and `export *` would give neither.
  const lines = packages.map(async (name, i) => {
    const names = Object.keys((await import(name)) as object).map((key) => `${key} as ${key}${i}`);
    return `export { ${names.join(", ")} } from ${JSON.stringify(name)};\n`;
  });
  return (await Promise.all(lines)).join("");
}
