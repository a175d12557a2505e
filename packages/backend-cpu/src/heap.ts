/** The backend's memory: blocks of a growing WebAssembly.Memory, by size classes. Addresses stay; views do not, so none is handed out. */
import { ErmineError } from "@ermine/core";

const page = 65536;

/**
 * Bytes between one large block and the next. Their sizes are multiples of high powers of two, and of arrays whose numbers lie at the same place
 * of a 4 KB page processors mistake a load from one for what was just stored to the other. After 2,560 bytes eight in a row lie 512 apart.
 */
const stagger = 2560;
const large = 32768;

/** Bytes behind every block that there must be: kernels look so far ahead (assembly/simd.ts), and read no more of it than that. */
const ahead = 2048;

/** Bytes of the class that holds `bytes`: at most an eighth more, and 16 behind the end for the last vector. */
function classOf(bytes: number): number {
  const needed = bytes + 16;
  const step = needed <= 1024 ? 64 : 2 ** (Math.floor(Math.log2(needed)) - 3);
  return Math.ceil(needed / step) * step;
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly #maximumPages: number;
  readonly #free = new Map<number, number[]>();
  readonly #live = new Map<number, number>();
  #next: number;
  #end: number;
  #bytes = 0;
  #buffer: ArrayBufferLike;
  #f32: Float32Array;
  #i32: Int32Array;

  constructor(memory: WebAssembly.Memory, base: number, maximumPages = 65536) {
    this.memory = memory;
    this.#maximumPages = maximumPages;
    this.#next = Math.ceil(base / 64) * 64;
    this.#end = memory.buffer.byteLength;
    this.#buffer = memory.buffer;
    this.#f32 = new Float32Array(memory.buffer);
    this.#i32 = new Int32Array(memory.buffer);
  }

  /** What the memory's is, which nobody else lets grow: asking the memory for it takes as long as copying a small batch. */
  get buffer(): ArrayBufferLike {
    return this.#buffer;
  }

  /** All of memory as float32, valid until the next allocation. */
  get f32(): Float32Array {
    return this.#f32;
  }

  get i32(): Int32Array {
    return this.#i32;
  }

  get blocks(): number {
    return this.#live.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Pages of the memory, for who watches growth. */
  get pages(): number {
    return this.memory.buffer.byteLength / page;
  }

  /** @throws ErmineError ERMINE_MEMORY with the largest blocks, where all that WebAssembly gives (4 GB at most) is not enough */
  allocate(bytes: number): number {
    const size = classOf(bytes);
    const address = this.#free.get(size)?.pop() ?? this.#extend(size);
    this.#live.set(address, size);
    this.#bytes += size;
    return address;
  }

  release(address: number): void {
    const size = this.#live.get(address);
    if (size === undefined) return;
    this.#live.delete(address);
    this.#bytes -= size;
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [address]);
    else list.push(address);
  }

  #extend(size: number): number {
    const address = this.#next;
    const next = address + size + (size >= large ? stagger : 0);
    const needed = next + ahead;
    if (needed > this.#end) {
      // By an eighth at least, so that growing stays rare.
      const pages = Math.max(Math.ceil((needed - this.#end) / page), Math.ceil(this.#end / page / 8));
      const room = this.#maximumPages - this.#end / page;
      try {
        this.memory.grow(Math.min(pages, room));
      } catch (cause) {
        throw this.#full(size, cause);
      }
      this.#buffer = this.memory.buffer;
      this.#f32 = new Float32Array(this.#buffer);
      this.#i32 = new Int32Array(this.#buffer);
      this.#end = this.#buffer.byteLength;
      if (needed > this.#end) throw this.#full(size, undefined);
    }
    this.#next = next;
    return address;
  }

  #full(size: number, cause: unknown): ErmineError {
    const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
    const largest = [...this.#live.values()].sort((a, b) => b - a).slice(0, 3);
    return new ErmineError(
      "ERMINE_MEMORY",
      `The cpu backend is out of memory: ${megabytes(size)} more do not fit beside ${megabytes(this.#bytes)} in ${this.#live.size} blocks ` +
        `(the largest: ${largest.map(megabytes).join(", ")}); it ends at ${megabytes(this.#maximumPages * page)} here. Take smaller batches, or free tensors with scope().`,
      { cause },
    );
  }
}
