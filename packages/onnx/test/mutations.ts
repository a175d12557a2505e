/** Files with a few bytes changed, cut out, repeated or cut off: what loads runs, or is refused by an ErmineError. */
import { readdirSync, readFileSync } from "node:fs";
import { ErmineError, full, randomBits, scope, type Tensor } from "@ermine/core";
import { loadModel, type ImportedModel, type ModelValue } from "../src/index.js";
import { allOperators } from "../src/load/operators/index.js";
import { Registry } from "../src/load/registry.js";
import { decode, encode } from "../src/proto/codec.js";

const folder = new URL("../golden/torch/", import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".onnx"))
  .map((name) => readFileSync(new URL(name, folder)))
  .filter(({ length }) => length < 12_000);

type Draw = (n: number) => number;

function drawn(seed: number): Draw {
  const words = randomBits(64, [seed, 7], { step: 0, microBatch: 0, first: 0 });
  let next = 0;
  return (n) => (words[next++ % words.length]! >>> 0) % n;
}

/** Bytes changed, cut out, repeated or cut off. */
function damaged(file: Uint8Array, below: Draw): Uint8Array {
  let bytes = Uint8Array.from(file);
  for (let change = below(3); change >= 0; change--) {
    const at = below(bytes.length);
    const kind = below(8);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind === 1) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + below(8))]);
    else if (kind === 2) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(Math.max(0, at - 1 - below(40)))]);
    else bytes[at] = kind < 5 ? below(256) : bytes[at]! ^ (1 << below(8));
    if (bytes.length === 0) break;
  }
  return bytes;
}

const operators = new Registry(allOperators).names;
const numbers = [0n, 1n, -1n, 2n, 7n, -8n, 2n ** 31n, 2n ** 40n, 2n ** 63n - 1n, -(2n ** 63n)];
const floats = [0, -0, -1, 1e-30, 1e30, NaN, Infinity, -Infinity];

/** A graph whose nodes say something else: other operators, other inputs, other numbers. */
function misled(file: Uint8Array, below: Draw): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const { graph, ...rest } = decode("ModelProto", file);
  const nodes = [...graph!.node!];
  for (let change = below(3); change >= 0; change--) {
    const at = below(nodes.length);
    const node = nodes[at]!;
    const inputs = [...(node.input ?? [])];
    const kind = below(5);
    if (kind === 0) nodes[at] = { ...node, opType: pick(operators) };
    else if (kind === 1 && inputs.length > 0)
      inputs.splice(below(inputs.length), 1, pick([...(pick(nodes.slice(0, at + 1)).output ?? []), "", ...inputs]));
    else if (kind === 2) inputs.splice(below(inputs.length + 1), 1);
    else {
      const attribute = (node.attribute ?? []).map((item) => {
        if (below(2) === 0) return item;
        if (item.i !== undefined) return { ...item, i: pick(numbers) };
        if (item.f !== undefined) return { ...item, f: pick(floats) };
        if (item.ints !== undefined)
          return { ...item, ints: kind === 3 ? item.ints.map(() => pick(numbers)) : item.ints.slice(1) };
        return { ...item, s: Uint8Array.of(88) };
      });
      nodes[at] = { ...node, attribute };
      continue;
    }
    nodes[at] = { ...nodes[at]!, input: inputs };
  }
  const initializer = (graph!.initializer ?? []).map((item) =>
    item.dataType === 7 && below(3) === 0
      ? {
          ...item,
          rawData: new Uint8Array(BigInt64Array.from({ length: Number(item.dims?.[0] ?? 1n) }, () => pick(numbers)).buffer),
        }
      : item,
  );
  return encode("ModelProto", { ...rest, graph: { ...graph!, node: nodes, initializer } });
}

/** The file of that number, and what has been done to it. */
function mutated(seed: number): Uint8Array {
  const below = drawn(seed);
  const file = files[below(files.length)]!;
  return below(2) === 0 ? damaged(file, below) : misled(file, below);
}

/** Zeros for an input, small ones where sizes are open or large. */
function given({ type, shape }: ModelValue): Tensor {
  const sizes = (shape ?? []).map((size) => (typeof size === "number" ? Math.min(Math.max(size, 0), 16) : 2));
  return full(sizes, 0, {
    dtype: type === "bool" ? "bool" : type.startsWith("float") || type === "bfloat16" ? "float32" : "int32",
  });
}

export interface Outcome {
  loaded: number;
  ran: number;
  refused: number;
  /** Errors of another kind, and what took too long. */
  readonly wrong: string[];
}

/** Milliseconds of the processor, whatever else keeps the machine busy. */
function processorTime(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** How much of the processor's time `fn` takes: what is slow is tried three times, and the fastest counts. */
function fastest(fn: () => unknown, slowest: number): number {
  let least = Infinity;
  for (let attempt = 0; attempt < 3 && least > slowest; attempt++) {
    const start = process.cpuUsage();
    try {
      fn();
    } catch {
      // Looked at by the caller, whose own call throws it again.
    }
    least = Math.min(least, processorTime(start));
  }
  return least;
}

/** Loads and runs so many mutated files. `slowest`: how many milliseconds of the processor's time loading one may take, and running it. */
export function tryMutated(from: number, count: number, slowest = Infinity): Outcome {
  const outcome: Outcome = { loaded: 0, ran: 0, refused: 0, wrong: [] };
  for (let seed = from; seed < from + count; seed++) {
    const bytes = mutated(seed);
    const load = (): ImportedModel => loadModel(bytes, { maxConstantBytes: 2 ** 20 }).eval();
    const run = (model: ImportedModel): void => scope(() => void model.forward(...model.inputs().map(given)));
    const start = performance.now();
    try {
      const model = load();
      outcome.loaded++;
      run(model);
      outcome.ran++;
    } catch (error) {
      if (error instanceof ErmineError) outcome.refused++;
      else outcome.wrong.push(`${seed}: ${(error as Error).stack?.split("\n").slice(0, 4).join(" ")}`);
    }
    if (performance.now() - start <= slowest) continue;
    const took = fastest(load, slowest);
    if (took > slowest) outcome.wrong.push(`${seed}: loading takes ${took} ms`);
    else {
      const ran = fastest(() => run(load()), slowest);
      if (ran > slowest) outcome.wrong.push(`${seed}: running takes ${ran} ms`);
    }
  }
  return outcome;
}
