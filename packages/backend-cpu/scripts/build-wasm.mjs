// Compiles the AssemblyScript kernels twice, portable and relaxed, into modules that carry them as base64.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = readdirSync(join(root, "assembly")).map((name) => join(root, "assembly", name));
const out = join(root, "src", "wasm");
mkdirSync(out, { recursive: true });
const fingerprint = createHash("sha256");
for (const source of [...sources, fileURLToPath(import.meta.url)]) fingerprint.update(readFileSync(source));
const stamp = `// ${fingerprint.digest("hex")}\n`;
const built = ["portable", "fast"].every((name) => {
  const path = join(out, `${name}.ts`);
  return existsSync(path) && readFileSync(path, "utf8").startsWith(stamp);
});
if (!built) {
  const { default: asc } = await import("assemblyscript/asc");
  for (const name of ["portable", "fast"]) {
    const files = new Map();
    const flags = [
      "--runtime",
      "stub",
      "--importMemory",
      "--initialMemory",
      "16",
      "--maximumMemory",
      "65536",
      "--noExportMemory",
      "--exportRuntime",
      "--noAssert",
    ];
    const speed = ["-O3", "--converge", "--enable", "simd", ...(name === "fast" ? ["--enable", "relaxed-simd"] : [])];
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
    const wasm = Buffer.from(files.get("out.wasm"));
    writeFileSync(
      join(out, `${name}.ts`),
      `${stamp}/** The ${name} build of assembly/, ${wasm.length} bytes. Made by scripts/build-wasm.mjs. */\nexport const wasm =\n  "${wasm.toString("base64")}";\n`,
    );
    console.log(`${name}: ${wasm.length} bytes`);
  }
}
