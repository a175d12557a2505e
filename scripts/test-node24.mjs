// `pnpm test:node24`: what depends on Node's version and V8's, on Node 24, and what loads a native library on Node 22 too. `pnpm test` runs all on this Node.
//
// With V8 come wide vectors, Float16Array, resizable buffers and the garbage collector; with Node the interface of native libraries and the global
// objects. The laws, the programs at random and the accuracy table are about numbers: they run once more for the code that only V8 24 compiles, that
// of 256-bit vectors, and on no other backend. Last line: N passed, N failed.
import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { root, turboQuietly } from "./run.mjs";
import { printSum, reportPath, rowOf } from "./suite.mjs";

const wide = { ERMINE_WIDE_VECTORS: "1" };
const filesOf = (names) => names.split(" ").map((name) => `test/${name}.test.ts`);
const native = filesOf("disposed dropped empty faults installer interop loading ops program");
const kernels = filesOf(
  "attention classes convolution convolutionEdges dropped executable flags heap math pooling product reduction specialValues threads training vectors",
);

/** The longest first. */
const suites = [
  // But for the browser's tests: that has an engine of its own.
  { folder: "packages/backend-cpu", title: "with 256-bit vectors", env: wide, args: ["--exclude", "test/browser.test.ts"] },
  { folder: "packages/backend-cpu", title: "as it comes", files: kernels },
  { folder: "packages/backend-tfjs", files: native },
  { folder: "packages/backend-tfjs", files: native, node: 22 },
  { folder: "packages/trainer" },
  { folder: "packages/core" },
  { folder: "packages/formats" },
  { folder: "packages/preprocessing", files: filesOf("bits") },
  { folder: "apps/demo", files: filesOf("demo") },
];

const vitest = join(root, "scripts", "vitest.mjs");
const kit = join(root, "packages", "conformance", "dist", "cli.js");

/** A script on a version of Node: its exit status, its output and its seconds. */
function runOn(node, folder, args, env = {}) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn("npx", ["--yes", `--package=node@${node}`, "--", "node", ...args], {
      cwd: join(root, folder),
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", (error) => (output += String(error)));
    child.on("close", (status) => resolve({ status, output, seconds: (performance.now() - started) / 1000 }));
  });
}

async function runSuite({ node = 24, folder, title, env, files = [], args = [] }, index) {
  const absent = files.filter((file) => !existsSync(join(root, folder, file)));
  const name = [`Node ${node}: ${folder}`, ...(title === undefined ? [] : [title])].join(", ");
  if (absent.length > 0) return { name, passed: 0, failed: 1, notRun: [`there is no ${absent.join(", ")}`] };
  const report = `node${node}-${index}`;
  rmSync(join(root, folder, reportPath(report)), { force: true });
  const { status, output, seconds } = await runOn(node, folder, [vitest, ...files, ...args], { ...env, ERMINE_REPORT: report });
  const row = { ...rowOf(folder, { name, report }), seconds };
  if (status === 0 || row.failed > 0) return { ...row, output: row.failed > 0 ? output : "" };
  return { ...row, failed: 1, output };
}

async function runGolden() {
  const args = [kit, "--golden", "packages/conformance/golden", "--backend", "cpu"];
  const { status, output, seconds } = await runOn(24, ".", args, wide);
  const [, passed = 0, failed = 0] = output.match(/(\d+) passed, (\d+) failed, \d+ skipped\s*$/) ?? [];
  const name = "Node 24: golden values on cpu, with 256-bit vectors";
  return {
    name,
    passed: Number(passed),
    failed: Number(failed) || (status === 0 ? 0 : 1),
    seconds,
    output: status === 0 ? "" : output,
  };
}

if (turboQuietly("build") !== 0) process.exit(1);
const jobs = [...suites.map((suite, i) => () => runSuite(suite, i)), runGolden];
const rows = [];
const worker = async () => {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const { output = "", ...row } = await job();
    rows.push(row);
    if (output !== "") console.log(output);
    console.log(`${row.name}: ${row.passed} passed, ${row.failed} failed`);
  }
};
// Each has one thread that is busy, most of the time.
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
process.exit(printSum(rows) ? 0 : 1);
