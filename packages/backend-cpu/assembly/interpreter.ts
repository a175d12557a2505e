// What the interpreter (generated/interpreter.ts) reads instructions with, and the two instructions that change where it goes on. What a place is, and
// what a fork is, stands in src/emitter.ts.
import { run } from "./generated/interpreter";
import { others, shareOut, work as workFor } from "./pool";

/** Scratch of this thread, and scratch that all threads see. Globals are an instance's own, and each thread has an instance. */
export let own: usize = 0;
export let common: usize = 0;

/** Says where scratch is. */
export function useScratch(ofThread: usize, ofAll: usize): void {
  own = ofThread;
  common = ofAll;
}

// @ts-ignore: decorator
@inline
export function at(pc: usize, i: i32): i32 {
  return load<i32>(pc + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function real(pc: usize, i: i32): f32 {
  return load<f32>(pc + (<usize>i << 2));
}

/** An address: one tagged 1 counts from this thread's scratch, one tagged 2 from the scratch of all. */
// @ts-ignore: decorator
@inline
export function place(pc: usize, i: i32): usize {
  const address = load<u32>(pc + (<usize>i << 2));
  const tag = address & 3;
  return tag == 0 ? address : address - tag + (tag == 1 ? own : common);
}

/**
 * How many of the next words are left out: `skipped` where the bool at `condition` (0: there is none) is false or an index was outside of its axis, for
 * they are what a refused step leaves out.
 */
// @ts-ignore: decorator
@inline
export function skipUnless(condition: usize, skipped: i32, fault: usize): i32 {
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

export function fork(pc: usize): void {
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
