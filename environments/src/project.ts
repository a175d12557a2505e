/** A user's project: the packages as they are published in its node_modules, and this folder's fixtures as its sources. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** What a program for any bundler needs; none of these has dependencies that are not among them, but for what `@ermine/formats/npz` needs. */
const packages = ["@ermine/core", "@ermine/formats", "@ermine/trainer", "@ermine/backend-cpu"];

/** Makes the project in a temporary folder. */
export async function installPackages(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "ermine-environments-")));
  const tarballs = join(folder, "tarballs");
  await mkdir(tarballs);
  const { packPackages } = (await import(new URL("../../scripts/pack.mjs", import.meta.url).href)) as {
    packPackages(destination: string, names: readonly string[]): Promise<Map<string, string>>;
  };
  for (const [name, tarball] of await packPackages(tarballs, packages)) {
    const place = join(folder, "node_modules", name);
    await mkdir(place, { recursive: true });
    await execute("tar", ["-xzf", tarball, "-C", place, "--strip-components=1"]);
  }
  await cp(fileURLToPath(new URL("../fixtures", import.meta.url)), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "project", private: true, version: "1.0.0" }));
  return folder;
}

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end; a status other than 0 is no error. */
export async function runProgram(file: string, args: readonly string[], options: { cwd: string }): Promise<Ran> {
  try {
    const { stdout, stderr } = await execute(file, args, { ...options, timeout: 120_000, maxBuffer: 1 << 26 });
    return { code: 0, output: stdout, errors: stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === "number" ? code : -1, output: stdout, errors: stderr };
  }
}

/** What `fixtures/train.mjs` reports. */
export interface Outcome {
  readonly reference: readonly number[];
  /** The cpu backend's, or the error that it ended with. */
  readonly cpu: readonly number[] | ErrorReport;
}

export interface ErrorReport {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

/** Runs what a bundler made in Node (`how`: as a classic script, by require or by import) and gives its outcome. */
export async function runBundle(project: string, how: "script" | "require" | "import", file: string): Promise<Outcome> {
  const { code, output, errors } = await runProgram(process.execPath, [join(project, "run.mjs"), how, file], { cwd: project });
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${errors}${output}`);
  return JSON.parse(output) as Outcome;
}

/**
 * The reference backend computes with the engine's own exp and tanh, whose last bit is that of the engine's version: the losses of another engine are
 * compared where such differences have not grown yet. The cpu backend's portable numerics are the same bits everywhere.
 */
export const comparable = ({ reference }: Outcome): readonly number[] =>
  reference.slice(0, 40).map((loss) => Number(loss.toPrecision(5)));
