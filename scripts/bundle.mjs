// Bundles the package in the current folder: src/ → dist/, a file for each thing that can be imported, and chunks for what these share and for
// what is imported on demand. Node opens a few files instead of hundreds; names stay readable, and bundlers still drop what nobody uses.
// Entries are the package's `exports` and `bin`, and what the command line names (install/cli).
import { chmodSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { rolldown } from "rolldown";

const { version, exports, bin = {}, dependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync("package.json", "utf8"));
const files = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)];
const built = files.flatMap((file) => /^\.\/dist\/(.+)\.js$/.exec(file ?? "")?.[1] ?? []);
const entries = [...new Set([...built, ...process.argv.slice(2)])];

/** What is imported on demand is named as its source: wasm/fast, plan/index. */
const nameOf = ({ facadeModuleId, name }) =>
  facadeModuleId == null ? `${name}.js` : relative("src", facadeModuleId).replaceAll("\\", "/").replace(/\.ts$/, ".js");

const bundle = await rolldown({
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  external: [/^node:/, ...Object.keys({ ...dependencies, ...peerDependencies }).map((name) => new RegExp(`^${name}(/|$)`))],
  platform: "neutral",
  transform: { target: "es2022", define: { __ERMINE_VERSION__: JSON.stringify(version) } },
  onLog(level, log) {
    if (level === "warn") throw new Error(log.message);
  },
});
const { output } = await bundle.write({
  dir: "dist",
  format: "esm",
  // For the benchmark, which counts the bytes of each source; not published, so nothing refers to them.
  sourcemap: "hidden",
  minifyInternalExports: false,
  entryFileNames: "[name].js",
  chunkFileNames: nameOf,
  cleanDir: true,
  codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] },
});
await bundle.close();
const exported = new Set(output.filter(({ isEntry }) => isEntry).flatMap((chunk) => chunk.exports));
for (const { fileName, code = "" } of output) {
  if (code.startsWith("#!")) chmodSync(`dist/${fileName}`, 0o755);
  // A bundler that meets a name twice changes one, and the names of classes are what people read (in summaries, say).
  const renamed = /\b(?:class|const|let|var) ([A-Z]\w*\$\d+)/.exec(code)?.[1];
  if (renamed !== undefined)
    throw new Error(`dist/${fileName}: ${renamed} has the name of another. Give its source one of its own.`);
  // And those of functions, which messages have.
  for (const [, name] of code.matchAll(/\b(\w+)\$\d+ as \1\b/g))
    if (exported.has(name))
      throw new Error(
        `dist/${fileName}: the function ${name} is called otherwise, as another one has its name. Give that one one of its own.`,
      );
}
