// The interpreter: one instruction after the other, and those that change where it goes on. All others are kernels, called by the generated `perform`.
import { at, common, own, place, useScratch } from "./arguments";
import { perform } from "./generated/kernels";
import { FORK, LOOP, SKIP, SKIP_IF_FALSE, SKIP_UNLESS } from "./generated/opcodes";
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
    else if (opcode == LOOP) repeat(pc, next);
    else if (opcode == SKIP_IF_FALSE) next += load<i32>(place(pc, 1)) == 0 ? <usize>at(pc, 2) << 2 : 0;
    else if (opcode == SKIP) next += <usize>at(pc, 1) << 2;
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

/**
 * A loop: [head, times, changes, [place, by]…, the step…]. What a step reads and writes lies further on in the next one: words of the step (`place` counts from
 * its first) change `by` so much from step to step, and have their first values again at the end.
 */
function repeat(pc: usize, next: usize): void {
  const times = at(pc, 1);
  const changes = pc + 12;
  const step = changes + (<usize>at(pc, 2) << 3);
  const words = <i32>((next - step) >> 2);
  for (let i = 0; i < times; i++) {
    run(step, words);
    change(changes, step, 1);
  }
  change(changes, step, -times);
}

function change(changes: usize, step: usize, times: i32): void {
  for (let pair = changes; pair < step; pair += 8) {
    const word = step + (<usize>load<i32>(pair) << 2);
    store<i32>(word, load<i32>(word) + times * load<i32>(pair, 4));
  }
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
