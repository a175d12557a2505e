/** Damaged npy files, and what NumPy reads of them. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toHalf, writeNpy, type NpyArray } from "../src/index.js";
import { mutated } from "./mutate.js";

const python = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../golden/python/${name}.npy`, import.meta.url)));

const sources: readonly Uint8Array[] = [
  writeNpy({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }),
  writeNpy({ shape: [], data: Int32Array.of(1) }),
  ...["float64-big-F", "bool-little-C", "int16-big-C", "uint64-little-F", "version3", "empty"].map(python),
];

/** The file of a seed: each of the sources in turn. */
export const npyMutant = (seed: number): Uint8Array => mutatedNpy(sources[seed % sources.length]!, seed);

/** The damages of mutate.ts, whose first 8 bytes are a length, on files that have none. */
export function mutatedNpy(file: Uint8Array, seed: number): Uint8Array {
  const framed = new Uint8Array(8 + file.length);
  const header = Math.min(file.length, 128);
  new DataView(framed.buffer).setBigUint64(0, BigInt(header), true);
  framed.set(file, 8);
  return mutated(framed, seed).slice(8);
}

/** An array as one number above 0, of its dtype, shape and elements' bytes. */
export function hashOfArray(array: NpyArray): number {
  const elements = array.dtype === "float16" ? toHalf(array.elements() as Float32Array, "float16") : array.elements();
  const bytes = Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);
  return hashOf(`${array.dtype} [${array.shape.join(", ")}] ${bytes.toString("hex")}`);
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return hash >>> 0 || 1;
}

/** What NumPy says of the first files: 0 where it refuses one, else the number of its array. The python that has numpy: ERMINE_PYTHON, default python3. */
export function numpyVerdicts(count: number): Uint32Array {
  const parts: Uint8Array[] = [];
  for (let seed = 0; seed < count; seed++) {
    const file = npyMutant(seed);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, file.length, true);
    parts.push(length, file);
  }
  const script = fileURLToPath(new URL("../golden/npy.py", import.meta.url));
  const { stdout, status } = spawnSync(process.env.ERMINE_PYTHON ?? "python3", [script], {
    input: Buffer.concat(parts),
    maxBuffer: 1 << 30,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = stdout.toString().trimEnd().split("\n");
  if (status !== 0 || lines.length !== count)
    throw new Error("python3 with numpy is needed: pip install numpy, ERMINE_PYTHON=/path/to/python3");
  return Uint32Array.from(lines, (line) => (line === "-" ? 0 : hashOf(line)));
}
