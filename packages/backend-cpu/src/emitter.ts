/**
 * Programs in the making: instructions as words, written to WebAssembly memory when they are whole.
 *
 * A program is a list of instructions, each [opcode | length << 8, arguments…]. Where an argument is a place, its two lowest bits
 * say what it counts from: 0 memory (an address), 1 the scratch of the thread that runs it, 2 the scratch that all threads share. Adding
 * multiples of four keeps the tag. Scratch has no contents from before: a thread's own is its until the next fork or the part's
 * end; the shared one is for what one fork writes and the next reads.
 *
 * A loop is [head, times, changes, [place, by]…, the step…]: one step's instructions, and by how much which of their words change from step to step, because
 * what they read and write lies further on.
 *
 * A conditional is skipIfFalse, the words where the condition is true, a skip over the others, and the words where it is false.
 *
 * A fork is [head, parts, the end of each part in words from the head…, the parts…]. Its parts run in any order, on any
 * thread: each writes places that no other reads or writes, and does its sums in an order of its own. Lowerings choose parts from shapes
 * alone, never from the number of threads, so that every number of threads gives the same bits. Inside of a part there are no more forks.
 */

import { opcode, type InstructionArguments } from "./generated/instructions.js";

const f32 = new Float32Array(1);
const bits = new Int32Array(f32.buffer);

/** A float32 as the word that holds it. */
export function float(value: number): number {
  f32[0] = value;
  return bits[0]!;
}

/** Identifies a lookup in the error for an index outside of its axis: the op, its layer and the axis's length. */
export interface IndexSite {
  /** The name of the op. */
  readonly op: string;
  /** The path of the layer ("encoder.0"); "": none. */
  readonly path: string;
  /** The length of the axis: indices are in 0 … size − 1. */
  readonly size: number;
}

/** A program in the making: lowerings append instructions to it. */
export class Emitter {
  /** The instructions so far. */
  readonly words: number[] = [];
  /** Where the fault word is: [site, index] of the first index that is outside of its axis; site 0: there is none. */
  readonly fault: number;
  /** Those of the checks that were emitted; the word counts them from 1. */
  readonly sites: IndexSite[] = [];
  /** Words of scratch that each thread needs. */
  scratchWords = 0;
  /** Words of scratch that all threads share. */
  sharedWords = 0;
  /** Is there a fork in it? */
  forks = false;
  #inPart = false;

  constructor(fault: number) {
    this.fault = fault;
  }

  /** Is what is emitted now inside of a part? Then the shared scratch is only read. */
  get inPart(): boolean {
    return this.#inPart;
  }

  /** Appends an instruction, whose arguments are those of its row in instructions/table.mjs. */
  emit<K extends Exclude<keyof InstructionArguments, "fork" | "loop">>(op: K, ...args: InstructionArguments[K]): void {
    this.words.push(opcode[op] | ((args.length + 1) << 8), ...args);
  }

  /** Notes an index that is not in 0 … size − 1 in the fault word. */
  check(indices: number, count: number, site: IndexSite): void {
    this.sites.push(site);
    this.emit("checkIndices", indices, count, site.size, this.fault, this.sites.length);
  }

  /** `count` independent parts, the i-th emitted by `part(i)`. One part alone is no fork, and inside of a part all are one. */
  fork(count: number, part: (index: number) => void): void {
    if (count <= 1 || this.#inPart) {
      for (let i = 0; i < count; i++) part(i);
      return;
    }
    this.forks = true;
    this.#inPart = true;
    const { words } = this;
    const head = words.length;
    words.push(0, count);
    for (let i = 0; i < count; i++) words.push(0);
    for (let i = 0; i < count; i++) {
      part(i);
      words[head + 2 + i] = words.length - head;
    }
    words[head] = opcode.fork | ((words.length - head) << 8);
    this.#inPart = false;
  }

  /** `times` steps, the i-th what `step(emitter, i)` emits. Steps differ in places alone, and each is as far from the one before as the second from the first. */
  loop(times: number, step: (emitter: Emitter, index: number) => void): void {
    if (times === 0) return;
    const first = this.#emitted(step, 0);
    const second = times === 1 ? first : this.#emitted(step, 1);
    const changes = first.words.flatMap((firstWord, i) =>
      firstWord === second.words[i] ? [] : [i, (second.words[i]! - firstWord) | 0],
    );
    const { words } = this;
    const head = words.length;
    words.push(0, times, changes.length / 2);
    for (const change of changes) words.push(change);
    for (const firstWord of first.words) words.push(firstWord);
    words[head] = opcode.loop | ((words.length - head) << 8);
    this.sites.push(...first.sites.slice(this.sites.length));
    this.scratchWords = Math.max(this.scratchWords, first.scratchWords);
    this.sharedWords = Math.max(this.sharedWords, first.sharedWords);
    this.forks ||= first.forks;
  }

  /** The words of one of two, whichever the bool at `condition` says. */
  choose(condition: number, whenTrue: () => void, whenFalse: () => void): void {
    const { words } = this;
    this.emit("skipIfFalse", condition, 0);
    const first = words.length;
    whenTrue();
    this.emit("skip", 0);
    const second = words.length;
    words[first - 1] = second - first;
    whenFalse();
    words[second - 1] = words.length - second;
  }

  /** The instructions of a step, its checks counted from here on. */
  #emitted(step: (emitter: Emitter, index: number) => void, index: number): Emitter {
    const emitter = new Emitter(this.fault);
    emitter.sites.push(...this.sites);
    emitter.#inPart = this.#inPart;
    step(emitter, index);
    return emitter;
  }

  /** The thread's scratch, `offset` words behind what the same op has already. */
  scratch(words: number, offset = 0): number {
    this.scratchWords = Math.max(this.scratchWords, offset + words + 8);
    return (offset * 4) | 1;
  }

  /** The scratch that all threads see, `offset` words behind what the same op has already. */
  shared(words: number, offset = 0): number {
    this.sharedWords = Math.max(this.sharedWords, offset + words + 8);
    return (offset * 4) | 2;
  }
}
