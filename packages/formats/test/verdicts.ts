/** What safetensors itself says of mutated files. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { corpus } from "./corpus.js";
import { mutated } from "./mutate.js";

const script = fileURLToPath(new URL("../golden/verdicts.py", import.meta.url));

/** The file of a seed: each of the corpus in turn. */
export const mutant = (seed: number): Uint8Array => mutated(corpus[seed % corpus.length]!, seed);

/** The python that has safetensors: ERMINE_PYTHON, default python3. A byte for each seed, 1 where the file is taken. */
export async function pythonVerdicts(from: number, count: number): Promise<Uint8Array> {
  const child = spawn(process.env.ERMINE_PYTHON ?? "python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
  const answers: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => answers.push(part));
  const closed = once(child, "close");
  for (let at = 0; at < count; at += 1000) {
    const parts: Uint8Array[] = [];
    for (let seed = from + at; seed < from + Math.min(count, at + 1000); seed++) {
      const file = mutant(seed);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, file.length, true);
      parts.push(length, file);
    }
    if (!child.stdin.write(Buffer.concat(parts))) await once(child.stdin, "drain");
  }
  child.stdin.end();
  const [status] = (await closed) as [number | null];
  if (status !== 0)
    throw new Error("python3 with safetensors 0.8 is needed: pip install safetensors==0.8.0, ERMINE_PYTHON=/path/to/python3");
  return Buffer.concat(answers);
}
