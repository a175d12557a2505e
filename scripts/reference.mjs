// `pnpm reference`: writes docs/reference, and what the catalog of core says of its entries, from the docstrings. A test holds them together.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { fromMarkdown } from "mdast-util-from-markdown";
import { documentationOf, isInternal, isValue, load, ts } from "./declarations.mjs";
import { root } from "./run.mjs";

const note = "<!-- Made by `pnpm reference` from the docstrings. Change them, not this page. -->";

/** path from the root → text of everything that is made from docstrings. */
export function files() {
  const made = pages();
  return {
    ...Object.fromEntries(Object.entries(made).map(([name, text]) => [`docs/reference/${name}`, text])),
    "packages/core/src/catalogProse.ts": catalogProse(),
  };
}

/** name → text of every page. */
export function pages() {
  return {
    "activations.md": page({
      title: "Activations",
      lead: "From `@ermine/core`: f(x, options), element by element unless there is an axis. Each is a module in `@ermine/core/nn` too.",
      fields: ["formula", "derivative", "range", "saturates", "role", "source"],
      members: definitionsAndAliases("activations"),
    }),
    "losses.md": page({
      title: "Losses",
      lead:
        'From `@ermine/core`: loss(…inputs, options). Every one has `reduction` ("mean", "sum", "none") and `sampleWeight` (N), which multiplies a sample’s values and what they count for in ' +
        "the mean. Micro-batches and a smaller last batch add values and counts up before they divide, so that the mean is the same for any split. Each is a module in `@ermine/core/nn` too.",
      fields: ["formula", "derivative", "expects", "targets", "use", "outliers", "mean", "source"],
      members: definitionsAndAliases("losses"),
    }),
    "optimizers.md": page({
      title: "Optimizers",
      lead: "From `@ermine/trainer`. Options are PyTorch’s, with its defaults; `learningRate` and `weightDecay` are numbers or schedules.",
      members: of("@ermine/trainer", (at) => at.startsWith("optimizers/") && !at.startsWith("optimizers/transforms/")),
    }),
    "transforms.md": page({
      title: "Gradient transformations",
      lead: "From `@ermine/trainer`: links of `chain(…)`, each taking updates to updates; the last is usually `scaleByLearningRate`. u is an update, g a gradient.",
      members: of("@ermine/trainer", (at) => at.startsWith("optimizers/transforms/")),
    }),
    "schedules.md": page({
      title: "Schedules",
      lead: "From `@ermine/trainer`: `schedules.name(learningRate, options)`, in place of a number. They can be composed.",
      members: of("@ermine/trainer", (at, name) => name.startsWith("schedules.")),
    }),
    "metrics.md": page({
      title: "Metrics",
      lead: "From `@ermine/trainer`. Each is exact over the whole set for any batch size: states add up.",
      members: of("@ermine/trainer", (at) => at.startsWith("metrics/")),
    }),
    "callbacks.md": page({
      title: "Callbacks and regularizers",
      lead: "From `@ermine/trainer`: `fit(data, { callbacks: […] })`, and `new Trainer({ regularizers: […] })`. A callback of your own is an object of the `Callback` interface’s methods.",
      members: of("@ermine/trainer", (at) => at.startsWith("callbacks/") || at.startsWith("risk/regularizers")),
    }),
    "training.md": page({
      title: "Training",
      lead: "From `@ermine/trainer`: the trainer, data sets and losses of several parts.",
      signatures: true,
      members: of(
        "@ermine/trainer",
        (at, name) => !/^(optimizers|callbacks|metrics|risk\/regularizers)/.test(at) && !name.startsWith("schedules"),
      ),
    }),
    "data.md": page({
      title: "Data",
      lead: "From `@ermine/data`: sequences and streams of items, and what is done to them on their way to training; `readCsv` and `csvRows` from `@ermine/data/csv`, `openParquet` from `@ermine/data/parquet`, `openNpy` from `@ermine/data/npy`, `imageFolder` from `@ermine/data/images`, `decodeImage` of browsers from `@ermine/data/canvas`, `file` from `@ermine/data/node`.",
      signatures: true,
      members: ["", "/csv", "/parquet", "/npy", "/images", "/canvas", "/node"].flatMap((entry) =>
        of(`@ermine/data${entry}`, () => true),
      ),
    }),
    "checkpoints.md": page({
      title: "Checkpoints",
      lead:
        "From `@ermine/trainer/checkpoint/node`: trainings kept in files, and taken up again from them; as bytes, and proved, from `@ermine/trainer/checkpoint`. " +
        "[How, and what is promised](../checkpoints.md).",
      signatures: true,
      members: ["", "/node"].flatMap((entry) => of(`@ermine/trainer/checkpoint${entry}`, () => true)),
    }),
    "browser-checkpoints.md": page({
      title: "Checkpoints in a browser",
      lead: "From `@ermine/trainer/checkpoint/browser`: trainings kept in a browser's storage, and taken up again at the page's next visit. [How, and what is promised](../browser-checkpoints.md).",
      signatures: true,
      members: of("@ermine/trainer/checkpoint/browser", () => true),
    }),
    "workers.md": page({
      title: "Training in a worker",
      lead: "From `@ermine/trainer/worker`: [how, and what is promised](../workers.md).",
      signatures: true,
      members: of("@ermine/trainer/worker", () => true),
    }),
    "preprocessing.md": page({
      title: "Preprocessing",
      lead: "From `@ermine/preprocessing`: columns of a table, and images, as what a network takes, fitted on the training part alone.",
      signatures: true,
      members: of("@ermine/preprocessing", () => true),
    }),
    "onnx.md": page({
      title: "ONNX and predictions",
      lead: "From `@ermine/onnx` and `@ermine/onnx/node`: models as files, and files as models; `@ermine/onnx/operators` imports by operators that a program names. From `@ermine/predict`: predictions out of files.",
      signatures: true,
      members: ["@ermine/onnx", "@ermine/onnx/node", "@ermine/onnx/operators", "@ermine/predict"].flatMap((entry) =>
        of(entry, () => true),
      ),
    }),
    "layers.md": page({
      title: "Layers",
      lead: "From `@ermine/core/nn`. Options, defaults and starting values are PyTorch’s. [Activations](activations.md) and [losses](losses.md) are modules too, under PyTorch’s names.",
      members: of("@ermine/core/nn", (at) => !["nn/activations.ts", "nn/losses.ts"].includes(at)),
    }),
    "ops.md": page({
      title: "Operations",
      lead: "From `@ermine/core`: functions of tensors, eager or in a compiled function alike. An axis may be negative: it counts from the end.",
      signatures: true,
      members: core((at) => at.startsWith("ops/")),
    }),
    "core.md": page({
      title: "Tensors, gradients, compiled functions",
      lead: "From `@ermine/core`: what is neither an [operation](ops.md), an [activation](activations.md) nor a [loss](losses.md).",
      signatures: true,
      members: core((at) => isDomains(at) || !/^(ops|activations|losses)\//.test(at)),
    }),
    "define.md": page({
      title: "For definitions",
      lead: "From `@ermine/core/define`: what people need who add ops, activations, losses, layers or optimizers ([Contributing](../../CONTRIBUTING.md)).",
      signatures: true,
      members: of("@ermine/core/define", () => true),
    }),
    "backend.md": page({
      title: "For backends",
      lead: "From `@ermine/core/backend`: what people need who write a backend or a compiler ([Contributing](../../CONTRIBUTING.md)). A name that ends in `Op` is a definition: backends bind their kernels to it.",
      signatures: true,
      members: of("@ermine/core/backend", () => true),
    }),
  };
}

/** The exports of an entry that are values, by the file (from the package's `src`) and the name. */
function of(specifier, chosen) {
  const entry = load().entries.find((one) => one.specifier === specifier);
  return entry.exports
    .filter(({ symbol }) => isValue(symbol) && !isInternal(symbol) && !(symbol.flags & ts.SymbolFlags.ValueModule))
    .map(({ name, symbol }) => ({ name, symbol, file: fileOf(symbol) }))
    .filter(({ name, file, symbol }) => chosen(file, name, symbol));
}

const core = (chosen) => of("@ermine/core", (at, name) => chosen(at, name) && !isDefinition(at, name));

const byName = (a, b) => (a.name < b.name ? -1 : 1);

/** Activations and losses: what a file of that folder exports under the file's name. */
const definitions = (folder) =>
  of(
    "@ermine/core",
    (at, name) => (at.startsWith(`${folder}/`) && isDefinition(at, name)) || (folder === "activations" && isTanh(at, name)),
  ).sort(byName);

/** The same, and their other names: `swish` is `silu`. */
const definitionsAndAliases = (folder) => of("@ermine/core", (at) => at.startsWith(`${folder}/`) && !isDomains(at)).sort(byName);

/** Functions that say what a tensor's values are, which no loss is. */
const isDomains = (at) => at === "losses/domains.ts";

/** The one activation whose function is the op. */
const isTanh = (at, name) => name === "tanh" && at === "ops/unary.ts";

const isDefinition = (at, name) => /^(activations|losses)\//.test(at) && at.endsWith(`/${name}.ts`);

/** "ops/shape.ts" */
function fileOf(symbol) {
  const { fileName } = symbol.declarations[0].getSourceFile();
  return fileName.split("/src/").at(-1);
}

function page({ title, lead, fields = [], signatures = false, members }) {
  const { checker } = load();
  const described = members.map((member) => {
    const { text, list } = said(documentationOf(member.symbol, checker));
    const other = Object.keys(list).length === 0 ? aliasOf(member.symbol, checker) : undefined;
    return { ...member, text, list: other === undefined ? list : said(documentationOf(other, checker)).list };
  });
  const parts = [`# ${title}`, note, lead];
  parts.push(
    table(
      ["name", ...(signatures ? ["signature"] : []), ...(fields.length > 0 ? fields : ["what it is"])],
      described.map(({ name, symbol, text, list }) => [
        code(name),
        ...(signatures ? [code(signatureOf(name, symbol))] : []),
        ...(fields.length > 0 ? fields.map((field) => list[field]) : [text]),
      ]),
    ),
  );
  const options = described.flatMap(({ name, symbol }) =>
    optionsOf(symbol).map((option) => [code(name), code(option.name), said(documentationOf(option, checker)).text]),
  );
  if (options.length > 0) parts.push("## Options", table(["of", "option", "what it does"], options));
  return `${parts.join("\n\n")}\n`;
}

/** What a constant is another name of: `const swish = silu`. */
function aliasOf(symbol, checker) {
  const { initializer } = symbol.declarations[0];
  return initializer !== undefined && ts.isIdentifier(initializer) ? checker.getSymbolAtLocation(initializer) : undefined;
}

const code = (text) => (text === "" ? "" : `\`${text}\``);

function table(head, rows) {
  const line = (cells) =>
    `| ${cells
      .map((cell) =>
        String(cell ?? "")
          .replaceAll("|", "\\|")
          .replaceAll("\n", " "),
      )
      .join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** What a docstring says: its text as one line, and the items of its list "- key: value". */
export function said(documentation) {
  const blocks = fromMarkdown(documentation).children;
  const source = (node) => documentation.slice(node.position.start.offset, node.position.end.offset).replace(/\s*\n\s*/g, " ");
  const list = {};
  for (const { children } of blocks.filter(({ type }) => type === "list")) {
    for (const item of children) {
      const text = source(item.children[0]);
      const colon = text.indexOf(": ");
      if (colon > 0) list[text.slice(0, colon)] = text.slice(colon + 2);
    }
  }
  return {
    text: blocks
      .filter(({ type }) => type === "paragraph")
      .map(source)
      .join(" "),
    list,
  };
}

/** The documented properties of what a function or a class takes as options: those of its last parameter, where that is an object of them. */
export function optionsOf(symbol) {
  const { checker } = load();
  const [node] = symbol.declarations;
  const type = checker.getTypeOfSymbolAtLocation(symbol, node);
  const signatures = [...type.getCallSignatures(), ...type.getConstructSignatures()];
  const found = new Map();
  for (const signature of signatures) {
    const last = signature.parameters.at(-1);
    if (last === undefined) continue;
    for (const option of propertiesOf(checker.getTypeOfSymbolAtLocation(last, node), checker)) found.set(option.name, option);
  }
  return [...found.values()];
}

/** The properties of an object of options (of the last element of a rest parameter); none of what has methods, or is a tensor or an array. */
function propertiesOf(type, checker) {
  const parts = type.isUnion() ? type.types : [type];
  return parts.flatMap((part) => {
    if (checker.isTupleType(part)) return propertiesOf(checker.getTypeArguments(part).at(-1), checker);
    if (part.isTypeParameter()) return [];
    if (!(part.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return [];
    if (checker.isArrayType(part) || part.getCallSignatures().length > 0 || part.isClass()) return [];
    const properties = checker.getPropertiesOfType(part);
    const optional = properties.filter((property) => property.flags & ts.SymbolFlags.Optional);
    return optional.length === 0 || properties.some((property) => property.flags & ts.SymbolFlags.Method) ? [] : properties;
  });
}

/** "sum(x: Tensor, options?: ReduceOptions): Tensor" */
function signatureOf(name, symbol) {
  const { checker } = load();
  const [node] = symbol.declarations;
  const type = checker.getTypeOfSymbolAtLocation(symbol, node);
  const flags =
    ts.TypeFormatFlags.NoTruncation |
    ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope |
    ts.TypeFormatFlags.OmitParameterModifiers;
  const calls = type.getCallSignatures();
  const made = calls.length > 0 ? calls : type.getConstructSignatures();
  if (made.length === 0) return `${name}: ${checker.typeToString(type, node, flags)}`;
  const prefix = calls.length > 0 ? "" : "new ";
  return made.map((signature) => `${prefix}${name}${checker.signatureToString(signature, node, flags)}`).join("; ");
}

/** packages/core/src/catalogProse.ts: the lists of the docstrings of activations and losses. */
function catalogProse() {
  const { checker } = load();
  const tableOf = (folder) => {
    const rows = definitions(folder).map(({ name, symbol }) => [name, said(documentationOf(symbol, checker)).list]);
    const lines = rows.map(([name, list]) => `  ${name}: ${JSON.stringify(list)},`);
    return `{\n${lines.join("\n")}\n}`;
  };
  return `/** The lists of the docstrings of activations and losses, for the catalog. Made by \`pnpm reference\`. */
import type { ActivationProse, LossProse } from "./prose.js";

export const activationProse: Readonly<Record<string, ActivationProse>> = ${tableOf("activations")};

export const lossProse: Readonly<Record<string, LossProse>> = ${tableOf("losses")};
`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of Object.entries(files())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
