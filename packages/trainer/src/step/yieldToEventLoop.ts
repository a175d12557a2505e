/** Lets timers, I/O and the page have their turn: training never holds the event loop longer than 10 ms or one step. */

const interval = 10;
let last = 0;

/** A promise of the event loop's next turn where the last was 10 ms ago or more; otherwise undefined, at no cost. */
export function yieldToEventLoop(): Promise<void> | undefined {
  const now = performance.now();
  if (now - last < interval) return undefined;
  return new Promise((resolve) => {
    nextMacrotask(() => {
      last = performance.now();
      resolve();
    });
  });
}

/** Runs `fn` in a later macrotask. */
type Scheduler = (fn: () => void) => void;

/** The globals that can schedule a macrotask. An environment may lack any of them, and may have ones that throw. */
export interface Timers {
  readonly setImmediate?: Scheduler;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: unknown; close(): void };
    readonly port2: { postMessage(message: unknown): void };
  };
  readonly setTimeout: (fn: () => void, milliseconds: number) => unknown;
}

/**
 * @internal Schedules macrotasks by the fastest way that works here: setImmediate (Node), a MessageChannel (browsers, which put 4 ms between
 * nested timers), setTimeout (jsdom has nothing else). One that throws (the stub of an edge runtime) is not tried again.
 */
export function macrotaskScheduler({ setImmediate, MessageChannel, setTimeout }: Timers): Scheduler {
  const schedulers: Scheduler[] = [];
  if (setImmediate !== undefined) schedulers.push((fn) => void setImmediate(fn));
  if (MessageChannel !== undefined) {
    schedulers.push((fn) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        fn();
      };
      port2.postMessage(undefined);
    });
  }
  schedulers.push((fn) => void setTimeout(fn, 0));
  return (fn) => {
    for (;;) {
      try {
        return schedulers[0]!(fn);
      } catch (error) {
        if (schedulers.length === 1) throw error;
        schedulers.shift();
      }
    }
  };
}

const { setImmediate, MessageChannel, setTimeout } = globalThis as unknown as Timers;
const nextMacrotask = /* @__PURE__ */ macrotaskScheduler({
  ...(setImmediate === undefined ? {} : { setImmediate }),
  ...(MessageChannel === undefined ? {} : { MessageChannel }),
  setTimeout: (fn, milliseconds) => setTimeout(fn, milliseconds),
});
