// What an editor shows on the options of what the packages export: asked of the language service of TypeScript 5.9, in a file that imports the packages as
// a user's does.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load, ts } from "./declarations.mjs";
import { optionsOf } from "./reference.mjs";
import { root } from "./run.mjs";

const file = join(root, "examples", "hover.ts");

/** The name under which a code has an entry: "@ermine/core/nn" is core_nn. */
export const aliasOf = (specifier) => specifier.replace("@ermine/", "").replaceAll(/\W/g, "_");

/** The calls whose options are looked at: { label, call, options }: `call` is the code up to the options' object. */
export function calls() {
  const found = [];
  for (const { specifier, exports } of load().entries) {
    for (const { name, symbol } of exports) {
      const options = optionsOf(symbol).map((option) => option.name);
      if (options.length === 0 || !/^[a-z]+(\.[a-z]+)?$/i.test(name)) continue;
      const { node, isClass } = signatureOf(symbol);
      const before = Array.from({ length: node.parameters.length - 1 }, () => "x_").join(", ");
      const rest = before === "" ? "" : `${before}, `;
      const callee = `${aliasOf(specifier)}.${name}`;
      found.push({ label: `${specifier}: ${name}`, call: `${isClass ? "new " : ""}${callee}(${rest}`, options });
    }
  }
  return found;
}

function signatureOf(symbol) {
  const { checker } = load();
  const [node] = symbol.declarations;
  const type = checker.getTypeOfSymbolAtLocation(symbol, node);
  const made = type.getConstructSignatures();
  const signatures = made.length > 0 ? made : type.getCallSignatures();
  const last = signatures.at(-1);
  // A loss takes its inputs and its options as one rest parameter.
  const [rest] = last.parameters.length === 1 ? [checker.getTypeOfSymbolAtLocation(last.parameters[0], node)] : [];
  const parameters = rest !== undefined && checker.isTupleType(rest) ? checker.getTypeArguments(rest) : last.parameters;
  return { node: { parameters }, isClass: made.length > 0 };
}

/** For each code with a `|` in it, which has entries under their aliases: the documentation that hovering there shows. */
export function hover(codes) {
  const imports = load().entries.map(({ specifier }) => `import * as ${aliasOf(specifier)} from "${specifier}";\n`);
  let text = `${imports.join("")}declare const x_: any;\n`;
  const positions = codes.map((code) => {
    const at = code.indexOf("|");
    const position = text.length + at;
    text += `${code.slice(0, at)}${code.slice(at + 1)}\n`;
    return position;
  });
  const host = {
    getScriptFileNames: () => [file],
    getScriptVersion: () => "1",
    getScriptSnapshot: (path) =>
      path === file
        ? ts.ScriptSnapshot.fromString(text)
        : existsSync(path)
          ? ts.ScriptSnapshot.fromString(readFileSync(path, "utf8"))
          : undefined,
    getCurrentDirectory: () => join(root, "examples"),
    getCompilationSettings: () => ({
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      skipLibCheck: true,
      types: [],
    }),
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  };
  const service = ts.createLanguageService(host);
  return positions.map((position) => {
    const info = service.getQuickInfoAtPosition(file, position);
    return info === undefined ? "" : ts.displayPartsToString(info.documentation).trim();
  });
}
