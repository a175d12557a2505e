// The examples of docstrings: every @example of what the packages export, and of the members of what they export.
import { join, relative } from "node:path";
import { fromMarkdown } from "mdast-util-from-markdown";
import { isOurs, load, ts } from "../declarations.mjs";
import { root } from "../run.mjs";

/** Every example: { file, line, name, setup, code }. What it uses of the packages' exports is imported by `setup`. */
export function docstringPrograms() {
  const { entries } = load();
  const seen = new Set();
  const programs = [];
  for (const { exports, specifier } of entries) {
    for (const { name, symbol } of exports) {
      for (const declaration of symbol.declarations ?? []) {
        if (!isOurs(declaration)) continue;
        for (const node of [declaration, ...membersOf(declaration)]) {
          for (const tag of ts.getJSDocTags(node)) {
            if (tag.tagName.text !== "example" || seen.has(tag)) continue;
            seen.add(tag);
            const file = tag.getSourceFile();
            const line = file.getLineAndCharacterOfPosition(tag.getStart(file)).line + 1;
            const code = codeOf(ts.getTextOfJSDocComment(tag.comment) ?? "");
            programs.push({ file: relative(root, file.fileName), line, name, code, setup: setupFor(code, specifier) });
          }
        }
      }
    }
  }
  return programs;
}

const membersOf = (declaration) =>
  ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration) ? declaration.members : [];

/** An example is TypeScript, in a fenced block or bare. */
function codeOf(comment) {
  const fenced = fromMarkdown(comment).children.filter((node) => node.type === "code");
  return fenced.length === 0 ? comment.trim() : fenced.map((node) => node.value).join("\n");
}

let exporters;

/** name → the entries that export it as a value, in the packages' order. */
function exportersOf(name) {
  if (exporters === undefined) {
    exporters = new Map();
    for (const { specifier, exports } of load().entries) {
      for (const { name, symbol } of exports) {
        if (!exporters.has(name)) exporters.set(name, []);
        exporters.get(name).push({ specifier, isType: (symbol.flags & ts.SymbolFlags.Value) === 0 });
      }
    }
  }
  return exporters.get(name) ?? [];
}

/** What an example may use without making it. */
const stage = {
  folder:
    'const { mkdtempSync, rmSync } = await import("node:fs");\n' +
    'const folder = mkdtempSync((await import("node:os")).tmpdir() + "/checkpoints-");\n' +
    'process.once("exit", () => rmSync(folder, { recursive: true, force: true }));',
  model: "const model = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 3));",
  x: "const x = normal([2, 4]);",
  y: 'const y = tensor([0, 2], { dtype: "int32" });',
  data: "const data = dataset({ inputs: normal([8, 4]), targets: Int32Array.from([0, 1, 2, 0, 1, 2, 0, 1]) });",
  trainer:
    "const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }), backend: await cpu() });",
  describe: "const describe = (_: string, body: () => void): void => body();",
  it: "const it = (_name: string, _body: () => unknown): void => {};",
  digits: "const digits = { shape: [2, 28, 28], data: new Float32Array(2 * 28 * 28) };",
  flightsFile: `const flightsFile = file("${join(root, "packages/data/golden/examples/flights.parquet")}");`,
  readFile:
    "const readFile = async (name: string): Promise<Uint8Array> => " +
    'name.endsWith(".npy") ? writeNpy(digits) : name.endsWith(".npz") ? writeNpz({ x_train: digits }) : writeSafetensors(await model.stateDict());',
  writeFile: 'const { writeFile } = await import("node:fs/promises");',
  mgu:
    'const mgu = defineRecurrentCell({ name: "MGU", gates: 1, ' +
    "step: (gates: Tensor, [h]: readonly Tensor[], { hidden }) => [tanh(add(gates, hidden[0]!(h!)))] });",
  create: "const create = () => reference();",
  // The one that backend-tfjs is tested with.
  tf: `const tf: any = await import("${join(root, "packages/backend-tfjs/node_modules/@tensorflow/tfjs-node/dist/index.js")}");`,
};

/**
 * What stands before an example, in one line: imports of all names that it uses, does not declare, and that an entry exports (the docstring's own
 * entry before others), and what the stage has of the others.
 */
function setupFor(code, own) {
  const byEntry = new Map();
  const staged = [];
  const provided = new Set();
  const provide = (text) => {
    for (const name of freeNames(text)) {
      if (provided.has(name)) continue;
      provided.add(name);
      if (Object.hasOwn(stage, name)) {
        provide(stage[name]);
        staged.push(stage[name]);
        continue;
      }
      const from = exportersOf(name);
      const chosen = from.find(({ specifier }) => specifier === own) ?? from[0];
      if (chosen === undefined) continue;
      byEntry.set(chosen.specifier, [...(byEntry.get(chosen.specifier) ?? []), chosen.isType ? `type ${name}` : name]);
    }
  };
  provide(code);
  const imports = [...byEntry].map(([specifier, names]) => `import { ${names.join(", ")} } from "${specifier}";`);
  return [...imports, ...staged].join(" ");
}

/** The names that a program uses and does not declare. */
function freeNames(code) {
  const file = ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2022, true);
  const declared = new Set();
  const used = new Set();
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      if (isDeclarationName(node, node.parent)) declared.add(node.text);
      else if (!isPropertyName(node, node.parent)) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...used].filter((name) => !declared.has(name));
}

const isDeclarationName = (node, parent) =>
  (ts.isVariableDeclaration(parent) ||
    ts.isFunctionDeclaration(parent) ||
    ts.isClassDeclaration(parent) ||
    ts.isParameter(parent) ||
    ts.isBindingElement(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isImportClause(parent) ||
    ts.isNamespaceImport(parent)) &&
  parent.name === node;

const isPropertyName = (node, parent) =>
  (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
  (ts.isPropertyAssignment(parent) && parent.name === node) ||
  (ts.isMethodDeclaration(parent) && parent.name === node) ||
  (ts.isPropertyDeclaration(parent) && parent.name === node) ||
  (ts.isBindingElement(parent) && parent.propertyName === node) ||
  (ts.isImportSpecifier(parent) && parent.propertyName === node);
