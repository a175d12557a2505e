/** Programs in the making: instructions as words, written to WebAssembly memory when they are whole. */

/** What each opcode of assembly/index.ts is called here. */
export const opcode = {
  fill: 0,
  copy: 1,
  move: 2,
  unary: 3,
  binary: 4,
  where: 5,
  reduce: 6,
  argMax: 7,
  cumsum: 8,
  sort: 9,
  iota: 10,
  indexSelect: 11,
  indexAdd: 12,
  gather: 13,
  scatterAdd: 14,
  randomUniform: 15,
  gemm: 16,
  unfold: 17,
  fold: 18,
  skipUnless: 19,
  softmax: 20,
  softmaxGradient: 21,
  crossEntropy: 22,
  crossEntropyGradient: 23,
  activationGradient: 24,
  leakyRelu: 25,
  adam: 26,
  sgd: 27,
  maxPool: 28,
  maxPoolGradient: 29,
  allFinite: 30,
  bceWithLogits: 31,
  bceWithLogitsGradient: 32,
} as const;

const f32 = new Float32Array(1);
const bits = new Int32Array(f32.buffer);

/** A float32 as the word that holds it. */
export function float(value: number): number {
  f32[0] = value;
  return bits[0]!;
}

export class Emitter {
  readonly words: number[] = [];
  /** Words of scratch that the instructions so far need at once. */
  scratchWords = 0;
  readonly #scratch: number;

  /** @param scratch where scratch is; on a first pass, which only measures, 0 */
  constructor(scratch: number) {
    this.#scratch = scratch;
  }

  emit(op: keyof typeof opcode, ...args: readonly number[]): void {
    this.words.push(opcode[op] | ((args.length + 1) << 8), ...args);
  }

  /** An instruction's own scratch, `offset` words behind what the same op has already. */
  scratch(words: number, offset = 0): number {
    this.scratchWords = Math.max(this.scratchWords, offset + words + 8);
    return this.#scratch + offset * 4;
  }
}
