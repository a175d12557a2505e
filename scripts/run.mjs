// How the root's commands run the workspace's tools: through their own binaries, quiet unless they fail.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs `turbo run …` in the root and gives its exit status; its output is shown only where it fails. */
export function turboQuietly(...args) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [turbo(), "run", ...withFilter(args), "--output-logs=errors-only"],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    },
  );
  if (status !== 0) process.stderr.write(`${stdout}${stderr}`);
  return status ?? 1;
}

/** Runs `turbo run …` in the root with its output on the screen. */
export function turboAloud(...args) {
  return spawnSync(process.execPath, [turbo(), "run", ...withFilter(args)], { cwd: root, stdio: "inherit" }).status ?? 1;
}

/** Runs a script of the workspace with this Node in the user's folder; the exit status is the script's. */
export function runNode(script, args) {
  const { status, signal } = spawnSync(process.execPath, [join(root, script), ...args], {
    stdio: "inherit",
    cwd: process.env["INIT_CWD"] ?? process.cwd(),
  });
  return signal === null ? (status ?? 1) : 130;
}

/** The packages; never the root, whose scripts are these commands themselves. */
const withFilter = (args) =>
  args.some((arg) => arg.startsWith("--filter"))
    ? args
    : [
        ...args,
        "--filter=./packages/*",
        "--filter=./apps/*",
        "--filter=./examples",
        "--filter=./benchmarks",
        "--filter=./environments",
      ];

function turbo() {
  return join(dirname(createRequire(join(root, "package.json")).resolve("turbo/package.json")), "bin", "turbo");
}
