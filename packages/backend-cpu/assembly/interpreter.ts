// The interpreter: one instruction after the other, and those that change where it goes on. All others are kernels, called by the generated `perform`.
import { at, common, own, place, useScratch } from "./arguments";
import { perform } from "./generated/kernels";
import { FORK, SKIP_UNLESS } from "./generated/opcodes";
import { awaitOthers, claim, finish, forkOf, lookAgain, others, publish, ready, scratchOf, sharedOf } from "./pool";

/** Runs the instructions of `words` words at `program`. */
export function run(program: usize, words: i32): void {
  let pc = program;
  const end = program + (<usize>words << 2);
  while (pc < end) {
    const head = load<u32>(pc);
    const opcode = <i32>(head & 0xff);
    let next = pc + (<usize>(head >> 8) << 2);
    if (opcode == FORK) fork(pc);
    else if (opcode == SKIP_UNLESS) next += <usize>skipUnless(place(pc, 1), at(pc, 2), place(pc, 3)) << 2;
    else perform(opcode, pc, next, own, common);
    pc = next;
  }
}

/**
 * How many of the next words are left out: `skipped` where the bool at `condition` (0: there is none) is false or an index was outside of its axis, for
 * they are what a refused step leaves out.
 */
// @ts-ignore: decorator
@inline
function skipUnless(condition: usize, skipped: i32, fault: usize): i32 {
  return (condition != 0 && load<i32>(condition) == 0) || load<i32>(fault) != 0 ? skipped : 0;
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

/** A part of a fork: [head, parts, the end of each part in words from the head…, the parts…]. */
export function runPart(pc: usize, i: i32): void {
  const from = i == 0 ? 2 + at(pc, 1) : at(pc, 1 + i);
  run(pc + (<usize>from << 2), at(pc, 2 + i) - from);
}

/** Claims a part and runs it. false: none is left. */
function take(block: usize, thread: i32): bool {
  const part = claim(block);
  if (part < 0) return false;
  // The fork cannot end before this part does: what is read here is of this fork.
  if (thread != 0) useScratch(scratchOf(block, thread), sharedOf(block));
  runPart(forkOf(block), part);
  finish(block);
  return true;
}

function fork(pc: usize): void {
  const parts = at(pc, 1);
  if (ASC_FEATURE_THREADS) {
    if (!forked && others(control)) {
      forked = true;
      publish(control, pc, parts, common);
      while (take(control, 0)) {}
      awaitOthers(control, mayWait);
      forked = false;
      return;
    }
  }
  for (let i = 0; i < parts; i++) runPart(pc, i);
}

/** A worker's life: parts while there are some, then looking for more, then sleep. Ends when it is told to. */
export function work(block: usize, thread: i32): void {
  if (ASC_FEATURE_THREADS) {
    forked = true;
    ready(block);
    let looks = 0;
    while (true) {
      if (take(block, thread)) looks = 0;
      else if ((looks = lookAgain(block, looks)) < 0) return;
    }
  }
}
