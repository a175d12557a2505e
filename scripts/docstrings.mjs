// `node scripts/docstrings.mjs`: what the packages export without a complete docstring, one line each; exits with 1 where there is any.
//
// Complete is: every export and every member of an exported class, interface or object type has a description; every option that may be left out
// says its default; and what a user calls by name (ops, activations, losses, layers, optimizers, transformations, schedules, metrics,
// callbacks, regularizers) has an example.
import { pathToFileURL } from "node:url";
import { documentationOf, isInternal, isOurs, isValue, load, placeOf, ts } from "./declarations.mjs";

/** Whose exports need an example, by the file that declares them; not where the name is one of a definition. */
const shown = /^(ops|activations|losses|nn|optimizers|schedules|metrics|callbacks|risk\/regularizers)/;

/** What is not complete: { node, place, name, problem }. */
export function missing({ entries, checker } = load()) {
  const found = new Map();
  const say = (node, name, problem) =>
    found.set(`${placeOf(node)} ${name} ${problem}`, { node, place: placeOf(node), name, problem });
  const seen = new Set();
  for (const { exports } of entries) {
    for (const { name, symbol } of exports) {
      const declarations = (symbol.declarations ?? []).filter(isOurs);
      if (seen.has(symbol) || declarations.length === 0 || isInternal(symbol)) continue;
      seen.add(symbol);
      if (ts.isSourceFile(declarations[0])) continue;
      const [node] = declarations;
      if (documentationOf(symbol, checker) === "") say(node, name, "has no description");
      if (needsExample(name, symbol, node) && !declarations.some(hasExample)) say(node, name, "has no example");
      for (const declaration of declarations) {
        for (const { member, options } of membersOf(declaration, checker)) {
          const at = member.declarations?.find(isOurs);
          if (at === undefined || isInternal(member)) continue;
          const text = documentationOf(member, checker);
          const path = `${name}.${member.name}`;
          if (text === "") say(at, path, "has no description");
          else if (options && isOptional(member) && !/default/i.test(text)) say(at, path, "does not say its default");
        }
      }
    }
  }
  return [...found.values()];
}

const isOptional = (member) => (member.flags & ts.SymbolFlags.Optional) !== 0;

function needsExample(name, symbol, node) {
  const file = node.getSourceFile().fileName.split("/src/").at(-1);
  if (!isValue(symbol) || name.endsWith("Op") || !shown.test(file)) return false;
  return ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isVariableDeclaration(node);
}

const hasExample = (node) => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "example");

/** The members that an export shows: of classes (public ones), interfaces and object types; and the options that a function takes. */
function membersOf(declaration, checker) {
  if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
    const own = declaration.members.filter((member) => member.name !== undefined && isPublic(member));
    const symbols = own.map((member) => checker.getSymbolAtLocation(member.name)).filter((symbol) => symbol !== undefined);
    const options = ts.isInterfaceDeclaration(declaration) && declaration.name.text.endsWith("Options");
    const taken = declaration.members
      .filter((member) => ts.isConstructorDeclaration(member) || (ts.isMethodDeclaration(member) && isPublic(member)))
      .flatMap((member) => inlineOptions(member, checker));
    return [...symbols.map((member) => ({ member, options })), ...taken];
  }
  if (ts.isTypeAliasDeclaration(declaration)) {
    return literals(declaration.type).flatMap((literal) =>
      membersOfLiteral(literal, checker, declaration.name.text.endsWith("Options")),
    );
  }
  if (ts.isFunctionDeclaration(declaration)) return inlineOptions(declaration, checker);
  if (
    ts.isVariableDeclaration(declaration) &&
    declaration.initializer !== undefined &&
    ts.isFunctionLike(declaration.initializer)
  ) {
    return inlineOptions(declaration.initializer, checker);
  }
  return [];
}

/** The options that are written where they are taken: `(x, options: { axis?: number })`. */
const inlineOptions = ({ parameters }, checker) =>
  parameters.flatMap(({ name, type }) => {
    const members = type === undefined ? [] : literals(type).flatMap((literal) => membersOfLiteral(literal, checker, true));
    return name.getText() === "options" ? members : [];
  });

const membersOfLiteral = (literal, checker, options) =>
  literal.members
    .filter((member) => member.name !== undefined)
    .map((member) => ({ member: checker.getSymbolAtLocation(member.name), options }));

/** The object types in a type, but for those of what functions take and give. */
function literals(type) {
  if (ts.isTypeLiteralNode(type)) return [type];
  if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) return type.types.flatMap(literals);
  return [];
}

function isPublic(member) {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return !ts.isPrivateIdentifier(member.name) && (ts.getCombinedModifierFlags(member) & hidden) === 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const all = missing();
  for (const { place, name, problem } of all) console.log(`${place}: ${name} ${problem}`);
  console.log(`${all.length} exports and options without a complete docstring.`);
  process.exitCode = all.length === 0 ? 0 : 1;
}
