/** Blocks of the heap that hold a tensor's or a variable's elements. */
import type { DType, TypedArray } from "@ermine/core";
import type { Heap } from "./heap.js";

/** A tensor's block. */
export interface Block {
  readonly address: number;
  readonly length: number;
  readonly dtype: DType;
}

/** Copies host values into a block: bool is stored as int32. */
export function writeBlock(heap: Heap, { address, length, dtype }: Block, data: TypedArray): void {
  const view = dtype === "float32" ? heap.f32 : heap.i32;
  view.set(data.length === length ? data : data.subarray(0, length), address >>> 2);
}

/** A copy of a block's numbers, in the array of its dtype. */
export function readBlock(heap: Heap, { address, length, dtype }: Block): TypedArray {
  const start = address >>> 2;
  if (dtype === "float32") return heap.f32.slice(start, start + length);
  const whole = heap.i32.slice(start, start + length);
  return dtype === "int32" ? whole : Uint8Array.from(whole);
}

export function copyWords(heap: Heap, from: number, to: number, count: number): void {
  heap.i32.copyWithin(to >>> 2, from >>> 2, (from >>> 2) + count);
}
