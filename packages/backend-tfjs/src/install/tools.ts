/** The programs that an install needs, found on the PATH or explained. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, statfsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ErmineError } from "@ermine/core";
import type { Problem } from "../native/problem.js";
import type { Site } from "./site.js";

export const failure = ({ problem, remedy }: Problem): ErmineError => new ErmineError("ERMINE_BACKEND", `${problem} ${remedy}`);

export function onPath(site: Site, name: string): string | undefined {
  for (const folder of (site.environment["PATH"] ?? "").split(delimiter)) {
    const file = executable(join(folder, name));
    if (file !== undefined) return file;
  }
  return undefined;
}

function executable(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    return undefined;
  }
}

export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

export function runTool(
  site: Site,
  command: string,
  args: readonly string[],
  options: { cwd?: string; seconds?: number } = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], {
    env: site.environment,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    timeout: (options.seconds ?? 600) * 1000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const output = `${stdout ?? ""}${stderr ?? ""}${error === undefined ? "" : error.message}`.trim();
  return { ok: status === 0, output };
}

export const lastLines = (text: string, count: number): string => text.split("\n").slice(-count).join("\n");

export function python(site: Site): string | Problem {
  const python = onPath(site, "python3");
  if (python === undefined) {
    return {
      problem: "There is no python3 on the PATH; TensorFlow's library is downloaded with its pip.",
      remedy: "Install it (Debian, Ubuntu: apt-get install python3 python3-pip).",
    };
  }
  if (!runTool(site, python, ["-m", "pip", "--version"], { seconds: 60 }).ok) {
    return {
      problem: `${python} has no pip.`,
      remedy: "Install it (Debian, Ubuntu: apt-get install python3-pip; elsewhere: python3 -m ensurepip).",
    };
  }
  return python;
}

export function compiler(site: Site): string | Problem {
  const requested = site.environment["CXX"];
  const names = requested === undefined || requested === "" ? ["g++", "clang++", "c++"] : [requested];
  for (const name of names) {
    const path = name.includes("/") ? executable(name) : onPath(site, name);
    if (path !== undefined) return path;
  }
  return {
    problem: `There is no C++ compiler (${names.join(", ")}); tfjs-node's addon is compiled from its sources.`,
    remedy: "Install one (Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++), or name it: CXX=/path/to/compiler.",
  };
}

/** @returns a problem where the file system of `folder` has less than `bytes` left */
export function room(folder: string, bytes: number): Problem | undefined {
  let existing = folder;
  for (;;) {
    try {
      const { bavail, bsize } = statfsSync(existing);
      if (bavail * bsize >= bytes) return undefined;
      return {
        problem: `${existing} has ${megabytes(bavail * bsize)} free, and ${megabytes(bytes)} are needed.`,
        remedy: "Free some, or put the cache elsewhere: XDG_CACHE_HOME=/path/with/room.",
      };
    } catch (error) {
      if (dirname(existing) === existing) throw error;
      existing = dirname(existing);
    }
  }
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
