/**
 * `@ermine/formats`: the files that tensors come in, as bytes. safetensors and npy here, npz in `@ermine/formats/npz`. No file is opened and no name of a
 * file is followed: bytes come in, bytes go out.
 */
export type { Bytes, ElementArray } from "./bytes.js";
export { fromHalf, toHalf, type HalfFormat } from "./float16.js";
export { readNpy, readNpyHeader, readNpyRows, NpyArray } from "./npy/read.js";
export { writeNpy, type WritableArray } from "./npy/write.js";
export type { NpyDType, NpyHeader } from "./npy/header.js";
export type { ElementDType, SafetensorsDType } from "./safetensors/dtypes.js";
export {
  readSafetensorsHeader,
  safetensorsHeaderEnd,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsReadOptions,
} from "./safetensors/header.js";
export { readSafetensors, Safetensors, SafetensorsTensor } from "./safetensors/read.js";
export {
  safetensorsParts,
  writeSafetensors,
  type SafetensorsParts,
  type SafetensorsWriteOptions,
  type WritableTensor,
} from "./safetensors/write.js";
