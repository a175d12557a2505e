// The programs of README, docs and CONTRIBUTING: their code blocks, found by a Markdown parser.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fromMarkdown } from "mdast-util-from-markdown";
import { packages } from "../declarations.mjs";
import { root } from "../run.mjs";

/** The languages of a program; a page shows it as TypeScript. */
const script = new Set(["ts", "typescript", "tsx", "js", "javascript", "jsx", "mjs", "cjs", "mts", "cts"]);

/** Every Markdown page that people read. */
export function pages() {
  const docs = readdirSync(join(root, "docs"), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".md"))
    .sort();
  return [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    ...docs.map((file) => `docs/${file}`),
    ...packages.map((name) => `packages/${name}/README.md`),
  ].map((file) => join(root, file));
}

/**
 * The programs of a page: { file, line, language, setup, code, mainThread }. `line` is that of the first line of code. An HTML comment that starts with
 * "setup" right before a block holds what the block needs and the page does not show; "setup on the main thread": the program cannot run in a worker.
 */
export function programsOfPage(file, text = readFileSync(file, "utf8")) {
  const found = [];
  let before;
  for (const node of blocks(fromMarkdown(text))) {
    if (node.type === "code" && script.has((node.lang ?? "").toLowerCase())) {
      found.push({
        file: relative(root, file),
        line: node.position.start.line + 1,
        language: node.lang,
        code: node.value,
        ...setupIn(before?.type === "html" ? before.value.trim() : ""),
      });
    }
    before = node;
  }
  return found;
}

/** The blocks of a page in order, those of lists and quotations too. */
function* blocks(node) {
  for (const child of node.children ?? []) {
    yield child;
    if (child.type !== "paragraph") yield* blocks(child);
  }
}

function setupIn(comment) {
  const openings = ["<!-- setup on the main thread\n", "<!-- setup"];
  const opening = openings.find((text) => comment.startsWith(text) && comment.endsWith("-->"));
  if (opening === undefined) return { setup: "", mainThread: false };
  return { setup: comment.slice(opening.length, -"-->".length).trim(), mainThread: opening === openings[0] };
}
