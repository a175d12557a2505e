/** Who takes part, and how each is started: a process of its own, asked line by line. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { root } from "./place.js";
import type { MemoryUse, Ready, Request, Task, Turn } from "./task.js";

export interface ContestantSpec {
  readonly name: string;
  /** One of ermine's own backends; the others are compared with these. */
  readonly own: boolean;
  readonly command: readonly [string, ...string[]];
}

export const backendNames = ["cpu", "cpu-flags", "cpu-portable", "tfjs"] as const;
export const peerNames = ["tfjs-node", "tfjs-wasm", "jax-js", "brain", "pytorch", "tensorflow"] as const;
export type BackendName = (typeof backendNames)[number];
export type PeerName = (typeof peerNames)[number];

const script = (name: string): string => join(root, "dist", "contestants", `${name}.js`);
const node = (file: string, ...args: string[]): [string, ...string[]] => [process.execPath, script(file), ...args];

export const backend = (name: BackendName): ContestantSpec => ({ name, own: true, command: node("ermine", name) });

/** @param python the interpreter for those that need one */
export function peer(name: PeerName, python: string): ContestantSpec {
  const commands: Record<PeerName, readonly [string, ...string[]]> = {
    "tfjs-node": node("tfjsNode"),
    "tfjs-wasm": node("tfjsWasm"),
    "jax-js": node("jaxJs"),
    brain: node("brain"),
    pytorch: [python, join(root, "peers", "pytorch.py")],
    tensorflow: [python, join(root, "peers", "tensorflow_function.py")],
  };
  return { name, own: false, command: commands[name] };
}

/** A process that is asked. */
export class Contestant {
  readonly spec: ContestantSpec;
  readonly threads: number;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: Interface;
  readonly #replies: ((line: unknown) => void)[] = [];
  #complaint = "";
  #ended: string | undefined;

  constructor(spec: ContestantSpec, threads: number) {
    this.spec = spec;
    this.threads = threads;
    const [command, ...args] = spec.command;
    const count = String(threads);
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        OMP_NUM_THREADS: count,
        TF_NUM_INTRAOP_THREADS: count,
        TF_NUM_INTEROP_THREADS: count,
        TF_CPP_MIN_LOG_LEVEL: "2",
      },
    });
    this.#child.stderr.on("data", (chunk: Buffer) => (this.#complaint = `${this.#complaint}${chunk.toString()}`.slice(-4000)));
    this.#child.stdin.on("error", () => {});
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#lines.on("line", (line) => {
      // What libraries print is not a reply.
      if (line.startsWith('{"reply"')) this.#replies.shift()?.((JSON.parse(line) as { reply: unknown }).reply);
    });
    const end = (reason: string): void => {
      this.#ended ??= reason;
      for (const answer of this.#replies.splice(0)) answer(undefined);
    };
    this.#child.on("error", (error) => end(error.message));
    this.#child.on("close", (code, signal) => end(`ended with ${signal ?? `status ${code}`}`));
  }

  async #ask(request: Request): Promise<unknown> {
    const reply =
      this.#ended === undefined
        ? await new Promise<unknown>((resolve) => {
            this.#replies.push(resolve);
            this.#child.stdin.write(`${JSON.stringify(request)}\n`);
          })
        : undefined;
    if (reply === undefined) throw new Error(`${this.spec.name} ${this.#ended ?? "gave no answer"}.\n${this.#complaint}`);
    return reply;
  }

  async prepare(task: Task): Promise<Ready> {
    try {
      return (await this.#ask({ do: "prepare", task, threads: this.threads })) as Ready;
    } catch (error) {
      const missing = /ENOENT|No module named|Cannot find (module|package) '([^']+)'/.exec(String(error));
      if (missing === null) throw error;
      return {
        needs: missing[2] ?? this.spec.command[0],
        remedy: missing[0] === "ENOENT" ? "--python PATH of a Python that has it" : "npx --yes pnpm@12 install",
      };
    }
  }

  async turn(milliseconds: number): Promise<Turn> {
    return (await this.#ask({ do: "turn", milliseconds })) as Turn;
  }

  async steps(count: number): Promise<Turn> {
    return (await this.#ask({ do: "steps", count })) as Turn;
  }

  async memory(): Promise<MemoryUse> {
    return (await this.#ask({ do: "memory" })) as MemoryUse;
  }

  async end(): Promise<void> {
    if (this.#ended !== undefined) return;
    const closed = once(this.#child, "close");
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await closed;
    clearTimeout(late);
  }
}
