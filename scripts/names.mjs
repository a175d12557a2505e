// `node scripts/names.mjs`: names of definitions are for people. Where steps, plans, objectives, lowerings and compiled programs ask for one (`op.name === "matmul"`,
// `table[optimizer.name]`) another definition of that name is taken for the first, and a renamed one for none: they ask for the object, its role or what it says
// of itself. Exits with 1 where any does. Read by TypeScript 5.9, so that a name is told from a key by the type that it is a property of.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-api";
import { root } from "./run.mjs";

const packages = ["core", "trainer", "backend-cpu", "backend-tfjs"];

/** Folders that must not ask, wherever they are in a package's sources. */
const isGuarded = (path) => path.split(sep).some((folder) => /^(step|risk|plan|compiled|lower.*)$/.test(folder));

/** Properties that are names. */
const properties = new Set(["name", "lossName"]);

/** Types whose name is a key that somebody else states, and not what a definition is called. */
const keyed = new Map([
  ["FeedNode", "a graph's feed is fed by its name"],
  ["HostFeed", "as a feed is"],
  ["FeedPlace", "where the cpu backend has a feed of that name"],
  ["TranslatedFeed", "where TensorFlow has a feed of that name"],
  ["NodeDef", "a node of TensorFlow's graph is referred to by its name"],
  ["LossPart", "a part's mean is logged under its name"],
]);

/** Starts a comment before a statement whose name is a key all the same; the rest of it says why. */
const exemption = "// A key: ";

/** Methods that compare their receiver, where it is a name. */
const comparing = new Set([
  "startsWith",
  "endsWith",
  "includes",
  "indexOf",
  "lastIndexOf",
  "match",
  "matchAll",
  "search",
  "localeCompare",
]);
/** Methods that compare what they are given, where that is a name. */
const looking = new Set([
  "has",
  "get",
  "delete",
  "includes",
  "indexOf",
  "lastIndexOf",
  "test",
  "exec",
  "startsWith",
  "endsWith",
  "hasOwn",
  "is",
]);
/** Methods that make a name of a name. */
const shaping = new Set([
  "slice",
  "substring",
  "toLowerCase",
  "toUpperCase",
  "replace",
  "replaceAll",
  "trim",
  "split",
  "at",
  "concat",
]);

const equalities = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);

/** A package's entries, each with the source that it is built from, so that nothing needs to be built. */
function sourcesOfEntries(name) {
  const folder = join(root, "packages", name);
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries(exports)
    .filter(([, { types }]) => types?.startsWith("./dist/"))
    .map(([entry, { types }]) => {
      const source = join(folder, types.replace(/^\.\/dist\//, "src/").replace(/\.d\.ts$/, ".ts"));
      // TypeScript would look for a build instead, and find none on a clean checkout.
      if (!existsSync(source)) throw new Error(`@ermine/${name}'s entry "${entry}" is built from ${source}, which is not there.`);
      return [`@ermine/${name}${entry.slice(1)}`, [source]];
    });
}

const options = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  paths: Object.fromEntries(packages.flatMap(sourcesOfEntries)),
};

/**
 * Where files ask for names.
 *
 * @param files paths of TypeScript sources
 * @param texts the text of those that are not on the disk, by path
 * @returns each as { file, line, text }
 */
export function comparisonsOfNames(files, texts = {}) {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => path in texts || fileExists(path);
  host.readFile = (path) => texts[path] ?? readFile(path);
  const program = ts.createProgram(files, options, host);
  const checker = program.getTypeChecker();

  /** Is the property `name` of this type what a definition is called? */
  function isOfDefinition(type, property) {
    const symbol = checker.getPropertyOfType(checker.getApparentType(type), property);
    const owners = (symbol?.declarations ?? []).map(({ parent }) => parent?.name?.text);
    return owners.length === 0 || !owners.every((owner) => keyed.has(owner));
  }

  /** Does the expression give a definition's name, or text that is made of one? */
  function isName(node) {
    if (
      ts.isParenthesizedExpression(node) ||
      ts.isNonNullExpression(node) ||
      ts.isAsExpression(node) ||
      ts.isSatisfiesExpression(node)
    )
      return isName(node.expression);
    if (ts.isPropertyAccessExpression(node))
      return properties.has(node.name.text) && isOfDefinition(checker.getTypeAtLocation(node.expression), node.name.text);
    if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
      return (
        properties.has(node.argumentExpression.text) &&
        isOfDefinition(checker.getTypeAtLocation(node.expression), node.argumentExpression.text)
      );
    if (ts.isIdentifier(node)) return checker.getSymbolAtLocation(node)?.declarations?.some(bindsName) ?? false;
    if (ts.isTemplateExpression(node)) return node.templateSpans.some(({ expression }) => isName(expression));
    if (ts.isConditionalExpression(node)) return isName(node.whenTrue) || isName(node.whenFalse);
    if (ts.isBinaryExpression(node))
      return (
        [ts.SyntaxKind.PlusToken, ts.SyntaxKind.QuestionQuestionToken, ts.SyntaxKind.BarBarToken].includes(
          node.operatorToken.kind,
        ) &&
        (isName(node.left) || isName(node.right))
      );
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression))
      return shaping.has(node.expression.name.text) && isName(node.expression.expression);
    return false;
  }

  /** `{ name }` of an object, or a variable that is a name from the start. */
  function bindsName(declaration) {
    if (ts.isBindingElement(declaration) && ts.isObjectBindingPattern(declaration.parent)) {
      const property = (declaration.propertyName ?? declaration.name).text;
      return properties.has(property) && isOfDefinition(checker.getTypeAtLocation(declaration.parent), property);
    }
    return ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined && isName(declaration.initializer);
  }

  const isUndefined = (node) => ts.isIdentifier(node) && node.text === "undefined";

  function asks(node) {
    if (ts.isBinaryExpression(node)) {
      const { left, right, operatorToken } = node;
      if (operatorToken.kind === ts.SyntaxKind.InKeyword) return isName(left) || asksWhatAModuleHas(left, right);
      // Whether there is a name at all is no comparison with one.
      return equalities.has(operatorToken.kind) && !isUndefined(left) && !isUndefined(right) && (isName(left) || isName(right));
    }
    if (ts.isSwitchStatement(node)) return isName(node.expression);
    if (ts.isElementAccessExpression(node)) return isName(node.argumentExpression);
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
    const { name, expression } = node.expression;
    return (comparing.has(name.text) && isName(expression)) || (looking.has(name.text) && node.arguments.some(isName));
  }

  /** `"numEmbeddings" in module`: a layer of one's own has such a property, or another one. */
  function asksWhatAModuleHas(left, right) {
    if (!ts.isStringLiteralLike(left)) return false;
    const type = checker.getTypeAtLocation(right);
    return [type, ...(type.types ?? [])].some(isModule);
  }

  const isModule = (type) =>
    type.symbol?.name === "Module" || (type.isClassOrInterface() ? (checker.getBaseTypes(type) ?? []).some(isModule) : false);

  /** Does the comment before it say that the name is a key? */
  function isExempt(node, source) {
    const comments = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
    return ts.isStatement(node) && comments.some(({ pos }) => source.text.startsWith(exemption, pos));
  }

  const places = [];
  for (const file of files) {
    const source = program.getSourceFile(file);
    const visit = (node) => {
      if (isExempt(node, source)) return;
      if (asks(node)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        places.push({ file, line: line + 1, text: source.text.split("\n")[line].trim() });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return places;
}

/** The sources that must not ask. */
export const guardedFiles = () =>
  packages.flatMap((name) => {
    const folder = join(root, "packages", name, "src");
    return readdirSync(folder, { recursive: true })
      .filter((path) => path.endsWith(".ts") && isGuarded(path))
      .map((path) => join(folder, path));
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = guardedFiles();
  const places = comparisonsOfNames(files);
  for (const { file, line, text } of places) console.error(`${relative(root, file)}:${line}: asks for a name: ${text}`);
  console.log(`${places.length} comparisons with names of definitions in ${files.length} files.`);
  process.exitCode = places.length > 0 ? 1 : 0;
}
