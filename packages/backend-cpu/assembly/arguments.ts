// How the arguments of an instruction are read. What a place is stands in src/emitter.ts.

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
