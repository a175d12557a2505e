/**
 * ONNX's backend node tests against ermine: pnpm onnx:nodes --wheel onnx-1.22.0-….whl [--backend cpu] [--only NAME] [--show].
 * The wheel is PyPI's (pip download onnx==1.22.0 --no-deps); nodes.json says which cases count, and for what.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as core from "../../packages/core/dist/index.js";
import * as onnx from "../../packages/onnx/dist/index.js";
import { useNamed } from "./backends.mjs";
import { caseRunner } from "./case.mjs";
import { openCases } from "./wheel.mjs";

const { values } = parseArgs({
  options: {
    wheel: { type: "string" },
    backend: { type: "string", default: "reference" },
    only: { type: "string" },
    show: { type: "boolean", default: false },
  },
});
if (values.wheel === undefined) throw new Error("Which wheel? pnpm onnx:nodes --wheel onnx-1.22.0-….whl");

await useNamed(core, values.backend);

const read = await openCases(values.wheel);
const { cases } = JSON.parse(await readFile(new URL("nodes.json", import.meta.url), "utf8"));
const counts = new Map();
const runCase = caseRunner(core, onnx);
for (const { name, op, tier } of cases) {
  if (values.only !== undefined && !name.includes(values.only)) continue;
  const { result, message } = runCase({ name, ...(await read(name)) });
  const count = counts.get(tier) ?? { passed: 0, refused: 0, wrong: 0, crashed: 0 };
  counts.set(tier, count);
  count[result]++;
  if (result === "wrong" || result === "crashed" || (values.show && result !== "passed"))
    console.log(`${tier} ${op} ${name}: ${result}: ${message.slice(0, 400)}`);
}
let failures = 0;
for (const [tier, { passed, refused, wrong, crashed }] of [...counts].sort(([a], [b]) => a - b)) {
  const total = passed + refused + wrong + crashed;
  failures += wrong + crashed;
  console.log(
    `tier ${tier}: ${passed} of ${total} passed (${((100 * passed) / total).toFixed(1)} %), ${refused} refused, ${wrong} wrong, ${crashed} crashed`,
  );
}
process.exitCode = failures === 0 ? 0 : 1;
