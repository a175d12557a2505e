// Compiles the AssemblyScript kernels, portable and relaxed, for one thread and for several, into modules that carry them packed.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { generate } from "./generate.mjs";
import { constantsTo, moveConstantsToMemory } from "./constants.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "src", "wasm");
mkdirSync(out, { recursive: true });

/**
 * Optimizes with constants propagated before all else. The compiler's own pipeline first joins the copies of an inlined loop that differ in
 * a constant only (the kind of an op), and leaves one loop that asks for the kind at every vector: two to four times slower.
 */
async function specialized(bytes) {
  const { default: binaryen } = await import(createRequire(import.meta.resolve("assemblyscript")).resolve("binaryen"));
  const f = binaryen.Features;
  const features =
    f.SIMD128 | f.RelaxedSIMD | f.BulkMemory | f.BulkMemoryOpt | f.SignExt | f.NontrappingFPToInt | f.MutableGlobals | f.Atomics;
  const module = binaryen.readBinary(bytes);
  module.setFeatures(features);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  module.runPasses(["precompute-propagate", "vacuum", "remove-unused-brs", "dce", "vacuum", "remove-unused-names"]);
  for (let round = 0; round < 3; round++) module.optimize();
  moveConstantsToMemory(binaryen, module);
  // Fewer locals, the busiest first: 300 bytes less after compression.
  module.runPasses(["coalesce-locals-learning", "reorder-locals"]);
  if (!module.validate()) throw new Error("The kernels are no valid module.");
  return Buffer.from(module.emitBinary());
}

/** Compiles assembly/index.ts. */
async function compile(flags) {
  const { default: asc } = await import("assemblyscript/asc");
  let wasm;
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "out.wasm", "--runtime", "stub", "--noAssert", ...flags], {
    readFile(path) {
      const full = join(root, "assembly", path);
      return existsSync(full) ? readFileSync(full, "utf8") : null;
    },
    writeFile: (_, contents) => (wasm = contents),
    listFiles: () => [],
  });
  if (!error) return wasm;
  process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
  process.exit(1);
}

generate(root);
const fingerprint = createHash("sha256");
for (const folder of ["assembly", "scripts"]) {
  for (const { parentPath = "", path = parentPath, name } of readdirSync(join(root, folder), {
    recursive: true,
    withFileTypes: true,
  }).filter((entry) => entry.isFile()))
    fingerprint.update(readFileSync(join(path, name)));
}
const stamp = `// ${fingerprint.digest("hex")}\n`;
const builds = {
  portable: [],
  fast: ["--enable", "relaxed-simd"],
  portableThreads: ["--enable", "threads", "--sharedMemory"],
  fastThreads: ["--enable", "relaxed-simd", "--enable", "threads", "--sharedMemory"],
};
const built = Object.keys(builds).every((name) => {
  const path = join(out, `${name}.ts`);
  return existsSync(path) && readFileSync(path, "utf8").startsWith(stamp);
});
if (!built) {
  for (const [name, features] of Object.entries(builds)) {
    const memory = ["--importMemory", "--initialMemory", "16", "--maximumMemory", "65536", "--memoryBase", `${constantsTo}`];
    // Unoptimized: see specialized().
    const wasm = await specialized(await compile([...memory, "-O0", "--enable", "simd", ...features]));
    const packed = gzipSync(wasm, { level: 9 }).toString("base64");
    writeFileSync(
      join(out, `${name}.ts`),
      `${stamp}import { unpack } from "../unpack.js";

/** The bytes of the ${name} build of assembly/: ${wasm.length}. Made by scripts/build-wasm.mjs. */
export const load = (): Promise<Uint8Array<ArrayBuffer>> =>
  unpack(
    "${packed}",
  );
`,
    );
    console.log(`${name}: ${wasm.length} bytes`);
  }
}
