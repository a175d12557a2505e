import { describe, expect, it } from "vitest";
import { Emitter } from "../src/emitter.js";
import { loadEngine } from "../src/engine.js";
import { Heap } from "../src/heap.js";

async function machine() {
  const engine = await loadEngine({ numerics: "portable", threads: 1 });
  const heap = new Heap(engine.memory, engine.exports.heapBase());
  const block = (words: number): number => heap.allocate(words * 4);
  return {
    heap,
    block,
    run(emitter: Emitter): void {
      const { words, scratchWords, sharedWords } = emitter;
      engine.exports.useScratch(block(scratchWords), block(sharedWords));
      const program = block(words.length);
      heap.i32.set(words, program >>> 2);
      engine.exports.run(program, words.length);
    },
  };
}

describe("a program", () => {
  it("forks: each part in scratch of its own, what one fork shares read by the next, then goes on behind it", async () => {
    const { heap, block, run } = await machine();
    const [to, from] = [block(64), block(64)];
    for (let i = 0; i < 64; i++) heap.f32[(from >>> 2) + i] = i;
    const e = new Emitter(0);
    const shared = e.shared(64, 16);
    e.fork(4, (part) => {
      const scratch = e.scratch(16, 8);
      e.emit("unary", 0, scratch, from + part * 64, 16);
      e.emit("unary", 0, shared + part * 64, scratch, 16);
      e.emit("binary", 2, shared + part * 64, shared + part * 64, from + part * 64, 1, 16, 1, 1);
    });
    e.fork(2, (part) => {
      e.fork(2, (half) => e.emit("unary", 0, to + (part * 2 + half) * 64, shared + (part * 2 + half) * 64, 16));
    });
    e.emit("binary", 0, to, to, from, 1, 64, 1, 1);
    run(e);
    const numbers = [...heap.f32.subarray(to >>> 2, (to >>> 2) + 64)];
    expect(numbers).toEqual(Array.from({ length: 64 }, (_, i) => i - i * i));
  });

  it("has no fork for one part, and nothing for none", () => {
    const e = new Emitter(0);
    e.fork(0, () => e.emit("iota", 64, 1));
    e.fork(1, () => e.emit("iota", 64, 1));
    expect(e.words).toHaveLength(3);
  });
});
