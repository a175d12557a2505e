// Type-checks programs under `strict` in one go, and runs them in a few processes.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../run.mjs";
import { withExpectations } from "./expectations.mjs";

/** What the compiler is asked for: what a user's strict project has. */
const compilerOptions = {
  target: "es2022",
  lib: ["es2022", "es2023.array", "esnext.disposable", "dom"],
  module: "nodenext",
  strict: true,
  skipLibCheck: true,
  types: ["node"],
  rootDir: "source",
  outDir: "script",
};

const header = "declare const __expect: (value: unknown, expected: string) => void;";

/**
 * Checks and runs `programs` ({ file, line, setup, code, mainThread? }) in `folder`, from which their imports are resolved.
 *
 * Resolves to one result for each: { name, errors, output, missing }: what the compiler and the run complain about, with the lines of the
 * program's own file, what it printed, and what its comments promise and it did not print.
 *
 * @param {{ together?: boolean, prelude?: string, processes?: number, limit?: number }} options `together` runs all in one thread, after the default
 *   export of the module `prelude`; `processes` is how many at once (default 2), `limit` how long one may take, in ms
 */
export async function checkPrograms(programs, folder, options = {}) {
  const { together = false, prelude, processes = 2, limit = 120_000 } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "source"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["source"] }));
  const all = programs.map((program, id) => {
    const { code, printed } = withExpectations(program.code);
    const head = `${header} ${program.setup}`;
    writeFileSync(join(folder, "source", `program${id}.ts`), `${head}\n${code}\nexport {};\n`);
    const shift = program.line - 1 - head.split("\n").length;
    return { id, shift, printed, ...program, name: `${program.file}:${program.line}`, errors: [], output: "", missing: [] };
  });
  for (const { id, line, message } of typeErrors(folder)) {
    const program = all[id];
    if (program === undefined) throw new Error(message);
    program.errors.push(`${program.file}:${line + program.shift}: ${message}`);
  }
  const runnable = all.filter(({ errors }) => errors.length === 0);
  const scripts = runnable.map(({ id, mainThread }) => ({ id, mainThread, script: join(folder, "script", `program${id}.js`) }));
  const shares = Array.from({ length: processes }, (_, k) => scripts.filter((_, i) => i % processes === k));
  const messages = await Promise.all(
    shares
      .filter((share) => share.length > 0)
      .map((share) =>
        host(folder, {
          groups: together
            ? [{ programs: share, prelude }]
            : share.map((one) => ({ programs: [one], prelude, mainThread: one.mainThread })),
          limit,
        }),
      ),
  );
  for (const { id, output, error } of messages.flat()) {
    const program = all[id];
    program.output = output;
    if (error !== undefined) program.errors.push(`${program.name} ${error}`);
    program.missing = absent(output, program.printed);
  }
  return all;
}

/** What is not in the output, in order. */
function absent(output, printed) {
  let from = 0;
  return printed.filter((text) => {
    const at = output.indexOf(text, from);
    if (at >= 0) from = at + text.length;
    return at < 0;
  });
}

function typeErrors(folder) {
  const tsc = join(dirname(createRequire(join(root, "package.json")).resolve("typescript/package.json")), "bin", "tsc");
  const { stdout, status, error } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
    cwd: folder,
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw error;
  const found = [];
  for (const line of stdout.split("\n")) {
    const place = /program(\d+)\.ts\((\d+),\d+\): (.*)/.exec(line);
    if (place !== null) found.push({ id: Number(place[1]), line: Number(place[2]), message: place[3] });
    else if (line.startsWith(" ") && found.length > 0) found.at(-1).message += `\n${line}`;
    else if (line !== "") throw new Error(`tsc: ${line}`);
  }
  if (status !== 0 && found.length === 0) throw new Error(`tsc ended with ${status}.`);
  return found;
}

/** Hands groups to a process of its own, in the folder `cwd`; what each of their programs came to. */
function host(cwd, work) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL("./host.mjs", import.meta.url))], {
      cwd,
      stdio: ["pipe", "pipe", "ignore"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("error", reject);
    child.on("close", () => {
      const messages = text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
      const heard = new Set(messages.map(({ id }) => id));
      const lost = work.groups.flatMap(({ programs }) => programs).filter(({ id }) => !heard.has(id));
      resolve([...messages, ...lost.map(({ id }) => ({ id, output: "", error: "was lost: its process ended" }))]);
    });
    child.stdin.end(JSON.stringify(work));
  });
}
