/** Processes that read a hostile header with little memory. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const program = fileURLToPath(new URL("./hostileHeader.mjs", import.meta.url));

/** What the format's readers must not spend more than: twice the header, and 50 MB. */
export const allowedBytes = (header: number): number => 2 * header + 50e6;

export interface HeaderOutcome {
  readonly kinds: readonly string[];
  /** The number of tensors, where it is read. */
  readonly read?: number;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  /** Of the whole message. */
  readonly length?: number;
  /** Of CPU time. */
  readonly seconds: number;
  /** Bytes by which the process has grown. */
  readonly grown: number;
}

/** @throws Error where the process has no memory left, or ends in another way */
export async function readHostile(kind: string, header: number, maxHeaderBytes?: number): Promise<HeaderOutcome> {
  // Where V8 allocates new objects it takes as much as it likes: 96 MB in Node 24, and with this 24.
  const heap = [`--max-old-space-size=${Math.floor(allowedBytes(header) / 2 ** 20)}`, "--max-semi-space-size=8"];
  const more = maxHeaderBytes === undefined ? [] : [String(maxHeaderBytes)];
  const { stdout } = await execute(process.execPath, [...heap, program, kind, String(header), ...more]);
  return JSON.parse(stdout) as HeaderOutcome;
}
