// `pnpm accuracy`: measures every activation and loss on cpu (fast and portable) and tfjs, and writes packages/conformance/golden/accuracy/ermine.json
// and docs/accuracy.md. Options: --rows a,b (only these, others stay as they are), --print (writes nothing).
// PyTorch's errors are made by packages/conformance/golden/generate/accuracy.py.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root, turboQuietly } from "./run.mjs";

const folder = join(root, "packages", "conformance", "golden", "accuracy");
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const load = (name) => import(pathToFileURL(join(root, "packages", name, "dist", "index.js")).href);

const columns = [
  ["cpu", "cpu"],
  ["cpu portable", "cpu, portable"],
  ["tfjs", "tfjs"],
];

/** The table as it lies in the repository. */
export const table = () => ({ pytorch: read("pytorch.json").rows, ermine: read("ermine.json"), reasons: read("reasons.json") });

/** docs/accuracy.md. */
export async function page() {
  const { accuracyRows, meetsGoal, reasonFor } = await load("conformance");
  const content = table();
  const notes = content.reasons.map(({ reason }) => reason);
  const shown = (x) =>
    x === "Infinity" ? "∞" : x === 0 ? "0" : Number(x) >= 1e4 || Number(x) < 1e-2 ? Number(x).toExponential(1) : `${x}`;
  const cell = ({ absolute, ulp }, mark = "") => `${shown(absolute)} / ${shown(ulp)}${mark}`;
  const lines = (kind) =>
    accuracyRows
      .filter((row) => row.kind === kind)
      .flatMap(({ name }) =>
        ["forward", "gradient"].map((pass) => {
          const peer = content.pytorch[name][pass];
          const cells = columns.map(([backend]) => {
            const error = content.ermine[backend][name][pass];
            const met = meetsGoal({ absolute: Number(error.absolute), ulp: Number(error.ulp) }, peer);
            const reason = reasonFor(content, backend, name, pass);
            return cell(error, met ? "" : reason === undefined ? " ▲" : ` ▲${notes.indexOf(reason) + 1}`);
          });
          return `| ${[name, pass, cell(peer), ...cells].join(" | ")} |`;
        }),
      );
  const head = [`| | | PyTorch | ${columns.map(([, title]) => title).join(" | ")} |`, "| --- | --- | --- | --- | --- | --- |"];
  return `${[
    "# Accuracy",
    "",
    "<!-- Made by `pnpm accuracy`. Change the kernels and definitions, not this page. -->",
    "",
    "The largest error of each activation and loss in float32 against exact values, as absolute error / units in the last place (ulp), next to PyTorch's on",
    "the CPU. Points: −30 to 30 in steps of 1/400, ±10⁻³⁰ to ±10² (250 a decade), and 2¹⁶ random bit patterns; probabilities are dense near 0 and 1;",
    "what is a function of rows is measured on 256 random ones. The absolute error is of inputs up to 100 in size. An ulp is that of the exact value, and",
    "of the smallest normal number below it. Near a zero of the function (gelu′ at −0.75) any float32 is some hundred ulp away.",
    "",
    "The goal is PyTorch's error or 1 ulp, whichever is larger; where PyTorch has lost all digits (10⁶ ulp and more), ten bits must be there (16,384 ulp, as near a zero of the function). ▲ marks what is above the goal, the",
    "number why. Exact values are the float64 reference's, which a test holds to mpmath's. A test holds each row to this page.",
    "TensorFlow reads and writes subnormal numbers as 0; its column leaves them out.",
    "",
    "## Activations",
    "",
    ...head,
    ...lines("activation"),
    "",
    "## Losses",
    "",
    "Without reduction; the gradient is that of the sum.",
    "",
    ...head,
    ...lines("loss"),
    ...(notes.length === 0 ? [] : ["", "## Above the goal", "", ...notes.map((reason, i) => `${i + 1}. ${reason}`)]),
  ].join("\n")}\n`;
}

async function measure(only) {
  const { accuracyRows, listedError, measureAccuracy } = await load("conformance");
  const { cpu } = await load("backend-cpu");
  const { tfjs } = await load("backend-tfjs");
  const made = {};
  for (const [name] of columns) {
    const kind = name === "cpu" ? { numerics: "fast", relaxedSimd: true } : { numerics: "portable" };
    const backend = name === "tfjs" ? await tfjs() : await cpu({ ...kind, threads: 1 });
    made[name] = {};
    for (const row of accuracyRows.filter((r) => only === undefined || only.includes(r.name))) {
      const { forward, gradient } = await measureAccuracy(row, backend, { subnormals: name !== "tfjs" });
      made[name][row.name] = { forward: listedError(forward), gradient: listedError(gradient) };
    }
    backend.dispose();
  }
  return made;
}

/** One row a line. */
const asText = (backends) =>
  `{\n${Object.entries(backends)
    .map(([name, rows]) => {
      const lines = Object.entries(rows).map(([row, errors]) => `    ${JSON.stringify(row)}: ${JSON.stringify(errors)}`);
      return `  ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n  }`;
    })
    .join(",\n")}\n}\n`;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { rows: { type: "string" }, print: { type: "boolean", default: false } } });
  const built = turboQuietly("build", "--filter=./packages/*");
  if (built !== 0) process.exit(built);
  const made = await measure(values.rows?.split(",").map((row) => row.trim()));
  if (values.print) {
    process.stdout.write(asText(made));
  } else {
    const before = values.rows === undefined ? {} : read("ermine.json");
    const all = Object.fromEntries(columns.map(([name]) => [name, { ...before[name], ...made[name] }]));
    writeFileSync(join(folder, "ermine.json"), asText(all));
    writeFileSync(join(root, "docs", "accuracy.md"), await page());
  }
  process.exit(0);
}
