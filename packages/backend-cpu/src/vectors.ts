/**
 * Vectors of 256 bits: kernels that have a form for them, whose every two vectors lie so that V8 can join them (assembly/vectors.ts). What V8
 * made of them is checked before it is used.
 */
import { Emitter } from "./emitter.js";
import { productScratch } from "./lower/gemm.js";

const [m, n, k] = [48, 64, 256];

/** An engine, as far as the check goes. */
interface Checked {
  readonly memory: WebAssembly.Memory;
  readonly exports: {
    run(program: number, words: number): void;
    heapBase(): number;
    useWide(on: boolean): void;
  };
}

/**
 * Does a product have the same bits in wide vectors as in narrow ones? Where it has, the engine is left to use the wide ones, else the narrow.
 * Memory from the heap's base on is written, and cleared again.
 */
export function agreeWide({ exports, memory }: Checked): boolean {
  const base = Math.ceil(exports.heapBase() / 64) * 64;
  const [a, panels, c, scratch] = [0, m * k, (m + n) * k, (m + n) * k + m * n].map((words) => base + 4 * words) as [
    number,
    number,
    number,
    number,
  ];
  const program = scratch + 4 * productScratch(0, k);
  const emitter = new Emitter(0);
  emitter.emit("gemmTile", c, a, panels, 0, m, n, k, 4 * n, 4 * k, 4, 0, scratch);
  const { words } = emitter;
  const values = new Float32Array(memory.buffer, base, (m + n) * k);
  for (let i = 0; i < values.length; i++) values[i] = Math.sin(i + 1);
  new Int32Array(memory.buffer, program, words.length).set(words);
  const result = new Int32Array(memory.buffer, c, m * n);
  const bitsOf = (wide: boolean): Int32Array => {
    result.fill(0);
    exports.useWide(wide);
    exports.run(program, words.length);
    return result.slice();
  };
  const [narrow, wide] = [bitsOf(false), bitsOf(true)];
  const agree = narrow.every((bits, i) => bits === wide[i]);
  new Uint8Array(memory.buffer, base, program + 4 * words.length - base).fill(0);
  exports.useWide(agree);
  return agree;
}
