/**
 * The backend's memory: blocks of a growing WebAssembly.Memory. A released block is kept for the next one of its size class, which is what a
 * loop asks for; before memory grows, all that was kept is joined with its neighbours and split as needed, so that no sequence of sizes uses
 * more than it holds at a time (and gaps too small for anything). Addresses stay; views do not, so none is handed out.
 */
import { ErmineError } from "@ermine/core";
import { FreeRanges } from "./freeRanges.js";

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

/** Bytes that a block of the class occupies, including the gap after a large one. */
const extentOf = (size: number): number => size + (size >= large ? stagger : 0);

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly #maximumPages: number;
  /** Released blocks by their size class, not yet joined. */
  readonly #released = new Map<number, number[]>();
  #releasedBytes = 0;
  readonly #free = new FreeRanges();
  readonly #live = new Map<number, number>();
  /** Give back what can be made again; asked where memory is full. */
  readonly #reclaimers = new Set<() => void>();
  #next: number;
  #end: number;
  #bytes = 0;
  /** Why the engine gave no more memory. */
  #refused: unknown;
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

  /** The memory's size, which nobody else changes: asking the memory for it takes as long as copying a small batch. */
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

  /**
   * @throws ErmineError ERMINE_MEMORY with the largest blocks, where all that WebAssembly gives (4 GB at most) is not enough, also without what
   *   could be made again
   */
  allocate(bytes: number): number {
    const size = classOf(bytes);
    const address = this.#reuse(size) ?? this.#extend(size) ?? this.#reclaim(size);
    this.#live.set(address, size);
    this.#bytes += size;
    return address;
  }

  release(address: number): void {
    const size = this.#live.get(address);
    if (size === undefined) return;
    this.#live.delete(address);
    this.#bytes -= size;
    this.#releasedBytes += extentOf(size);
    const list = this.#released.get(size);
    if (list === undefined) this.#released.set(size, [address]);
    else list.push(address);
  }

  /** `reclaim` is called where memory is full, and may release blocks that can be made again. Gives what takes it back. */
  onFull(reclaim: () => void): () => void {
    this.#reclaimers.add(reclaim);
    return () => void this.#reclaimers.delete(reclaim);
  }

  #reuse(size: number): number | undefined {
    const recycled = this.#released.get(size)?.pop();
    if (recycled !== undefined) {
      this.#releasedBytes -= extentOf(size);
      return recycled;
    }
    const extent = extentOf(size);
    const free = this.#free.take(extent);
    if (free !== undefined || this.#releasedBytes < extent) return free;
    this.#join();
    return this.#free.take(extent);
  }

  /** Everything released becomes free ranges, joined with their neighbours. */
  #join(): void {
    this.#free.add(
      [...this.#released].flatMap(([size, addresses]) => addresses.map((address) => [address, extentOf(size)] as const)),
    );
    this.#released.clear();
    this.#releasedBytes = 0;
    this.#next = this.#free.takeLast(this.#next) ?? this.#next;
  }

  /** @throws ErmineError ERMINE_MEMORY where that is not enough either */
  #reclaim(size: number): number {
    for (const reclaim of this.#reclaimers) reclaim();
    this.#join();
    const address = this.#free.take(extentOf(size)) ?? this.#extend(size);
    if (address === undefined) throw this.#full(size);
    return address;
  }

  /** Memory that was never used, grown where needed; undefined where the engine gives no more. */
  #extend(size: number): number | undefined {
    const address = this.#next;
    const next = address + extentOf(size);
    const needed = next + ahead;
    if (needed > this.#end && !this.#grow(needed)) return undefined;
    this.#next = next;
    return address;
  }

  /** By an eighth at least, so that growing stays rare; where that is refused, by what is needed. */
  #grow(needed: number): boolean {
    const least = Math.ceil((needed - this.#end) / page);
    const room = this.#maximumPages - this.#end / page;
    if (least > room) return false;
    const pages = Math.min(room, Math.max(least, Math.ceil(this.#end / page / 8)));
    if (!this.#growBy(pages) && (pages === least || !this.#growBy(least))) return false;
    this.#buffer = this.memory.buffer;
    this.#f32 = new Float32Array(this.#buffer);
    this.#i32 = new Int32Array(this.#buffer);
    this.#end = this.#buffer.byteLength;
    return true;
  }

  #growBy(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch (cause) {
      this.#refused = cause;
      return false;
    }
  }

  #full(size: number): ErmineError {
    const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
    const largest = [...this.#live.values()].sort((a, b) => b - a).slice(0, 3);
    return new ErmineError(
      "ERMINE_MEMORY",
      `The cpu backend is out of memory: ${megabytes(size)} more do not fit beside ${megabytes(this.#bytes)} in ${this.#live.size} blocks ` +
        `(the largest: ${largest.map(megabytes).join(", ")}); it ends at ${megabytes(this.#maximumPages * page)} here. Take smaller batches, or free tensors with scope().`,
      { cause: this.#refused },
    );
  }
}
