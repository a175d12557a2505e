/**
 * Models that others trained, out of PyPI's wheels, against onnxruntime: pnpm onnx:pretrained [--backend cpu] WHEEL….
 * The wheels are those of magika, silero-vad and basic-pitch (pip download magika silero-vad basic-pitch --no-deps); nothing of them is part of the repository.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import * as core from "../../packages/core/dist/index.js";
import * as onnx from "../../packages/onnx/dist/index.js";
import { useNamed } from "./backends.mjs";
import { entriesOf, bytesOf } from "./wheel.mjs";

const { values, positionals } = parseArgs({ options: { backend: { type: "string", default: "cpu" } }, allowPositionals: true });
if (positionals.length === 0)
  throw new Error("Which wheels? pnpm onnx:pretrained magika-….whl silero_vad-….whl basic_pitch-….whl");
const { InferenceSession, Tensor } = createRequire(new URL("../../packages/onnx/package.json", import.meta.url))(
  "onnxruntime-node",
);
await useNamed(core, values.backend);

/** The model in a wheel, and its inputs by batch: names, types and shapes. */
const models = [
  { path: "magika/models/standard_v3_3/model.onnx", inputs: [1, 3].map((n) => ({ bytes: ["int32", [n, 2048], 257] })) },
  {
    path: "silero_vad/data/silero_vad_16k_sequence.onnx",
    inputs: [1, 5].map((steps) => ({
      input: ["float32", [steps, 576]],
      h: ["float32", [1, 1, 128]],
      c: ["float32", [1, 1, 128]],
    })),
  },
  {
    path: "basic_pitch/saved_models/icassp_2022/nmp.onnx",
    inputs: [1, 2].map((n) => ({ "serving_default_input_2:0": ["float32", [n, 43844, 1]] })),
  },
];

/** Elements that are the same in every run: of floats noise between −0.5 and 0.5, which has power at every frequency, of integers all below `limit`. */
function elementsOf(type, shape, limit) {
  const length = shape.reduce((a, b) => a * b, 1);
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  if (type === "float32") return Float32Array.from({ length }, () => next() - 0.5);
  return Int32Array.from({ length }, () => Math.floor(next() * limit));
}

/** max |a − b| / (1e-5 + 1e-3 |b|): at most 1 is as near as it must be. */
function distance(actual, expected) {
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), Number(expected[i])];
    const off = Math.abs(a - b) / (1e-5 + 1e-3 * Math.abs(b));
    most = Math.max(most, Object.is(a, b) || a === b ? 0 : Number.isNaN(off) ? Infinity : off);
  }
  return most;
}

async function compare(bytes, named) {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const model = onnx.loadModel(bytes).eval();
  const given = model.inputs().map(({ name, type }) => {
    const [dtype, shape, limit] =
      named[name] ??
      (() => {
        throw new Error(`${name} ${type} is not given: ${JSON.stringify(model.inputs())}`);
      })();
    return { name, type, dtype, shape, data: elementsOf(dtype, shape, limit) };
  });
  const feeds = Object.fromEntries(given.map(({ name, type, shape, data }) => [name, new Tensor(type, data, shape)]));
  const expected = await session.run(feeds);
  const result = model.forward(...given.map(({ dtype, shape, data }) => core.tensor(data, { shape, dtype })));
  const names = model.outputs().map(({ name }) => name);
  const outputs = names.length === 1 ? { [names[0]]: result } : result;
  let most = 0;
  for (const name of names) {
    const { dims, data } = expected[name];
    if (dims.join() !== outputs[name].shape.join()) return `${name} is [${outputs[name].shape}], not [${dims}]`;
    most = Math.max(most, distance(outputs[name].dataSync(), data));
  }
  await session.release();
  return most;
}

let failures = 0;
let compared = 0;
for (const wheel of positionals) {
  const entries = await entriesOf(await readFile(wheel));
  for (const { path, inputs } of models) {
    if (!entries.has(path)) continue;
    const bytes = await bytesOf(entries.get(path));
    for (const named of inputs) {
      const result = await compare(bytes, named).catch((error) => error.message);
      const isNear = typeof result === "number" && result <= 1;
      compared++;
      if (!isNear) failures++;
      const shapes = Object.values(named).map(([, shape]) => `[${shape.join(", ")}]`);
      console.log(
        `${path} ${shapes.join(" ")}: ${isNear ? "agrees" : "DIFFERS"}, ${typeof result === "number" ? `${result.toFixed(3)} of what is allowed` : result}`,
      );
    }
  }
}
if (compared === 0) console.log("None of the wheels has one of the models.");
process.exitCode = failures === 0 && compared > 0 ? 0 : 1;
