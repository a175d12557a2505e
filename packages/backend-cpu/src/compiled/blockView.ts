/** Where a feed is written and an output is read. */
import type { Block } from "../block.js";
import type { Heap } from "../heap.js";

/** A block and a view of its elements, made anew when memory has moved. */
export class BlockView {
  readonly block: Block;
  readonly #heap: Heap;
  #buffer: ArrayBufferLike;
  #view: Float32Array | Int32Array;

  constructor(heap: Heap, block: Block) {
    this.#heap = heap;
    this.block = block;
    this.#buffer = heap.buffer;
    this.#view = this.#look();
  }

  get view(): Float32Array | Int32Array {
    if (this.#buffer !== this.#heap.buffer) this.#view = this.#look();
    return this.#view;
  }

  #look(): Float32Array | Int32Array {
    const { address, dtype, length } = this.block;
    this.#buffer = this.#heap.buffer;
    return dtype === "float32" ? new Float32Array(this.#buffer, address, length) : new Int32Array(this.#buffer, address, length);
  }
}
