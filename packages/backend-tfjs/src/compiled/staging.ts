/**
 * The arrays that feeds are written into, one for each feed, used again for every run. TensorFlow reads such memory as it is where it is
 * aligned as its kernels want, and copies it otherwise; JavaScript cannot ask for an address, so it tries.
 */
import { ErmineError, type DType, type TypedArray } from "@ermine/core";
import { type Feed, allocate, isFeedSource } from "@ermine/core/backend";
import type { Binding } from "../native/binding.js";

const alignment = 64;
/** Where V8 puts memory at least. */
const step = 16;
const float32 = 1;

/** Below this a copy costs nothing. */
const smallest = 4096;

/** An array for `dtype` that the binding takes without a copy, where that can be had. */
function alignedArray(binding: Binding, dtype: DType, length: number): TypedArray {
  const bytes = length * (dtype === "bool" ? 1 : 4);
  if (bytes < smallest) return allocate(dtype, length);
  const buffer = new ArrayBuffer(bytes + alignment);
  const offsets = Array.from({ length: alignment / step }, (_, i) => i * step);
  const offset = offsets.find((place) => isTakenAsItIs(binding, new Float32Array(buffer, place, 1))) ?? 0;
  if (dtype === "float32") return new Float32Array(buffer, offset, length);
  return dtype === "int32" ? new Int32Array(buffer, offset, length) : new Uint8Array(buffer, offset, length);
}

/** Does a tensor over this one number change with it? */
function isTakenAsItIs(binding: Binding, probe: Float32Array): boolean {
  probe[0] = 1;
  const id = binding.createTensor([1], float32, probe);
  probe[0] = 2;
  const [readBack] = binding.tensorDataSync(id);
  binding.deleteTensor(id);
  probe[0] = 0;
  return readBack === 2;
}

export class Staging {
  readonly #binding: Binding;
  readonly #arrays = new Map<string, TypedArray>();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** The feed's numbers, in the array of that name. */
  write(name: string, dtype: DType, { shape, value }: Feed): Float32Array | Int32Array | Uint8Array {
    const length = shape.reduce((a, b) => a * b, 1);
    let target = this.#arrays.get(name);
    if (target?.length !== length) {
      target = alignedArray(this.#binding, dtype, length);
      this.#arrays.set(name, target);
    }
    if (isFeedSource(value)) value.copyInto(target);
    else {
      const data = value as TypedArray;
      if (data.length !== length) {
        throw new ErmineError("ERMINE_SHAPE", `"${name}" is fed ${data.length} numbers for the shape [${shape.join(", ")}].`);
      }
      target.set(data);
    }
    return target as Float32Array;
  }
}
