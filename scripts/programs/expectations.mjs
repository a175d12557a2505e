// What a program says of its own results, in comments: `sum(x); // => 6` and `console.log(x.item()); // 6`.
import ts from "typescript-api";

/**
 * The code with every `expression; // => value` turned into a check of that value, and the comments after calls of `console.log`,
 * in order: what each prints.
 */
export function withExpectations(code) {
  const file = ts.createSourceFile("program.ts", code, ts.ScriptTarget.ES2022, true);
  const edits = [];
  const printed = [];
  const visit = (node) => {
    if (ts.isExpressionStatement(node)) {
      const comment = commentAfter(code, node);
      const { expression } = node;
      if (comment?.startsWith("=>") === true) {
        edits.push(
          [expression.end, `, ${JSON.stringify(comment.slice("=>".length).trim())})`],
          [expression.getStart(file), "__expect("],
        );
      } else if (comment !== undefined && isLog(expression)) {
        printed.push(comment);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  edits.sort(([a], [b]) => b - a);
  let text = code;
  for (const [at, inserted] of edits) text = text.slice(0, at) + inserted + text.slice(at);
  return { code: text, printed };
}

/** The text of a `//` comment that ends the statement's last line. */
function commentAfter(code, node) {
  const [range] = ts.getTrailingCommentRanges(code, node.end) ?? [];
  if (range === undefined || range.kind !== ts.SyntaxKind.SingleLineCommentTrivia) return undefined;
  return code.slice(range.pos + "//".length, range.end).trim();
}

const isLog = (node) =>
  ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.getText() === "console.log";
