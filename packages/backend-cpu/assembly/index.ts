// The interpreter: a program is a list of instructions [opcode | length << 8, arguments…]; one call runs it whole. What a place is, and
// what a fork is, stands in src/emitter.ts.
import { activation, activationGradient } from "./activation";
import { attention, attentionGradient } from "./attention";
import * as B from "./binary";
import { chain } from "./chain";
import { convolve } from "./convolve";
import { convolveWeightGradient } from "./convolveGradient";
import { gemm, gemmTile, packB } from "./gemm";
import * as L from "./layout";
import * as P from "./pooling";
import * as R from "./reduce";
import { rowsTimes } from "./rows";
import { unary } from "./unary";
import { fold, unfold } from "./window";
import * as F from "./fused";
import * as U from "./update";
import { winograd, winogradWeights } from "./winograd";
import { winogradWeightFinish, winogradWeightGradient } from "./winogradGradient";
import { others, shareOut, work as workFor } from "./pool";

/** Scratch of this thread, and scratch that all threads see. Globals are an instance's own, and each thread has an instance. */
let own: usize = 0;
let common: usize = 0;

/** Says where scratch is. */
export function useScratch(ofThread: usize, ofAll: usize): void {
  own = ofThread;
  common = ofAll;
}

export { useWide } from "./vectors";

/** Where free memory begins. */
export function heapBase(): usize {
  return __heap_base;
}

// @ts-ignore: decorator
@inline
function at(pc: usize, i: i32): i32 {
  return load<i32>(pc + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function real(pc: usize, i: i32): f32 {
  return load<f32>(pc + (<usize>i << 2));
}

/** An address: one tagged 1 counts from this thread's scratch, one tagged 2 from the scratch of all. */
// @ts-ignore: decorator
@inline
function place(pc: usize, i: i32): usize {
  const address = load<u32>(pc + (<usize>i << 2));
  const tag = address & 3;
  return tag == 0 ? address : address - tag + (tag == 1 ? own : common);
}

/** Where threads meet, 0 where this one is alone; may it sleep; and is it in a fork already? */
let control: usize = 0;
let mayWait = false;
let forked = false;

/** From now on forks are shared out with the workers that meet there. */
export function meetAt(block: usize, mayBlock: bool): void {
  control = block;
  mayWait = mayBlock;
}

/** A worker thread's life. */
export function work(block: usize, thread: i32): void {
  if (ASC_FEATURE_THREADS) {
    forked = true;
    workFor(block, thread);
  }
}

/** A part of a fork: [head, parts, the end of each part in words from the head…, the parts…]. */
export function runPart(pc: usize, i: i32): void {
  const from = i == 0 ? 2 + at(pc, 1) : at(pc, 1 + i);
  run(pc + (<usize>from << 2), at(pc, 2 + i) - from);
}

function fork(pc: usize): void {
  const parts = at(pc, 1);
  if (ASC_FEATURE_THREADS) {
    if (!forked && others(control)) {
      forked = true;
      shareOut(control, pc, parts, common, mayWait);
      forked = false;
      return;
    }
  }
  for (let i = 0; i < parts; i++) runPart(pc, i);
}

export function run(program: usize, words: i32): void {
  let pc = program;
  const end = program + (<usize>words << 2);
  while (pc < end) {
    const head = load<u32>(pc);
    const next = pc + (<usize>(head >> 8) << 2);
    switch (head & 0xff) {
      case 0: L.fill(place(pc, 1), at(pc, 2), at(pc, 3)); break;
      case 1: L.copy(place(pc, 1), place(pc, 2), at(pc, 3), pc + 16); break;
      case 2: memory.copy(place(pc, 1), place(pc, 2), <usize>at(pc, 3) << 2); break;
      case 3: unary(at(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4)); break;
      case 4: B.binary(at(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), pc + 24); break;
      case 5: B.where(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), pc + 24); break;
      case 6: R.reduce(at(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 7: R.argMax(place(pc, 1), place(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 8: R.cumsum(place(pc, 1), place(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 9: R.sort(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), place(pc, 9)); break;
      case 10: L.iota(place(pc, 1), at(pc, 2)); break;
      case 11: L.indexSelect(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 12: L.indexAdd(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 13: L.gather(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 14: L.scatterAdd(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 15: L.randomUniform(place(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), place(pc, 5)); break;
      case 16: {
        // c a b bias, m n k, steps ×4, accumulate, scratch, batch, batch steps ×3
        let c = place(pc, 1);
        let a = place(pc, 2);
        let b = place(pc, 3);
        for (let i = 0; i < at(pc, 14); i++) {
          gemm(c, a, b, place(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), at(pc, 10), at(pc, 11), at(pc, 12) != 0, place(pc, 13));
          c += at(pc, 15);
          a += at(pc, 16);
          b += at(pc, 17);
        }
        break;
      }
      case 17: unfold(place(pc, 1), place(pc, 2), at(pc, 3), pc + 20, real(pc, 4)); break;
      case 18: fold(place(pc, 1), place(pc, 2), at(pc, 3), pc + 20); break;
      // Go on after `words` more where the bool (0: there is none) is false, or an index was outside of its axis: what a refused step leaves out.
      case 19: if ((at(pc, 1) != 0 && load<i32>(place(pc, 1)) == 0) || load<i32>(place(pc, 3)) != 0) { pc = next + (<usize>at(pc, 2) << 2); continue; } break;
      case 20: F.softmax(place(pc, 1), place(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), place(pc, 7)); break;
      case 21: F.softmaxGradient(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), place(pc, 8)); break;
      case 22: F.crossEntropy(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), at(pc, 6), at(pc, 7), place(pc, 8), at(pc, 9), real(pc, 10)); break;
      case 23: F.crossEntropyGradient(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), at(pc, 6), at(pc, 7), place(pc, 8), at(pc, 9), real(pc, 10)); break;
      case 24: activationGradient(at(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), real(pc, 6), real(pc, 7)); break;
      case 25: activation(at(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), real(pc, 5), real(pc, 6)); break;
      case 26: U.adam(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), place(pc, 6), place(pc, 7), place(pc, 8), at(pc, 9), real(pc, 10), real(pc, 11), real(pc, 12), at(pc, 13)); break;
      case 27: U.sgd(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), place(pc, 6), at(pc, 7), real(pc, 8), at(pc, 9)); break;
      case 28: P.maxPool(place(pc, 1), place(pc, 2), at(pc, 3), pc + 16); break;
      case 29: P.maxPoolGradient(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), pc + 24); break;
      case 30: F.allFinite(place(pc, 1), place(pc, 2), at(pc, 3)); break;
      case 31: F.bceWithLogits(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4)); break;
      case 32: F.bceWithLogitsGradient(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 33: fork(pc); break;
      case 34: convolve(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), pc + 24); break;
      case 35: convolveWeightGradient(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), pc + 24); break;
      case 36: packB(place(pc, 1), place(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 37: gemmTile(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), at(pc, 10), at(pc, 11) != 0, place(pc, 12)); break;
      case 38: P.avgPool(place(pc, 1), place(pc, 2), at(pc, 3), pc + 20, at(pc, 4) != 0); break;
      case 39: P.avgPoolGradient(place(pc, 1), place(pc, 2), at(pc, 3), pc + 20, at(pc, 4) != 0); break;
      case 40: chain(pc + 4, next, own, common); break;
      case 41: R.sumColumns(place(pc, 1), place(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5)); break;
      case 42: rowsTimes(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), at(pc, 10), at(pc, 11), at(pc, 12) != 0); break;
      case 43: L.sumRows(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), place(pc, 8)); break;
      case 44: L.setRows(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7)); break;
      case 45: L.checkIndices(place(pc, 1), at(pc, 2), at(pc, 3), place(pc, 4), at(pc, 5)); break;
      case 50: attention(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), place(pc, 6), pc + 28); break;
      case 51: attentionGradient(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), place(pc, 6), place(pc, 7), place(pc, 8), place(pc, 9), pc + 40); break;
      case 52: winogradWeights(place(pc, 1), place(pc, 2), place(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 53: winograd(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), place(pc, 6), pc + 28); break;
      case 54: winogradWeightGradient(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), pc + 20); break;
      case 55: winogradWeightFinish(place(pc, 1), place(pc, 2), place(pc, 3), place(pc, 4), place(pc, 5), place(pc, 6), pc + 28); break;
      default: unreachable();
    }
    pc = next;
  }
}
