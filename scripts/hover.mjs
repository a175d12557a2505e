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

/** The calls whose options are looked at, of functions, constructors and methods: { label, options, codeOf }: `codeOf(option)` is the call with that
 * option, before which stands a `|`, and with those that must be there. */
export function calls() {
  const found = [];
  const add = (label, callee, symbol) => {
    const options = optionsOf(symbol);
    if (options.length === 0) return;
    const before = Array.from({ length: parametersOf(symbol) - 1 }, () => "x_, ");
    const required = options.filter(({ flags }) => (flags & ts.SymbolFlags.Optional) === 0).map(({ name }) => name);
    const codeOf = (option) => {
      const others = required.filter((name) => name !== option).map((name) => `${name}: x_, `);
      return `${callee}(${before.join("")}{ ${others.join("")}|${option}: x_ });`;
    };
    found.push({ label, options: options.map(({ name }) => name), codeOf });
  };
  for (const { specifier, exports } of load().entries) {
    for (const { name, symbol } of exports) {
      const callee = `${aliasOf(specifier)}.${name}`;
      const label = `${specifier}: ${name}`;
      add(label, isClass(symbol) ? `new ${callee}` : callee, symbol);
      for (const { method, isStatic } of methodsOf(symbol)) {
        const receiver = isStatic ? callee : `(x_ as InstanceType<typeof ${callee}>)`;
        add(`${label}.${method.name}`, `${receiver}.${method.name}`, method);
      }
    }
  }
  return found;
}

const typeOf = (symbol) => load().checker.getTypeOfSymbolAtLocation(symbol, symbol.declarations[0]);
const isClass = (symbol) => typeOf(symbol).getConstructSignatures().length > 0;

/** The public methods that a class of the packages declares: { method, isStatic }. */
function methodsOf(symbol) {
  const { checker } = load();
  const members = symbol.declarations.filter(ts.isClassDeclaration).flatMap(({ members }) => [...members]);
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  const methods = members.filter(
    (member) =>
      ts.isMethodDeclaration(member) && ts.isIdentifier(member.name) && (ts.getCombinedModifierFlags(member) & hidden) === 0,
  );
  // Overloads have one symbol.
  const statics = new Map(
    methods.map((member) => [
      checker.getSymbolAtLocation(member.name),
      (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0,
    ]),
  );
  return [...statics].map(([method, isStatic]) => ({ method, isStatic }));
}

/** How many arguments the last of its signatures takes. */
function parametersOf(symbol) {
  const { checker } = load();
  const type = typeOf(symbol);
  const signatures = isClass(symbol) ? type.getConstructSignatures() : type.getCallSignatures();
  const { parameters } = signatures.at(-1);
  // A loss takes its inputs and its options as one rest parameter.
  const [rest] = parameters.length === 1 ? [checker.getTypeOfSymbolAtLocation(parameters[0], symbol.declarations[0])] : [];
  return rest !== undefined && checker.isTupleType(rest) ? checker.getTypeArguments(rest).length : parameters.length;
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
