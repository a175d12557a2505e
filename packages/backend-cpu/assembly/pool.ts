// A fork's parts shared out among threads. Each thread runs an instance of this module over the same memory; parts are claimed one at a
// time, so a thread that is late, asleep or not there costs nothing but its help, and the thread that forks takes parts like the others.
// Threads meet on the control block, which src/threads/control.ts describes. Here parts are handed out; the interpreter runs them.

/** Has a worker been ended from outside? Asked of the forking thread's host after a sleep in which nothing was finished. */
// @ts-ignore: decorator
@external("env", "lost")
declare function lost(): bool;

/** Low half: the fork's parts that nobody has claimed; high half: the number of forks so far, on which sleepers wait. */
const CLAIM = 0;
/** Parts that are not finished. */
const PENDING = 64;
/** Where the fork is, its parts, the scratch of all. */
const FORK = 128;
const PARTS = 132;
const SHARED = 136;
const READY = 192;
const SLEEPING = 256;
/** Is the forking thread asleep? */
const WAITING = 260;
const STOP = 320;
const FAILED = 324;
/** The scratch of each thread. */
const SCRATCH = 384;

/** Looks at the control block before a thread goes to sleep: what a step does between two forks fits in. */
const patience = 40_000;
/** A minute of sleeps of 50 ms: a part that takes longer has no thread any more. */
const longest = 1200;

let forks: i64 = 0;

/** Claims a part of the fork, which no other thread gets then. −1: none is left. */
export function claim(control: usize): i32 {
  let word = atomic.load<i64>(control, CLAIM);
  while (<i32>word != 0) {
    const found = atomic.cmpxchg<i64>(control, word, word - 1, CLAIM);
    if (found == word) return load<i32>(control, PARTS) - <i32>word;
    word = found;
  }
  return -1;
}

/** A part that was claimed is done. */
export function finish(control: usize): void {
  if (atomic.sub<i32>(control, 1, PENDING) == 1 && atomic.load<i32>(control, WAITING) != 0) atomic.notify(control + PENDING, 1);
}

/** Where the fork is whose part was claimed. */
// @ts-ignore: decorator
@inline
export function forkOf(control: usize): usize {
  return load<u32>(control, FORK);
}

/** The scratch of all threads in that fork. */
// @ts-ignore: decorator
@inline
export function sharedOf(control: usize): usize {
  return load<u32>(control, SHARED);
}

/** A thread's scratch. */
// @ts-ignore: decorator
@inline
export function scratchOf(control: usize, thread: i32): usize {
  return load<u32>(control + (<usize>thread << 2), SCRATCH);
}

/** Lets all threads claim parts of the fork at `pc`, and wakes those that sleep. */
export function publish(control: usize, pc: usize, parts: i32, shared: usize): void {
  store<u32>(control, <u32>pc, FORK);
  store<i32>(control, parts, PARTS);
  store<u32>(control, <u32>shared, SHARED);
  atomic.store<i32>(control, parts, PENDING);
  forks++;
  atomic.store<i64>(control, (forks << 32) | <i64>parts, CLAIM);
  if (atomic.load<i32>(control, SLEEPING) != 0) atomic.notify(control + CLAIM + 4, parts - 1);
}

/** Comes back when every part that was claimed is finished. */
export function awaitOthers(control: usize, mayWait: bool): void {
  let looks = 0;
  let sleeps = 0;
  while (true) {
    const left = atomic.load<i32>(control, PENDING);
    if (left == 0) return;
    if (atomic.load<i32>(control, FAILED) != 0) unreachable();
    if (looks < patience || !mayWait) {
      looks++;
      continue;
    }
    if (++sleeps > longest) {
      atomic.store<i32>(control, 2, FAILED);
      unreachable();
    }
    atomic.store<i32>(control, 1, WAITING);
    const now = atomic.load<i32>(control, PENDING);
    const timedOut = now != 0 && atomic.wait<i32>(control + PENDING, now, 50_000_000) == 2;
    atomic.store<i32>(control, 0, WAITING);
    // Nobody finishes the parts that the lost worker had claimed. (`now` is read no more: Node 20's V8 loses it over the wait, before it optimizes.)
    if (timedOut && lost() && atomic.load<i32>(control, PENDING) != 0) {
      atomic.store<i32>(control, 3, FAILED);
      unreachable();
    }
  }
}

/** Are there others? */
// @ts-ignore: decorator
@inline
export function others(control: usize): bool {
  return control != 0 && atomic.load<i32>(control, READY) != 0;
}

/** A worker says that it is there. */
export function ready(control: usize): void {
  atomic.add<i32>(control, 1, READY);
}

/**
 * A worker has found no part: it is to look again, after a sleep where it has looked long.
 *
 * @param looks how often it has looked since its last part
 * @returns the same with this look; −1: it is told to end
 */
export function lookAgain(control: usize, looks: i32): i32 {
  if (atomic.load<i32>(control, STOP) != 0) return -1;
  if (++looks < patience) return looks;
  atomic.add<i32>(control, 1, SLEEPING);
  const seen = atomic.load<i32>(control, CLAIM + 4);
  if (atomic.load<i32>(control, CLAIM) == 0 && atomic.load<i32>(control, STOP) == 0) atomic.wait<i32>(control + CLAIM + 4, seen, -1);
  atomic.sub<i32>(control, 1, SLEEPING);
  return 0;
}
