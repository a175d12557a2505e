// `node scripts/portable.mjs`: what the host computes for a training has the same bits in every engine. `Math.sin`, `Math.exp` and `**` have last digits of the engine's own, so that
// schedules, corrections of optimizers, random numbers and the playground's data sets take `portableMath` of core's. Exits with 1 where one does not.
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-api";
import { root } from "./run.mjs";

/** Folders whose functions feed trainings. */
const folders = [
  "packages/core/src/random",
  "packages/core/src/types",
  "packages/preprocessing/src",
  "packages/trainer/src/optimizers",
  "packages/trainer/src/schedules",
  "apps/demo/src/experiments",
  "apps/demo/site/src/playground",
];

/** Functions of `Math` whose bits the standard leaves to the engine. */
const functions = new Set(
  "acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 pow sin sinh tan tanh".split(" "),
);

/** What only shows a number has no bits that a training depends on. */
const shown = new Set(["sideView.tsx"]);

const isLiteral = (node) =>
  ts.isNumericLiteral(node) ||
  (ts.isPrefixUnaryExpression(node) && isLiteral(node.operand)) ||
  (ts.isParenthesizedExpression(node) && isLiteral(node.expression));

/** A power of literals is a constant, which powers of two give exactly. */
const isPower = (node) =>
  ts.isBinaryExpression(node) &&
  [ts.SyntaxKind.AsteriskAsteriskToken, ts.SyntaxKind.AsteriskAsteriskEqualsToken].includes(node.operatorToken.kind) &&
  !(isLiteral(node.left) && isLiteral(node.right));

const isOfMath = (node) =>
  ts.isPropertyAccessExpression(node) &&
  ts.isIdentifier(node.expression) &&
  node.expression.text === "Math" &&
  functions.has(node.name.text);

/** Where a source takes what differs from engine to engine: its lines. */
export function unportableLines(text) {
  const source = ts.createSourceFile("source.tsx", text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TSX);
  const lines = [];
  const visit = (node) => {
    if (isPower(node) || isOfMath(node)) lines.push(source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return lines;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((path) => /\.tsx?$/.test(path) && !shown.has(path))
      .map((path) => join(root, folder, path)),
  );
  let count = 0;
  for (const file of files) {
    for (const line of unportableLines(ts.sys.readFile(file))) {
      count++;
      console.error(`${relative(root, file)}:${line}: differs from engine to engine; take portableMath.`);
    }
  }
  console.log(`${count} functions that differ from engine to engine in ${files.length} files.`);
  process.exitCode = count > 0 ? 1 : 0;
}
