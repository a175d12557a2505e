/** Writes the sample of ONNX's node tests that run in the tests: node scripts/onnx/sample.mjs WHEEL. The smallest case of each operator, and of many those of each kind. */
import { readFile, writeFile } from "node:fs/promises";
import { openCases } from "./wheel.mjs";

/** How many cases at most, and how many bytes each. */
const most = 220;
const largest = 6_000;
/** Larger ones of an operator with many inputs. */
const more = [
  "test_attention_4d_causal",
  "test_attention_4d_gqa_attn_mask",
  "test_attention_3d_with_past_and_present_qk_matmul_bias",
];

const { cases } = JSON.parse(await readFile(new URL("nodes.json", import.meta.url), "utf8"));
const read = await openCases(process.argv[2]);
const sizes = [];
for (const { name, op, tier } of cases) {
  const files = await read(name);
  const size =
    files.model.length +
    files.sets.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).reduce((sum, file) => sum + file.length, 0);
  if (size <= largest || more.includes(name)) sizes.push({ name, op, tier, size, files });
}
// Round after round the next smallest of each operator.
const byOperator = Map.groupBy === undefined ? group(sizes) : Map.groupBy(sizes, ({ op }) => op);
for (const list of byOperator.values()) list.sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
const chosen = sizes.filter(({ name }) => more.includes(name));
for (let round = 0; chosen.length < most && round < 20; round++)
  for (const list of byOperator.values())
    if (list[round] !== undefined && chosen.length < most && !chosen.includes(list[round])) chosen.push(list[round]);

function group(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.op, [...(groups.get(item.op) ?? []), item]);
  return groups;
}

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const sample = chosen
  .sort((a, b) => (a.name < b.name ? -1 : 1))
  .map(({ name, op, tier, files: { model, sets } }) => ({
    name,
    op,
    tier,
    model: base64(model),
    sets: sets.map(({ inputs, outputs }) => ({ inputs: inputs.map(base64), outputs: outputs.map(base64) })),
  }));
const lines = sample.map((item) => JSON.stringify(item)).join(",\n");
await writeFile(new URL("../../packages/onnx/golden/nodes.json", import.meta.url), `[\n${lines}\n]\n`);
console.log(`${sample.length} cases, ${lines.length} bytes`);
