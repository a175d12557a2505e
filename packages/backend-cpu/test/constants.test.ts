import { expect, it } from "vitest";
import { ownDefinitions, runCall } from "@ermine/conformance";
import { createBackend } from "../src/backend.js";
import { loadEngine } from "../src/engine.js";

// A kernel that takes one of its words for another writes at small addresses, where the tables of all others are.
it("no kernel writes into the constants below the heap", async () => {
  const engine = await loadEngine({ numerics: "fast", threads: 1 });
  const backend = createBackend(engine, undefined);
  const constants = (): Uint8Array => new Uint8Array(engine.memory.buffer).slice(0, engine.exports.heapBase());
  const before = constants();
  expect(before.some((byte) => byte !== 0)).toBe(true);
  for (const call of ownDefinitions().calls) {
    for (const mode of ["eager", "compiled"] as const) await runCall(call, backend, mode, 31, 1);
    expect(constants(), call.name).toEqual(before);
  }
}, 60_000);
