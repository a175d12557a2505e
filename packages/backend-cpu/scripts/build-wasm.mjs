// Compiles the AssemblyScript kernels, portable and relaxed, for one thread and for several, into modules that carry them as base64.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { constantsInMemory, constantsTo } from "./constants.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = readdirSync(join(root, "assembly")).map((name) => join(root, "assembly", name));
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
  const done = binaryen.parseText(constantsInMemory(module.emitText()));
  done.setFeatures(features);
  if (!done.validate()) throw new Error("The kernels are no valid module.");
  return Buffer.from(done.emitBinary());
}

const fingerprint = createHash("sha256");
const scripts = readdirSync(join(root, "scripts")).map((name) => join(root, "scripts", name));
for (const source of [...sources, ...scripts]) fingerprint.update(readFileSync(source));
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
  const { default: asc } = await import("assemblyscript/asc");
  for (const [name, features] of Object.entries(builds)) {
    const files = new Map();
    const flags = [
      "--runtime",
      "stub",
      "--importMemory",
      "--initialMemory",
      "16",
      "--maximumMemory",
      "65536",
      "--memoryBase",
      `${constantsTo}`,
      "--noExportMemory",
      "--exportRuntime",
      "--noAssert",
    ];
    // Unoptimized: see specialized().
    const speed = ["-O0", "--enable", "simd", ...features];
    const { error, stderr } = await asc.main(
      [
        "index.ts",
        "--outFile",
        "out.wasm",
        ...flags.filter((f) => f !== "--exportRuntime" && f !== "--noExportMemory"),
        ...speed,
      ],
      {
        readFile: (path, base) => {
          const full = join(root, "assembly", base === "." ? path : path);
          return existsSync(full) ? readFileSync(full, "utf8") : null;
        },
        writeFile: (path, contents) => files.set(path, contents),
        listFiles: () => [],
      },
    );
    if (error) {
      process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
      process.exit(1);
    }
    const wasm = await specialized(files.get("out.wasm"));
    writeFileSync(
      join(out, `${name}.ts`),
      `${stamp}/** The ${name} build of assembly/, ${wasm.length} bytes, deflated. Made by scripts/build-wasm.mjs. */\nexport const wasm =\n  "${deflateRawSync(wasm, { level: 9 }).toString("base64")}";\n`,
    );
    console.log(`${name}: ${wasm.length} bytes`);
  }
}
