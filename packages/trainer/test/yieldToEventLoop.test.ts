/** Yielding works wherever there is any way to schedule a macrotask. */
import { describe, expect, it } from "vitest";
import { macrotaskScheduler, type Timers } from "../src/step/yieldToEventLoop.js";

/** The schedulers of an environment, which note that they were asked. */
function environment({ immediate, channel }: { immediate?: "works" | "throws"; channel?: "works" | "throws" }) {
  const asked: string[] = [];
  const way = (name: string, how: "works" | "throws" | undefined) => {
    asked.push(name);
    if (how === "throws") throw new Error(`${name} is not supported in this runtime`);
  };
  const timers: Timers = {
    ...(immediate && {
      setImmediate(fn) {
        way("setImmediate", immediate);
        setTimeout(fn, 0);
      },
    }),
    ...(channel && {
      MessageChannel: class {
        readonly port1 = { onmessage: undefined as unknown, close: () => void asked.push("close") };
        readonly port2 = { postMessage: () => void setTimeout(() => (this.port1.onmessage as () => void)(), 0) };
        constructor() {
          way("MessageChannel", channel);
        }
      },
    }),
    setTimeout(fn, milliseconds) {
      asked.push("setTimeout");
      return setTimeout(fn, milliseconds);
    },
  };
  return { asked, schedule: macrotaskScheduler(timers) };
}

describe("yielding to the event loop", () => {
  it.each([
    ["Node", { immediate: "works", channel: "works" }, ["setImmediate", "setImmediate"]],
    ["a browser", { channel: "works" }, ["MessageChannel", "close", "MessageChannel", "close"]],
    ["jsdom", {}, ["setTimeout", "setTimeout"]],
    ["an edge runtime whose setImmediate throws", { immediate: "throws" }, ["setImmediate", "setTimeout", "setTimeout"]],
    [
      "one where all but timers throw",
      { immediate: "throws", channel: "throws" },
      ["setImmediate", "MessageChannel", "setTimeout", "setTimeout"],
    ],
  ] as const)("in %s takes the fastest way that works, and remembers it", async (_, ways, expected) => {
    const { asked, schedule } = environment(ways);
    const order: string[] = [];
    for (const turn of ["first", "second"]) {
      const turned = new Promise<void>((resolve) => schedule(resolve)).then(() => order.push(turn));
      order.push(`before ${turn}`);
      await turned;
    }
    expect(order).toEqual(["before first", "first", "before second", "second"]);
    expect(asked).toEqual(expected);
  });
});
