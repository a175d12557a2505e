// Several pointwise steps over the same elements, a block at a time: what is between them stays in the first-level cache.
import { whereRow } from "./binaryLoops";
import { ACTIVATION, BINARY, COMBINE, GRADIENT, MOVE, SPREAD, UNARY, WHERE } from "./generated/families";
import { activation, activationGradient, binaryRow, combineRow, unary } from "./generated/switches";
import { fill } from "./layout";

// @ts-ignore: decorator
@inline
function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

/** Copies whole vectors: up to three numbers more than `count`. */
// @ts-ignore: decorator
@inline
function copyRow(dst: usize, src: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  for (; dst + 32 <= end; dst += 32, src += 32) {
    const x = v128.load(src);
    const y = v128.load(src, 16);
    v128.store(dst, x);
    v128.store(dst, y, 16);
  }
  for (; dst < end; dst += 16, src += 16) v128.store(dst, v128.load(src));
}

/**
 * `count` numbers of a strided view from its element `first` on, side by side. `dims` are [sizes…, strides…]; numbers along the last axis lie
 * side by side, or are one number.
 */
function spread(dst: usize, src: usize, first: i32, count: i32, rank: i32, dims: usize): void {
  const inner = word(dims, rank - 1);
  const step = word(dims, 2 * rank - 1);
  if (rank == 2 && step != 0) return spreadRows(dst, src, first, count, inner, <usize>word(dims, 2) << 2);
  let done = 0;
  while (done < count) {
    let rest = first + done;
    const column = rest % inner;
    rest /= inner;
    let from = column * step;
    for (let axis = rank - 2; axis >= 0; axis--) {
      const size = word(dims, axis);
      from += (rest % size) * word(dims, rank + axis);
      rest /= size;
    }
    const run = min(inner - column, count - done);
    const at = dst + (<usize>done << 2);
    const place = src + (<usize>from << 2);
    if (step == 0) fill(at, run, load<i32>(place));
    else copyRow(at, place, run);
    done += run;
  }
}

/** Of rows that are `step` bytes apart. */
function spreadRows(dst: usize, src: usize, first: i32, count: i32, inner: i32, step: usize): void {
  const row = first / inner;
  let column = first - row * inner;
  src += <usize>row * step + (<usize>column << 2);
  while (count > 0) {
    const run = min(inner - column, count);
    copyRow(dst, src, run);
    dst += <usize>run << 2;
    src += step - (<usize>column << 2);
    column = 0;
    count -= run;
  }
}

/** A thread's scratch, for places with tag 1. */
// @ts-ignore: decorator
@inline
function place(at: usize, i: i32, scratch: usize, shared: usize): usize {
  const address = load<u32>(at + (<usize>i << 2));
  const tag = address & 3;
  return tag == 0 ? address : address - tag + (tag == 1 ? scratch : shared);
}

/** Steps from `pc` to `end` over the elements from `first` on. The head of each: family, kind << 4, bit 16 + i: operand i moves on with the
 * elements (the result is operand 0), bit 20 + i: it is one number, words << 24. */
function steps(pc: usize, end: usize, first: i32, count: i32, scratch: usize, shared: usize): void {
  const offset = <usize>first << 2;
  while (pc < end) {
    const head = load<u32>(pc);
    const kind = <i32>((head >> 4) & 0xff);
    const moves = head >> 16;
    const dst = place(pc, 1, scratch, shared) + (moves & 1 ? offset : 0);
    const a = place(pc, 2, scratch, shared) + (moves & 2 ? offset : 0);
    switch (head & 15) {
      case UNARY: unary(kind, dst, a, count); break;
      case ACTIVATION: activation(kind, dst, a, count, load<f32>(pc, 12), load<f32>(pc, 16)); break;
      case GRADIENT: {
        const b = place(pc, 3, scratch, shared) + (moves & 4 ? offset : 0);
        activationGradient(kind, dst, a, b, count, load<f32>(pc, 16), load<f32>(pc, 20));
        break;
      }
      case BINARY: {
        const b = place(pc, 3, scratch, shared) + (moves & 4 ? offset : 0);
        binaryRow(kind, dst, a, b, count, moves & 32 ? 0 : 1, moves & 64 ? 0 : 1);
        break;
      }
      case WHERE: {
        const b = place(pc, 3, scratch, shared) + (moves & 4 ? offset : 0);
        const c = place(pc, 4, scratch, shared) + (moves & 8 ? offset : 0);
        whereRow(dst, a, b, c, count, moves & 32 ? 0 : 1, moves & 64 ? 0 : 1, moves & 128 ? 0 : 1);
        break;
      }
      case MOVE: {
        if (moves & 32) fill(dst, count, load<i32>(a));
        else memory.copy(dst, a, <usize>count << 2);
        break;
      }
      case COMBINE: {
        const b = place(pc, 3, scratch, shared) + (moves & 4 ? offset : 0);
        const c = place(pc, 4, scratch, shared) + (moves & 8 ? offset : 0);
        combineRow(kind, dst, a, b, c, count, moves & 64 ? 0 : 1, moves & 128 ? 0 : 1);
        break;
      }
      case SPREAD: spread(dst, a, first, count, word(pc, 3), pc + 16); break;
      default: unreachable();
    }
    pc += <usize>(head >> 24) << 2;
  }
}

/** The arguments at `pc`: from, to, block, words of the steps that run once before the first block. */
export function chain(pc: usize, end: usize, scratch: usize, shared: usize): void {
  const at = pc + 4;
  const to = word(at, 1);
  const block = word(at, 2);
  const body = at + 16 + (<usize>word(at, 3) << 2);
  let from = word(at, 0);
  steps(at + 16, body, from, min(block, to - from), scratch, shared);
  for (; from < to; from += block) steps(body, end, from, min(block, to - from), scratch, shared);
}
