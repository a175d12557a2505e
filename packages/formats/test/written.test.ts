/** What ermine writes is to the byte what Python's readers were shown (golden/generate.py). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { writeNpy, writeSafetensors, type ElementDType, type NpyDType } from "../src/index.js";
import { writeNpz } from "../src/npz.js";

const folder = new URL("../golden/ermine/", import.meta.url);
const floats = Float64Array.of(0, -0, 1, -1.5, 3.140625, 2 ** -24, 65504, Infinity, -Infinity, NaN);

interface Written {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Float64Array | Uint8Array | BigInt64Array | BigUint64Array;
}

const longs = (bits: number, signed: boolean): BigInt64Array | BigUint64Array => {
  const values = signed ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n, 0n, -7n] : [0n, 2n ** BigInt(bits) - 1n, 5n];
  return signed ? BigInt64Array.from(values) : BigUint64Array.from(values);
};

/** By dtype of PyTorch and NumPy. */
const contents: readonly (readonly [
  dtype: string,
  npy: NpyDType | undefined,
  safetensors: ElementDType,
  data: Written["data"],
])[] = [
  ["bool", "bool", "BOOL", Uint8Array.of(1, 0, 1)],
  ["float16", "float16", "F16", floats],
  ["bfloat16", undefined, "BF16", Float64Array.of(0, 1, -1.5, 2 ** 100, Infinity, NaN)],
  ["float32", "float32", "F32", floats],
  ["float64", "float64", "F64", Float64Array.of(0.1, 1e300, -0, NaN)],
  ...([8, 16, 32, 64] as const).flatMap(
    (bits) =>
      [
        [`int${bits}`, `int${bits}`, `I${bits}`, longs(bits, true)],
        [`uint${bits}`, `uint${bits}`, `U${bits}`, longs(bits, false)],
      ] as const,
  ),
];

const text = (value: number | bigint): string => String(value).replace("Infinity", "inf");
const expectedOf = ({ dtype, shape, data }: Written): object => ({ dtype, shape, elements: Array.from(data, text) });

async function files(): Promise<Map<string, { bytes: Uint8Array; tensors: Record<string, object>; metadata?: object }>> {
  const written = new Map<string, { bytes: Uint8Array; tensors: Record<string, object>; metadata?: object }>();
  const all = new Map(contents.map(([dtype, , file, data]) => [`x.${dtype}`, { dtype: file, shape: [data.length], data }]));
  const tensors = Object.fromEntries(
    contents.map(([dtype, , , data]) => [`x.${dtype}`, expectedOf({ dtype, shape: [data.length], data })]),
  );
  const metadata = { format: "pt", "é\n": 'a "b"' };
  written.set("dtypes.safetensors", { bytes: writeSafetensors(all, { metadata }), tensors, metadata });
  const shapes = { scalar: { shape: [], data: Float32Array.of(3.5) }, empty: { shape: [0, 3], data: new Float32Array(0) } };
  const shaped = {
    scalar: { dtype: "float32", shape: [], elements: ["3.5"] },
    empty: { dtype: "float32", shape: [0, 3], elements: [] },
  };
  written.set("shapes.safetensors", { bytes: writeSafetensors(shapes), tensors: shaped, metadata: {} });
  for (const [dtype, npy, , data] of contents)
    if (npy !== undefined)
      written.set(`${dtype}.npy`, {
        bytes: writeNpy({ dtype: npy, shape: [1, data.length], data }),
        tensors: { "": expectedOf({ dtype, shape: [1, data.length], data }) },
      });
  for (const compress of [false, true])
    written.set(`${compress ? "compressed" : "plain"}.npz`, { bytes: await writeNpz(shapes, { compress }), tensors: shaped });
  return written;
}

const written = await files();
if (process.env.UPDATE_GOLDEN === "1" || !existsSync(folder)) {
  mkdirSync(folder, { recursive: true });
  for (const [name, { bytes }] of written) writeFileSync(new URL(name, folder), bytes);
  const expected = Object.fromEntries([...written].map(([name, { tensors, metadata }]) => [name, { tensors, metadata }]));
  writeFileSync(new URL("expected.json", folder), JSON.stringify(expected));
}

// Deflate gives other bytes in another version of zlib.
it.each([...written.keys()].filter((name) => name !== "compressed.npz"))("%s", (name) => {
  expect(Buffer.from(written.get(name)!.bytes).equals(readFileSync(new URL(name, folder)))).toBe(true);
});
