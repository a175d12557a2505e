// The interpreter: a program is a list of instructions [opcode | length << 8, arguments…]; one call runs it whole.
import * as B from "./binary";
import { gemm, gemmScratch } from "./gemm";
import * as L from "./layout";
import * as R from "./reduce";
import { unary } from "./unary";
import { fold, unfold } from "./window";
import * as F from "./fused";

export { gemmScratch };

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

export function run(program: usize, words: i32): void {
  let pc = program;
  const end = program + (<usize>words << 2);
  while (pc < end) {
    const head = load<u32>(pc);
    const next = pc + (<usize>(head >> 8) << 2);
    switch (head & 0xff) {
      case 0: L.fill(at(pc, 1), at(pc, 2), at(pc, 3)); break;
      case 1: L.copy(at(pc, 1), at(pc, 2), at(pc, 3), pc + 16); break;
      case 2: memory.copy(at(pc, 1), at(pc, 2), <usize>at(pc, 3) << 2); break;
      case 3: unary(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4)); break;
      case 4: B.binary(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), pc + 24); break;
      case 5: B.where(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), pc + 24); break;
      case 6: R.reduce(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 7: R.argMax(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 8: R.cumsum(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 9: R.sort(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9)); break;
      case 10: L.iota(at(pc, 1), at(pc, 2)); break;
      case 11: L.indexSelect(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7)); break;
      case 12: L.indexAdd(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 13: L.gather(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7)); break;
      case 14: L.scatterAdd(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8)); break;
      case 15: L.randomUniform(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5)); break;
      case 16: {
        // c a b bias, m n k, steps ×4, accumulate, scratch, batch, batch steps ×3
        let c: usize = at(pc, 1);
        let a: usize = at(pc, 2);
        let b: usize = at(pc, 3);
        for (let i = 0; i < at(pc, 14); i++) {
          gemm(c, a, b, at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), at(pc, 10), at(pc, 11), at(pc, 12) != 0, at(pc, 13));
          c += at(pc, 15);
          a += at(pc, 16);
          b += at(pc, 17);
        }
        break;
      }
      case 17: unfold(at(pc, 1), at(pc, 2), at(pc, 3), pc + 20, real(pc, 4)); break;
      case 18: fold(at(pc, 1), at(pc, 2), at(pc, 3), pc + 20); break;
      // Go on behind `words` more where the bool is false: what a refused step leaves out.
      case 19: if (load<i32>(at(pc, 1)) == 0) { pc = next + (<usize>at(pc, 2) << 2); continue; } break;
      case 20: F.softmax(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      case 21: F.softmaxGradient(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7)); break;
      case 22: F.crossEntropy(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), real(pc, 10)); break;
      case 23: F.crossEntropyGradient(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), real(pc, 10)); break;
      case 24: F.activationGradient(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), real(pc, 6)); break;
      case 25: F.leakyRelu(at(pc, 1), at(pc, 2), at(pc, 3), real(pc, 4)); break;
      case 26: F.adam(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), at(pc, 8), at(pc, 9), real(pc, 10), real(pc, 11), real(pc, 12), at(pc, 13)); break;
      case 27: F.sgd(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6), at(pc, 7), real(pc, 8), at(pc, 9)); break;
      case 28: F.maxPool(at(pc, 1), at(pc, 2), at(pc, 3), pc + 16); break;
      case 29: F.maxPoolGradient(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), pc + 20); break;
      case 30: F.allFinite(at(pc, 1), at(pc, 2), at(pc, 3)); break;
      case 31: F.bceWithLogits(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4)); break;
      case 32: F.bceWithLogitsGradient(at(pc, 1), at(pc, 2), at(pc, 3), at(pc, 4), at(pc, 5), at(pc, 6)); break;
      default: unreachable();
    }
    pc = next;
  }
}
