import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { Heap } from "../src/heap.js";

const megabyte = 2 ** 20;
/** A heap of at most `megabytes`, from its first page on. */
const heapOf = (megabytes: number): Heap =>
  new Heap(new WebAssembly.Memory({ initial: 1, maximum: megabytes * 16 }), 1024, megabytes * 16);

describe("the heap", () => {
  it("gives blocks that never overlap, of any sizes in any order", () => {
    const command = fc.record({ bytes: fc.oneof(fc.nat(2000), fc.nat(200_000)), release: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const heap = heapOf(64);
        const live = new Map<number, number>();
        for (const { bytes, release } of commands) {
          const address = heap.allocate(bytes);
          expect(address % 64).toBe(0);
          for (const [other, size] of live) expect(address >= other + size || other >= address + bytes).toBe(true);
          expect(address + bytes + 16).toBeLessThanOrEqual(heap.buffer.byteLength);
          live.set(address, bytes);
          const old = [...live.keys()][release];
          if (old === undefined) continue;
          heap.release(old);
          live.delete(old);
        }
        expect(heap.blocks).toBe(live.size);
        for (const address of live.keys()) heap.release(address);
        expect(heap.bytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("is as empty as at first after everything was released: one block as large as all of them fits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 * megabyte }), { minLength: 8, maxLength: 40 }),
        fc.nat(),
        (sizes, seed) => {
          const heap = heapOf(256);
          const addresses = sizes.map((bytes) => heap.allocate(bytes));
          const { pages } = heap;
          // In another order than they came.
          addresses
            .sort((a, b) => ((a * 7919 + seed) % 997) - ((b * 7919 + seed) % 997))
            .forEach((address) => heap.release(address));
          const largest = sizes.reduce((sum, bytes) => sum + bytes, 0) * 0.8;
          heap.release(heap.allocate(largest));
          expect(heap.pages).toBe(pages);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("holds one model after the other, each of another size", () => {
    const heap = heapOf(256);
    for (let model = 0; model < 60; model++) {
      // 16 to 63 MB in four layers, and what is made for a step.
      const layers = Array.from({ length: 4 }, (_, i) => heap.allocate(((4 + ((model * 7) % 12)) * megabyte * (i + 3)) / 4));
      const arena = heap.allocate((9 + ((model * 5) % 11)) * megabyte);
      for (const address of [...layers, arena]) heap.release(address);
    }
    expect(heap.bytes).toBe(0);
  });

  it("holds a loop over growing sizes, whose blocks live one at a time", () => {
    const heap = heapOf(64);
    for (let kilobytes = 1; kilobytes < 20_000; kilobytes += 13) heap.release(heap.allocate(kilobytes * 1024));
    expect(heap.pages).toBeLessThanOrEqual(64 * 16);
  });

  it("gives the block that was released last to the next of its size, without looking further", () => {
    const heap = heapOf(4);
    const [first, second] = [heap.allocate(100), heap.allocate(100)];
    heap.release(first);
    heap.release(second);
    expect([heap.allocate(90), heap.allocate(90)]).toEqual([second, first]);
  });

  it("asks for what can be made again before it is full, and then says what is large", () => {
    const heap = heapOf(4);
    const spare = heap.allocate(2 * megabyte);
    let asked = 0;
    const stop = heap.onFull(() => {
      asked++;
      heap.release(spare);
    });
    heap.release(heap.allocate(3 * megabyte));
    expect(asked).toBe(1);
    stop();
    expect(() => heap.allocate(5 * megabyte)).toThrow(ErmineError);
    expect(() => heap.allocate(5 * megabyte)).toThrow(/out of memory: 5\.\d MB more do not fit/);
    expect(asked).toBe(1);
    // A refusal changes nothing.
    heap.release(heap.allocate(3 * megabyte));
  });
});
