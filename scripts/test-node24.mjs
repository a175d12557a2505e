// `pnpm test:node24`: the packages' vitest suites on Node 24, and that of backend-tfjs, where Node's version matters most, on Node 22. The suite of
// backend-cpu asks for 256-bit vectors, which Node 24 has; what uses that backend in other suites runs as it comes.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, turboQuietly } from "./run.mjs";

if (turboQuietly("build") !== 0) process.exit(1);
const folders = [...readdirSync(join(root, "packages")).map((name) => join("packages", name)), "apps/demo"];
const runs = [...folders.map((folder) => [24, folder]), [22, join("packages", "backend-tfjs")]];
let failed = 0;
for (const [version, folder] of runs) {
  const path = join(root, folder, "package.json");
  if (!existsSync(path) || !("test" in (JSON.parse(readFileSync(path, "utf8")).scripts ?? {}))) continue;
  console.log(`Node ${version}: ${folder}`);
  const { status } = spawnSync("npx", ["--yes", `--package=node@${version}`, "--", "node", join(root, "scripts", "vitest.mjs")], {
    cwd: join(root, folder),
    stdio: "inherit",
    env: folder === join("packages", "backend-cpu") ? { ...process.env, ERMINE_WIDE_VECTORS: "1" } : process.env,
  });
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
