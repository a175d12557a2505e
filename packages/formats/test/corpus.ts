/** safetensors files that damages are done to: what the writer gives, and by hand what it never does. */
import { writeSafetensors } from "../src/index.js";

/** A file of a header, as it stands, and data. */
export function fileOf(header: string, data: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

export const corpus: readonly Uint8Array[] = [
  writeSafetensors({}),
  writeSafetensors({ weight: { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } }),
  writeSafetensors({ b: { shape: [], data: Int32Array.of(7) }, a: { shape: [3], dtype: "bool", data: Uint8Array.of(1, 0, 1) } }),
  writeSafetensors(
    { "a.b": { shape: [2], dtype: "BF16", data: Float32Array.of(1, -2) }, "": { shape: [0, 4], data: new Float64Array(0) } },
    { metadata: { format: "pt", "\u00e9": 'x"y\\z\u0001' } },
  ),
  fileOf(
    '{"x":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"y":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
    [1, 2, 3, 4, 5],
  ),
  fileOf('{"q":{"dtype":"F4","shape":[2,2],"data_offsets":[0,2]},"__metadata__":{"a":"b","c":""}}   ', [1, 2]),
  fileOf('{"x":{"data_offsets":[0,0],"shape":[0,18446744073709551615],"dtype":"I64"}}'),
  fileOf('{"\\ud83d\\ude00\\n":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}', [1, 255]),
];
