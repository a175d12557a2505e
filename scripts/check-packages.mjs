// What must hold of the packages as they would be published: laws over the tarballs, publint, are-the-types-wrong, and a TypeScript 5.4 consumer.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packPackages } from "./pack.mjs";
import { checkTarball } from "./published.mjs";
import { root } from "./run.mjs";

const run = promisify(execFile);
const bin = (name) => join(root, "node_modules", ".bin", name);

/** Rows for the sum of `pnpm test`. */
export async function checkPackages() {
  const folder = mkdtempSync(join(tmpdir(), "ermine-packages-"));
  try {
    const rows = [];
    const tarballs = await packPackages(folder);
    for (const [name, tarball] of tarballs) {
      rows.push(await row(`files of ${name}`, () => checkTarball(tarball, folder)));
      rows.push(await row(`publint ${name}`, () => run(bin("publint"), ["--strict", tarball], { cwd: root })));
      // Modules only: require() of them works in every Node that is supported.
      rows.push(
        await row(`attw ${name}`, () =>
          run(bin("attw"), ["--ignore-rules", "cjs-resolves-to-esm", "--", tarball], { cwd: root }),
        ),
      );
    }
    rows.push(...(await consumer(join(folder, "consumer"), tarballs)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

async function row(name, check) {
  try {
    await check();
    return { name, passed: 1, failed: 0, notRun: [] };
  } catch (error) {
    console.error(`${name} failed:\n${error.stdout ?? ""}${error.stderr ?? ""}${error.stdout === undefined ? error.stack : ""}`);
    return { name, passed: 0, failed: 1, notRun: [] };
  }
}

/** A strict program against the packed packages, compiled by TypeScript 5.4 under every resolution that TypeScript has. */
async function consumer(folder, tarballs) {
  mkdirSync(folder);
  const dependencies = Object.fromEntries([...tarballs].map(([name, tarball]) => [name, `file:${tarball}`]));
  // Tarballs name each other by version: overrides send those names to the tarballs too.
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      private: true,
      type: "module",
      dependencies: { ...dependencies, typescript: "~5.4.5" },
      overrides: dependencies,
    }),
  );
  const entries = [...tarballs.keys()].flatMap((name) => {
    const { exports } = manifest(join(root, "packages", name.split("/")[1]));
    return Object.keys(exports)
      .filter((key) => key !== "./package.json" && !key.includes("*"))
      .map((key) => name + key.slice(1));
  });
  const lines = entries.map(
    (entry, i) => `import * as m${i} from "${entry}";\nexport const keys${i}: string[] = Object.keys(m${i});`,
  );
  lines.push('import { mul, sum, tensor, grad, type Tensor } from "@ermine/core";', "const x: Tensor = tensor([1, 2]);");
  lines.push('import "@ermine/core/fluent";', "export const total: number = x.add(1).relu().sum({ axis: 0 }).item();");
  lines.push("export const g: Tensor = grad((t: Tensor) => sum(mul(t, t)))(x);");
  writeFileSync(join(folder, "consumer.ts"), lines.join("\n"));
  const installed = await row("TypeScript 5.4 consumer: install", () =>
    run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=peer", "--legacy-peer-deps"], { cwd: folder }),
  );
  const rows = [installed];
  for (const [module, resolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
    ["commonjs", "node10"],
  ]) {
    const project = `tsconfig.${resolution}.json`;
    const compilerOptions = {
      noEmit: true,
      strict: true,
      skipLibCheck: false,
      target: "es2022",
      lib: ["es2022", "dom"],
      types: [],
      module,
      moduleResolution: resolution,
    };
    writeFileSync(join(folder, project), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
    rows.push(
      await row(`TypeScript 5.4 consumer: ${resolution}`, () =>
        run(join(folder, "node_modules", ".bin", "tsc"), ["--project", project], { cwd: folder }),
      ),
    );
  }
  return rows;
}
