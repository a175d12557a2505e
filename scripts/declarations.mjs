// The packages' public declarations, read with TypeScript 5.9's compiler API (TypeScript 7 has none in JavaScript yet).
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript-api";
import { root } from "./run.mjs";

export { ts };

/** The published packages' folders, from the one that imports none of the others on. */
export const packages = [
  "core",
  "formats",
  "preprocessing",
  "trainer",
  "data",
  "conformance",
  "onnx",
  "predict",
  "backend-cpu",
  "backend-tfjs",
  "cli",
];

/** Every entry of every package: how it is imported, and the source file behind it. */
export function entries() {
  return packages.flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"));
    return Object.entries(exports)
      .filter(([, target]) => target.types !== undefined)
      .map(([entry, { types }]) => ({
        folder,
        specifier: entry === "." ? name : `${name}${entry.slice(1)}`,
        declarations: join(root, "packages", folder, types),
        source: join(root, "packages", folder, types.replace("/dist/", "/src/").replace(/\.d\.ts$/, ".ts")),
      }));
  });
}

let loaded;

/** One program over all entries' sources: { checker, program, entries: [{ …, exports: [{ name, symbol }] }] }; read once. */
export function load() {
  loaded ??= read();
  return loaded;
}

function read() {
  const all = entries();
  const { config } = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram({
    rootNames: all.map(({ source }) => source),
    options: {
      ...options,
      noEmit: true,
      declaration: false,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      paths: Object.fromEntries(all.map(({ specifier, source }) => [specifier, [source]])),
    },
  });
  const checker = program.getTypeChecker();
  return {
    program,
    checker,
    entries: all.map((entry) => {
      const file = program.getSourceFile(entry.source);
      if (file === undefined)
        throw new Error(`There is no ${relative(root, entry.source)}, which exports names "${entry.specifier}".`);
      const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file));
      return {
        ...entry,
        exports: exported.flatMap((symbol) => exportsOf(symbol, checker)),
      };
    }),
  };
}

/** What an exported name stands for; of a namespace ("schedules"), its members ("schedules.cosine") too. */
function exportsOf(exported, checker, prefix = "") {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const name = `${prefix}${exported.name}`;
  const members = symbol.flags & ts.SymbolFlags.ValueModule ? checker.getExportsOfModule(symbol) : [];
  return [{ name, symbol }, ...members.flatMap((member) => exportsOf(member, checker, `${name}.`))];
}

/** "packages/core/src/ops/shape.ts:12" */
export function placeOf(node) {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
  return `${relative(root, file.fileName)}:${line + 1}`;
}

/** Is the declaration a part of the workspace (and not of a library)? */
export const isOurs = (node) => {
  const { fileName } = node.getSourceFile();
  return fileName.startsWith(join(root, "packages")) && !fileName.includes("node_modules") && existsSync(fileName);
};

/** Can the export be used as a value, and not only as a type? */
export const isValue = (symbol) => (symbol.flags & ts.SymbolFlags.Value) !== 0;

/** The text of a symbol's docstring as an editor shows it. */
export const documentationOf = (symbol, checker) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();

/** Is a declaration marked as @internal? */
export const isInternal = (symbol) =>
  (symbol.declarations ?? []).some((node) => ts.getJSDocTags(node).some((tag) => tag.tagName.text === "internal"));
