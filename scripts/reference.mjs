// `pnpm reference`: writes docs/reference from what the definitions say of themselves. A test holds the pages against them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, turboQuietly } from "./run.mjs";

const note = "<!-- Made by `pnpm reference` from the definitions. Change them, not this page. -->";

/** name → text of every page. */
export async function pages() {
  const { activations, losses } = await load("core", "catalog.js");
  const { metrics, optimizers, schedules } = await load("trainer", "catalog.js");
  const trainer = await load("trainer", "index.js");
  const said = docComments("trainer");
  return {
    "activations.md": page(
      "Activations",
      "f(x, options), element by element unless there is an axis; each is a module in `@ermine/core/nn` too. Options with their defaults.",
      ["name", "formula", "derivative", "range", "saturates", "role", "options", "source"],
      activations.map(({ name, activation, prose = {} }) => [
        code(name),
        prose.formula,
        prose.derivative,
        prose.range,
        prose.saturates,
        prose.role,
        optionsOf(activation.defaults),
        prose.source,
      ]),
    ),
    "losses.md": page(
      "Losses",
      'loss(…inputs, options). Every one has `reduction` ("mean", "sum", "none") and `sampleWeight` (N), which multiplies a sample’s values and what they count for in ' +
        "the mean. Micro-batches and a smaller last batch add values and counts up before they divide, so that the mean is the same for any split.",
      [
        "name",
        "formula",
        "derivative",
        "expects",
        "targets",
        "when to use",
        "bad outliers",
        "the mean divides by",
        "options",
        "source",
      ],
      losses.map(({ name, loss, prose = {} }) => [
        code(name),
        prose.formula,
        prose.derivative,
        prose.expects,
        prose.targets,
        prose.use,
        prose.outliers,
        prose.mean,
        optionsOf(loss.defaults),
        prose.source,
      ]),
    ),
    "optimizers.md": page(
      "Optimizers",
      "From `@ermine/trainer`. Options are PyTorch’s, with its defaults; `learningRate` and `weightDecay` are numbers or schedules.",
      ["name", "step", "options"],
      Object.entries(optimizers).map(([name, make]) => [code(name), said.get(name), optionsOf(make().options)]),
    ),
    "schedules.md": page(
      "Schedules",
      "From `@ermine/trainer`: schedule(learningRate, options), in place of a number. They can be composed.",
      ["name", "rate"],
      [...new Set([...Object.keys(schedules), ...functionsOf(trainer.schedules)])].map((name) => [code(name), said.get(name)]),
    ),
    "transforms.md": page(
      "Gradient transformations",
      "From `@ermine/trainer`: links of `chain(…)`, each taking updates to updates; the last is usually `scaleByLearningRate`.",
      ["name", "what it does to an update u (g: a gradient)"],
      exportsOf(trainer, "optimizers/transforms/index.ts").map((name) => [code(name), said.get(name)]),
    ),
    "callbacks.md": page(
      "Callbacks and regularizers",
      "From `@ermine/trainer`: `fit(data, { callbacks: […] })`, and `new Trainer({ regularizers: […] })`. A callback of one’s own is an object of the `Callback` interface’s methods.",
      ["name", "kind", "what it does"],
      [
        ...exportsOf(trainer, "callbacks/index.ts").map((name) => [code(name), "callback", said.get(name)]),
        ...["l1Penalty", "l2Penalty", "elasticNet"].map((name) => [code(name), "regularizer", said.get(name)]),
      ],
    ),
    "metrics.md": page(
      "Metrics",
      "From `@ermine/trainer`. Each is exact over the whole set for any batch size: states add up.",
      ["name", "better", "what it is"],
      [
        ...Object.entries(metrics).map(([name, make]) => [code(name), make().better, said.get(name)]),
        // Of more than one number, or about metrics.
        ...exportsOf(trainer, "metrics/index.ts")
          .filter((name) => !(name in metrics))
          .map((name) => [code(name), "–", said.get(name)]),
      ],
    ),
    "layers.md": page(
      "Layers",
      "From `@ermine/core/nn`. Options, defaults and starting values are PyTorch’s. [Activations](activations.md) and [losses](losses.md) are modules too, under PyTorch’s names.",
      ["name", "what it does"],
      layers(await load("core", "nn/index.js")),
    ),
  };
}

const load = (name, file) => import(pathToFileURL(join(root, "packages", name, "dist", file)).href);
const code = (text) => `\`${text}\``;

function page(title, lead, head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell ?? "").replaceAll("|", "\\|")).join(" | ")} |`;
  return [`# ${title}`, "", note, "", lead, "", line(head), line(head.map(() => "---")), ...rows.map(line), ""].join("\n");
}

/** "beta = 1, axis = −1"; a tensor's default is to be absent. */
function optionsOf(options = {}) {
  const shown = (value) =>
    value === undefined
      ? "none"
      : typeof value === "string"
        ? `"${value}"`
        : Number(value.toPrecision?.(6) ?? NaN) || String(value);
  return Object.entries(options)
    .map(([name, value]) => `${name} = ${shown(value)}`)
    .join(", ");
}

const sources = (name, below = "") => {
  const folder = join(root, "packages", name, "src", below);
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  return files.filter((file) => file.endsWith(".ts")).map((file) => [file, readFileSync(join(folder, file), "utf8")]);
};

const functionsOf = (module) => Object.keys(module).filter((name) => typeof module[name] === "function");

/** The functions that a file of the trainer's hands on, in its order. */
function exportsOf(module, file) {
  const source = readFileSync(join(root, "packages", "trainer", "src", file), "utf8");
  const names = [...source.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) => list.split(",").map((name) => name.trim()));
  return names.filter((name) => typeof module[name] === "function");
}

/** The first paragraph of a comment, as one line. */
function paragraph(comment) {
  const lines = comment.split("\n").map((line) => line.replace(/^ *\* ?/, "").trim());
  const [first] = lines.join("\n").trim().split("\n\n");
  return first
    .replace(/\n/g, " ")
    .replace(/ ?@\w+.*/, "")
    .trim();
}

const declaration = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n(?:export )?(?:abstract )?(?:const|function|class) (\w+)/g;

/** What the comment above each declaration says first. */
function docComments(name, below) {
  const found = new Map();
  for (const [, source] of sources(name, below)) {
    for (const [, comment, declared] of source.matchAll(declaration)) {
      if (!found.has(declared)) found.set(declared, paragraph(comment));
    }
  }
  return found;
}

/** Each layer: what it says itself, and what the class says that it is a case of; else what its file opens with. */
function layers(nn) {
  const said = docComments("core", "nn");
  const parents = new Map();
  const files = new Map();
  for (const [file, source] of sources("core", "nn")) {
    // These have pages of their own.
    if (["activations.ts", "losses.ts"].includes(file)) continue;
    const opening = paragraph(/^\/\*\*((?:(?!\*\/)[\s\S])*)\*\//.exec(source)?.[1] ?? "");
    for (const [, declared, parent] of source.matchAll(/(?:class|const) (\w+)(?:<[^{]*>)?(?: extends (\w+)| =)/g)) {
      files.set(declared, opening);
      parents.set(declared, parent);
    }
  }
  return Object.keys(nn)
    .filter((name) => typeof nn[name] === "function" && nn[name].prototype instanceof nn.Module && files.has(name))
    .sort()
    .map((name) => {
      const parent = parents.get(name);
      const texts = [said.get(name), parent === "Module" ? undefined : said.get(parent)].filter((text) => text !== undefined);
      return [code(name), texts.length === 0 ? files.get(name) : texts.join(" ")];
    });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const built = turboQuietly("build", "--filter=./packages/*");
  if (built !== 0) process.exit(built);
  const folder = join(root, "docs", "reference");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(await pages())) writeFileSync(join(folder, name), text);
}
