/** Adapters in PEFT's files: what PEFT saved is loaded, computes and trains as PEFT does, and is written as PEFT has it (golden/lora.py). */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  div,
  manualSeed,
  mean,
  mul,
  relu,
  sub,
  sum,
  tanh,
  tensor,
  transpose,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "@ermine/core";
import { Conv1d, Embedding, Linear, lora, Module, type LoRA } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { readSafetensors, writeSafetensors } from "../src/index.js";

interface Plain {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly data: readonly number[];
}
type State = Readonly<Record<string, Plain>>;

const folder = new URL("../golden/lora/", import.meta.url);
const record = JSON.parse(readFileSync(new URL("record.json", folder), "utf8")) as {
  readonly state: State;
  readonly input: Plain;
  readonly before: Plain;
  readonly after: Plain;
  readonly gradients: State;
  readonly trained: State;
  readonly merged: State;
};
const file = readFileSync(new URL("adapter_model.safetensors", folder));
const tokens = (): Tensor => tensor(Int32Array.from(record.input.data), { shape: record.input.shape });

class Net extends Module {
  words = new Embedding(7, 6);
  conv = new Conv1d(6, 5, 3, { padding: 1 });
  block = { q_proj: new Linear(5, 4), out: new Linear(4, 3, { bias: false }) };
  forward(x: Tensor): Tensor {
    const h = mean(tanh(this.conv.forward(transpose(this.words.forward(x), 1, 2))), { axis: 2 });
    return this.block.out.forward(relu(this.block.q_proj.forward(h)));
  }
}

function adapted(): LoRA<Net> {
  const net = new Net();
  net.loadStateDict(record.state);
  return lora(net, { targets: ["words", "conv", "q_proj", "out"], rank: 3, alpha: 6 });
}

const lossOf = (y: Tensor): Tensor =>
  div(
    sum(
      mul(
        y,
        tensor(
          Float32Array.from({ length: y.size }, (_, i) => Math.sin(i + 1)),
          { shape: y.shape as number[] },
        ),
      ),
    ),
    y.size,
  );

/** The largest |a − b| / (1 + |b|). */
function difference(actual: ArrayLike<number>, { data }: Plain): number {
  expect(actual).toHaveLength(data.length);
  return data.reduce((most, b, i) => Math.max(most, Math.abs(actual[i]! - b) / (1 + Math.abs(b))), 0);
}

beforeAll(() => {
  useBackend(reference());
  manualSeed(2);
});

describe("an adapter of PEFT's", () => {
  test("starts as nothing, and computes what PEFT computes once its file is loaded", () => {
    const model = adapted();
    expect(difference(model.forward(tokens()).dataSync(), record.before)).toBeLessThan(1e-6);
    const report = model.loadAdapterState(readSafetensors(file).stateDict());
    expect(report.loaded).toHaveLength(8);
    expect(difference(model.forward(tokens()).dataSync(), record.after)).toBeLessThan(1e-6);
  });

  test("has PEFT's gradients, and after five steps of SGD its elements", async () => {
    const model = adapted();
    model.loadAdapterState(readSafetensors(file).stateDict());
    const names = Object.keys(await model.adapterState());
    const baseState = await model.base.stateDict();
    const parameters = model.parameters();
    expect(parameters).toHaveLength(8);
    for (let step = 0; step < 5; step++) {
      const { grads } = valueAndGrad(() => lossOf(model.forward(tokens())), parameters) as { grads: Tensor[] };
      if (step === 0)
        names.forEach((name, i) => expect(difference(grads[i]!.dataSync(), record.gradients[name]!), name).toBeLessThan(1e-6));
      parameters.forEach((parameter, i) => (parameter.value = sub(parameter.value, mul(grads[i]!, 0.1))));
    }
    for (const [name, { data }] of Object.entries(await model.adapterState()))
      expect(difference(data, record.trained[name]!), name).toBeLessThan(1e-6);
    expect(await model.base.stateDict()).toEqual(baseState);
    const merged = await model.merge().stateDict();
    for (const [name, { data }] of Object.entries(merged))
      expect(difference(data, record.merged[name]!), name).toBeLessThan(1e-6);
  });

  test("is written with PEFT's names, shapes and bytes", async () => {
    const model = adapted();
    model.loadAdapterState(readSafetensors(file).stateDict());
    const bytes = writeSafetensors(await model.adapterState(), { metadata: { format: "pt" } });
    const [mine, theirs] = [readSafetensors(bytes), readSafetensors(file)];
    expect([...mine.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
    for (const [name, { shape, bytes: baseState }] of mine.tensors) {
      expect(shape).toEqual(theirs.tensors.get(name)!.shape);
      expect(baseState).toEqual(new Uint8Array(theirs.tensors.get(name)!.bytes));
    }
    const config = JSON.parse(readFileSync(new URL("adapter_config.json", folder), "utf8")) as Record<string, unknown>;
    for (const [key, value] of Object.entries(model.adapterConfig()))
      if (key !== "target_modules") expect(value, key).toEqual(config[key]);
    // golden/lora.py FOLDER has PEFT load them.
    const kept = process.env["ERMINE_LORA_FILES"];
    if (kept === undefined) return;
    const output = model.forward(tokens());
    mkdirSync(kept, { recursive: true });
    writeFileSync(`${kept}/adapter_model.safetensors`, bytes);
    writeFileSync(`${kept}/adapter_config.json`, JSON.stringify(model.adapterConfig()));
    writeFileSync(`${kept}/outputs.json`, JSON.stringify({ shape: output.shape, data: [...output.dataSync()] }));
  });

  test("of other names is loaded by rename, and one that does not fit changes nothing", async () => {
    const model = adapted();
    const state = readSafetensors(file).stateDict();
    const other = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name.replace("base_model.model.", "theirs."), value]),
    );
    const before = await model.adapterState();
    expect(() => model.loadAdapterState(other)).toThrow(/missing: .*unexpected: /);
    expect(await model.adapterState()).toEqual(before);
    model.loadAdapterState(other, { rename: { "theirs.": "base_model.model." } });
    expect(difference(model.forward(tokens()).dataSync(), record.after)).toBeLessThan(1e-6);
  });
});
