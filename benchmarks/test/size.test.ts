/** What a browser transfers stays small: 1 KB is 1,000 bytes, behind gzip. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../src/place.js";
import { transferOf } from "../src/size.js";

const program = (name: string): Promise<Awaited<ReturnType<typeof transferOf>>> => transferOf(join(root, "programs", name));

test("the digits MLP is at most 60 KB of JavaScript and 40 KB of WebAssembly", async () => {
  const { javascript, webAssembly, modules } = await program("digits.mjs");
  expect(Object.keys(webAssembly)).toEqual(expect.arrayContaining(["fast.js", "portable.js"]));
  for (const [name, bytes] of Object.entries(webAssembly)) expect(bytes, name).toBeLessThanOrEqual(40_000);
  expect(javascript, modules.slice(0, 20).join("\n")).toBeLessThanOrEqual(60_000);
});

test("the digits MLP carries no layer, loss, optimizer or catalog that it does not name", async () => {
  const { modules } = await program("digits.mjs");
  const carried = modules.filter(([, bytes]) => bytes > 0).map(([name]) => name);
  expect(carried.some((name) => name.endsWith("core/dist/nn/linear.js"))).toBe(true);
  const foreign =
    /(catalog|nn\/(recurrent|attention|transposedConvolution)|losses\/(ctc|focal)|optimizers\/(sgd|lion|muon))\.js$/;
  expect(carried.filter((name) => foreign.test(name))).toEqual([]);
});

test("everything, with one build of WebAssembly, is at most 140 KB", async () => {
  const { withOnDemand, webAssembly } = await program("everything.mjs");
  expect(withOnDemand + Math.max(...Object.values(webAssembly))).toBeLessThanOrEqual(140_000);
});
