/** A variable's place in memory: one block, whose address every program over the variable has. */
import type { DType, TypedArray } from "@ermine/core";
import type { Storage, VariableStorage } from "@ermine/core/backend";
import { copyWords, writeBlock, type Block } from "../block.js";
import type { Heap } from "../heap.js";

/** The allocator of blocks. */
export interface Blocks {
  allocate(length: number, dtype: DType): Block;
  release(block: object): void;
  /** A copy of its elements. @throws ErmineError where the backend is disposed of */
  read(block: Block): TypedArray;
  /** @throws ErmineError where the backend is disposed of */
  checkAlive(): void;
}

/** A copy in a block of its own. */
export function copyOf(heap: Heap, blocks: Blocks, { address, length, dtype }: Block): Block {
  const copy = blocks.allocate(length, dtype);
  copyWords(heap, address, copy.address, length);
  return copy;
}

export class CpuVariable implements VariableStorage {
  readonly #heap: Heap;
  readonly #blocks: Blocks;
  readonly #length: number;
  readonly #dtype: DType;
  #block: Block | undefined;

  /** @param initial a block that becomes the variable's own */
  constructor(heap: Heap, blocks: Blocks, length: number, dtype: DType, initial?: Block) {
    blocks.checkAlive();
    this.#heap = heap;
    this.#blocks = blocks;
    this.#length = length;
    this.#dtype = dtype;
    this.#block = initial;
  }

  /** The block, which stays until the place ends; made when it is first asked for, with zeros. */
  get block(): Block {
    if (this.#block !== undefined) return this.#block;
    const block = this.#blocks.allocate(this.#length, this.#dtype);
    const first = block.address >>> 2;
    this.#heap.i32.fill(0, first, first + block.length);
    return (this.#block = block);
  }

  snapshot(): Storage {
    return copyOf(this.#heap, this.#blocks, this.block);
  }

  async read(): Promise<TypedArray> {
    return this.#blocks.read(this.block);
  }

  write(data: TypedArray | Storage): void {
    this.#blocks.checkAlive();
    const { block } = this;
    if (ArrayBuffer.isView(data)) writeBlock(this.#heap, block, data as TypedArray);
    else copyWords(this.#heap, (data as Block).address, block.address, block.length);
  }

  take(): Storage {
    const { block } = this;
    this.#block = undefined;
    return block;
  }

  release(): void {
    if (this.#block !== undefined) this.#blocks.release(this.#block);
    this.#block = undefined;
  }
}
