/** What was measured on: the hardware and the engines, and nothing of who owns it. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, release, totalmem, type as systemName, arch } from "node:os";
import { root } from "./place.js";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  /** The commit that was measured, where there is one; "+" where files had changed since. */
  readonly commit?: string;
}

export function describeMachine(): Machine {
  const commit = currentCommit();
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${systemName()} ${release().split("-")[0]} ${arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    ...(commit === undefined ? {} : { commit }),
  };
}

function currentCommit(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  try {
    const changed = git("status", "--porcelain", "--", ".", ":!RESULTS.md").trim() !== "";
    return `${git("rev-parse", "--short=10", "HEAD").trim()}${changed ? "+" : ""}`;
  } catch {
    return undefined;
  }
}

export const machineText = ({ cpu, cores, memoryGiB, system, node, v8, commit }: Machine): string =>
  `${cpu}, ${cores} cores, ${memoryGiB} GiB; ${system}; Node ${node} (V8 ${v8})${commit === undefined ? "" : `; commit ${commit}`}`;
