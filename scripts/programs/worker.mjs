// Runs programs one after the other in this thread, and says of each what became of it to the thread or the process that started this one.
import { once } from "node:events";
import { inspect } from "node:util";
import { parentPort, workerData } from "node:worker_threads";
import { pathToFileURL } from "node:url";
import { expectValue } from "./expect.mjs";

const { programs, prelude } = workerData ?? (await once(process, "message"))[0];
const say = (message) => (parentPort === null ? process.send(message) : parentPort.postMessage(message));

for (const name of ["log", "info", "warn", "error"]) {
  console[name] = (...values) => lines.push(values.map((v) => (typeof v === "string" ? v : inspect(v))).join(" "));
}
let lines = [];
globalThis.__expect = expectValue;
if (prelude !== undefined) await (await import(pathToFileURL(prelude).href)).default();

for (const { id, script } of programs) {
  lines = [];
  let error;
  try {
    await import(pathToFileURL(script).href);
  } catch (thrown) {
    error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  }
  say({ id, output: lines.join("\n"), error });
}
