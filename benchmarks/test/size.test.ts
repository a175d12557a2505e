/** What a browser transfers stays small: 1 KB is 1,000 bytes, after gzip. */
import { expect, test, vi } from "vitest";
import { digitsPredictionProgram, digitsProgram, everythingProgram, predictProgram, transferOf } from "../src/size.js";

// Bundling takes as long as the machine is busy.
vi.setConfig({ testTimeout: 120_000 });

test("the digits MLP is at most 110 KB of JavaScript and 60 KB of WebAssembly", async () => {
  const { javascript, webAssembly, modules } = await transferOf(digitsProgram);
  expect(Object.keys(webAssembly)).toEqual(expect.arrayContaining(["fast.js", "portable.js"]));
  for (const [name, bytes] of Object.entries(webAssembly)) expect(bytes, name).toBeLessThanOrEqual(60_000);
  expect(javascript, modules.slice(0, 20).join("\n")).toBeLessThanOrEqual(110_000);
});

test("the digits MLP that only predicts is at most 55 KB of JavaScript, none of it of gradients, losses or training", async () => {
  const { javascript, modules } = await transferOf(digitsPredictionProgram);
  expect(javascript, modules.slice(0, 20).join("\n")).toBeLessThanOrEqual(55_000);
  const carried = modules.map(([name]) => name);
  expect(carried).toContain("packages/core/src/nn/linear.ts");
  expect(carried.filter((name) => /\/(trainer|autograd|losses|control)\/|\/ops\/(fused|gradient)\.ts$/.test(name))).toEqual([]);
});

test("a program that differentiates carries no definition of an activation that it does not name", async () => {
  const { modules } = await transferOf('export { valueAndGrad } from "@ermine/core";');
  const bytesOf = (name: string): number => modules.find(([module]) => module.endsWith(`/${name}.ts`))?.[1] ?? 0;
  // The gradients alone: celu's definition has a docstring's worth of options and checks.
  expect(bytesOf("activations/celu")).toBeLessThan(120);
  // Of a lookup where its rows go, and of sorting cumsum, which the gradient of bags asks where they begin.
  expect(bytesOf("ops/embedding") + bytesOf("ops/sort")).toBeLessThan(560);
});

test("the digits MLP carries no layer, loss, optimizer or catalog that it does not name", async () => {
  const { modules } = await transferOf(digitsProgram);
  const carried = modules.map(([name]) => name);
  expect(carried).toContain("packages/core/src/nn/linear.ts");
  const foreign =
    /(catalog|nn\/(recurrent|attention|transposedConvolution)|losses\/(ctc|focal)|optimizers\/(sgd|lion|muon))\.ts$/;
  expect(carried.filter((name) => foreign.test(name))).toEqual([]);
});

test("a page that predicts by a model out of its file, with all operators, is at most 118 KB of JavaScript, and carries no training and nothing that saves", async () => {
  const { javascript, modules } = await transferOf(predictProgram);
  const carried = modules.map(([name]) => name);
  expect(carried).toContain("packages/onnx/src/load/operators/windows.ts");
  expect(
    carried.filter((name) =>
      /packages\/trainer|core\/src\/(losses\/(ctc|focal|crossEntropy)|autograd\/rules)|onnx\/src\/save\/(operators|functions|writeGraph)/.test(
        name,
      ),
    ),
  ).toEqual([]);
  expect(javascript, modules.slice(0, 20).join("\n")).toBeLessThanOrEqual(118_000);
});

// What is loaded on demand (plans, profiles and shadows, worker threads) and the prose of definitions are counted too.
test("everything, with one build of WebAssembly, is at most 249 KB", async () => {
  const { withOnDemand, webAssembly, modules } = await transferOf(await everythingProgram());
  expect(withOnDemand + Math.max(...Object.values(webAssembly)), modules.slice(0, 20).join("\n")).toBeLessThanOrEqual(249_000);
});
