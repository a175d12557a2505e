/** Lets timers, I/O and the page have their turn: training never holds the event loop longer than 10 ms or one step. */

const turn = 10;
let last = 0;

/** A promise of the event loop's next turn where the last was 10 ms ago or more; otherwise undefined, at no cost. */
export function breathe(): Promise<void> | undefined {
  const now = performance.now();
  if (now - last < turn) return undefined;
  return new Promise((resolve) => {
    nextTurn(() => {
      last = performance.now();
      resolve();
    });
  });
}

const { setImmediate: immediate } = globalThis as { setImmediate?: (fn: () => void) => void };

/** A macrotask without the 4 ms that browsers put between nested timers. */
const nextTurn: (fn: () => void) => void =
  immediate ??
  ((fn) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      fn();
    };
    port2.postMessage(undefined);
  });
