/** Programs that keep their training, started, killed and started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCheckpoint } from "@ermine/trainer/checkpoint/node";

const program = fileURLToPath(new URL("../fixtures/resumable.mjs", import.meta.url));

/** What is trained, and how. */
export interface Setup {
  readonly backend: "cpu" | "tfjs";
  readonly source: "arrays" | "stream";
  readonly optimizer: string;
}

/** One process of the program. */
export interface Started {
  readonly process: ChildProcess;
  /** What it has said so far, by lines. */
  readonly lines: string[];
  /** Resolves when it has said that. */
  said(line: string): Promise<void>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** @param seed of the parameters; default: another one in each process */
export function start({ backend, source, optimizer }: Setup, folder: string, pause: number, seed?: number): Started {
  const env = { ...process.env, ...(seed === undefined ? {} : { RESUMABLE_SEED: String(seed) }) };
  return launch(process.execPath, argumentsOf({ backend, source, optimizer }, folder, pause), env);
}

/** Those of Node that start the program. */
export const argumentsOf = ({ backend, source, optimizer }: Setup, folder: string, pause: number): string[] => [
  program,
  backend,
  source,
  optimizer,
  folder,
  String(pause),
];

/** Starts a program, whose lines are read. */
export function launch(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Started {
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const waiting: { line: string; done: () => void }[] = [];
  let rest = "";
  let errors = "";
  child.stderr.on("data", (text: Buffer) => void (errors += text.toString()));
  child.stdout.on("data", (text: Buffer) => {
    const parts = (rest + text.toString()).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
    for (const { line, done } of waiting) if (lines.includes(line)) done();
  });
  const ended = new Promise<number | string>((resolve, reject) =>
    child.on("close", (code, signal) => {
      if (code === 0 || signal !== null) resolve(signal ?? 0);
      else reject(new Error(`The program ended with ${code}: ${errors.slice(0, 4000)}`));
    }),
  );
  // Whoever waits for a line is told by it.
  ended.catch(() => undefined);
  const said = (line: string): Promise<void> =>
    Promise.race([
      new Promise<void>((done) => (lines.includes(line) ? done() : void waiting.push({ line, done }))),
      ended.then(() => undefined),
    ]);
  return { process: child, lines, said, ended };
}

/** A folder of one's own for the length of `fn`. */
export async function inFolder<T>(fn: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "resumable-"));
  try {
    return await fn(join(folder, "run"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bytes of the newest checkpoint of a folder. */
export function newest(folder: string): Buffer {
  const names = readdirSync(folder).filter((name) => name.startsWith("update-") && name.endsWith(".safetensors"));
  return readFileSync(join(folder, names.sort().at(-1)!));
}

const writtenBy = (lines: readonly string[]): number =>
  Math.max(0, ...lines.flatMap((line) => (line.startsWith("written ") ? [Number(line.slice(8))] : [])));

const saving = fileURLToPath(new URL("../fixtures/saving.mjs", import.meta.url));

/**
 * Kills a program −9 that does nothing but save, at a random moment within 30 ms after its first checkpoint, so many times.
 *
 * @param random a number in [0, 1)
 * @returns how many checkpoints were written
 * @throws Error where one that was said to be written is lost, or one is damaged
 */
export const killedWhileSaving = (kills: number, random: () => number): Promise<{ readonly saves: number }> =>
  inFolder(async (folder) => {
    let [saves, promised] = [0, 0];
    for (let kill = 0; kill < kills; kill++) {
      const child = launch(process.execPath, [saving, folder]);
      // It goes on from the last one: the next is one more, at least.
      while (writtenBy(child.lines) === 0 && child.process.exitCode === null) await new Promise((done) => setTimeout(done, 1));
      await new Promise((done) => setTimeout(done, random() * 30));
      child.process.kill("SIGKILL");
      const how = await child.ended;
      if (how !== "SIGKILL") throw new Error(`the program has ended by itself: ${how}`);
      saves += child.lines.filter((line) => line.startsWith("written ")).length;
      promised = Math.max(promised, writtenBy(child.lines));
      const notices = child.lines.filter((line) => line.startsWith("ermine:"));
      const { host } = await readCheckpoint(folder, { notice: (text) => void notices.push(text) });
      if (host.update < promised) throw new Error(`update ${promised} was written, and ${host.update} is the newest`);
      if (notices.length > 0) throw new Error(notices.join("\n"));
    }
    return { saves };
  });

/** The bytes with which a training ends that nobody kills. */
export const undisturbed = (setup: Setup, seed: number): Promise<Buffer> =>
  inFolder(async (folder) => {
    await start(setup, folder, 0, seed).ended;
    return newest(folder);
  });

/**
 * Kills the program −9 at random moments, so many times at least, and starts it again each time, until it ends.
 *
 * @param random a number in [0, 1)
 * @returns the bytes with which it has ended
 * @throws Error where a checkpoint that was said to be written is lost, or one is damaged
 */
export const killed = (
  setup: Setup,
  kills: number,
  seed: number,
  random: () => number,
): Promise<{ bytes: Buffer; kills: number }> =>
  inFolder(async (folder) => {
    let promised = 0;
    for (let count = 0; ;) {
      const program = start(setup, folder, 4, count === 0 ? seed : undefined);
      if (count < kills) {
        await program.said("begun");
        // The first is left to write one: until then its parameters are those of its seed.
        if (promised === 0) await program.said("written 2");
        await new Promise((done) => setTimeout(done, random() * 40));
        program.process.kill("SIGKILL");
      }
      const how = await program.ended;
      if (how === 0) return { bytes: newest(folder), kills: count };
      count++;
      promised = Math.max(promised, writtenBy(program.lines));
      const notices: string[] = [];
      const { host } = await readCheckpoint(folder, { notice: (text) => void notices.push(text) });
      if (host.update < promised) throw new Error(`update ${promised} was written, and ${host.update} is the newest`);
      if (notices.length > 0) throw new Error(notices.join("\n"));
    }
  });
